"""What the reference pages must say, read from the code: ``python -m tests.reference`` writes them, a test compares.

``docs/reference/settings.md`` is written by hand: a test looks only whether every setting is named in it.
"""

import argparse
import dataclasses
import importlib
import inspect
import json
import os
import pkgutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"
GENERATED = "<!-- Written by `python -m tests.reference`; change the code, not this page. -->"
ROLES = ("portal", "node")
NOT_BY_IMPORT = (".tests", ".migrations", ".testing", ".wsgi", ".launch", ".__main__")


def pages() -> dict[str, Callable[[], str]]:
    """Return every generated page with the function that writes it."""
    from onedoor.kernel import nation
    from onedoor.site import kinds

    kinds.load()
    schemas = {f"schemas/{name}": partial(str, text) for name, text in nation.published().items()}
    return {"commands.md": commands, "events.md": events, "errors.md": errors, "routes.md": routes, **schemas}


def commands() -> str:
    """Return the page of commands: each with its arguments as the parser knows them."""
    from onedoor.site.cli import COMMANDS

    lines = [
        "# Commands",
        "",
        GENERATED,
        "",
        "Every command leaves with 0, or with 2 after one sentence on stderr; `doctor` with 1 when something is wrong.",
        "",
    ]
    for name, (module, about) in COMMANDS.items():
        parser = argparse.ArgumentParser(prog=f"onedoor {name}")
        importlib.import_module(module).add_arguments(parser)
        told = list(_arguments(parser, ""))
        lines += [f"## `onedoor {name}`", "", f"{about[0].upper()}{about[1:]}.", "", *told, *([""] if told else [])]
    return "\n".join(lines).rstrip() + "\n"


def _arguments(parser: argparse.ArgumentParser, before: str) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, sub in action.choices.items():
                about = next((one.help for one in action._choices_actions if one.dest == name), "")
                yield f"- `{before}{name}`: {about}"
                yield from (f"  {line}" for line in _arguments(sub, ""))
        elif not isinstance(action, argparse._HelpAction):
            yield f"- `{_name(action)}`{_about(action)}"


def _name(action: argparse.Action) -> str:
    if not action.option_strings:
        return "|".join(map(str, action.choices)) if action.choices else action.dest.upper()
    return ", ".join(action.option_strings) + (f" {action.dest.upper()}" if action.nargs != 0 else "")


def _about(action: argparse.Action) -> str:
    said = [action.help or ""]
    if action.choices and action.option_strings:
        said.append("one of " + ", ".join(map(str, action.choices)))
    if action.default not in (None, False, argparse.SUPPRESS):
        said.append(f"default `{action.default}`")
    return "".join(f"{', ' if number else ': '}{part}" for number, part in enumerate(filter(None, said)))


def load() -> None:
    """Import every module of the engine, so that all its classes are known."""
    import onedoor

    for module in pkgutil.walk_packages(onedoor.__path__, "onedoor."):
        if not any(part in module.name for part in NOT_BY_IMPORT):
            importlib.import_module(module.name)


def heirs(kind: type) -> list[type]:
    """Return every class of the engine below *kind*, in the order of their names."""
    found, waiting = set(), [kind]
    while waiting:
        below = [one for one in waiting.pop().__subclasses__() if one.__module__.startswith("onedoor.")]
        found |= set(below)
        waiting += below
    return sorted(
        (one for one in found if ".tests." not in one.__module__), key=lambda one: (one.__module__, one.__name__)
    )


def events() -> str:
    """Return the page of events: name, meaning and fields."""
    from onedoor.kernel.events import Event

    load()
    about = "Facts a room states in the transaction that makes them true; none holds personal data."
    lines = ["# Events", "", GENERATED, "", f"{about} Every one names who acted (`by`).", ""]
    lines += ["| event | what happened | fields |", "|---|---|---|"]
    for event in heirs(Event):
        fields = ", ".join(f"`{one.name}`" for one in dataclasses.fields(event) if one.name != "by")
        lines.append(f"| `{event.name()}` | {_sentence(event)} | {fields or '–'} |")
    return "\n".join(lines) + "\n"


def errors() -> str:
    """Return the page of errors: class, HTTP status and the sentence people read."""
    from onedoor.kernel.errors import STATUS, OnedoorError

    load()
    lines = ["# Errors", "", GENERATED, "", "One tree; the sentence is what people read, in their language.", ""]
    lines += ["| error | module | HTTP | sentence |", "|---|---|---|---|"]
    for error in (OnedoorError, *heirs(OnedoorError)):
        status = next(STATUS[kind] for kind in error.__mro__ if kind in STATUS)
        module = error.__module__.removeprefix("onedoor.")
        lines.append(f"| `{error.__name__}` | `{module}` | {status} | {_sentence(error)} |")
    return "\n".join(lines) + "\n"


def _sentence(kind: type) -> str:
    return " ".join(inspect.cleandoc(kind.__doc__ or "").split()).replace("|", "\\|")


def routes() -> str:
    """Return the page of addresses: who may take each, at the portal and at a node."""
    about = "`person 2`: a person at level 2 of assurance. `gateway`: the own gateway alone, over mutual TLS."
    lines = ["# Addresses and who may take them", "", GENERATED, "", about, ""]
    for role in ROLES:
        lines += [f"## {role}", "", "| address | who |", "|---|---|"]
        lines += [f"| `/{one['route']}` | {one['who'] or 'NOBODY: no access rule'} |" for one in routes_of(role)]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


@cache
def routes_of(role: str) -> list[dict[str, str]]:
    """Return every route of a process of this *role*, read in a process of its own."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("ONEDOOR_")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.reference", "routes", role], env=own, cwd=ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def _tell_routes(role: str) -> None:
    """Write the routes of *role* as JSON; nothing of the database or the keys is touched."""
    member, subsystem = {"portal": ("G22", "PORTAL"), "node": ("G15", "CIVIL-STATUS")}[role]
    os.environ.update(
        ONEDOOR_ROLE=role, ONEDOOR_NATION=str(ROOT / "nations" / "vietnam"), ONEDOOR_MEMBER=member,
        ONEDOOR_SUBSYSTEM=f"VN/GOV/{member}/{subsystem}", ONEDOOR_DATABASE_URL="postgresql://nobody@/nothing",
        ONEDOOR_STATE=str(ROOT / "var" / "routes"), ONEDOOR_SECRET="s" * 40, ONEDOOR_DEMONSTRATION="yes",
        DJANGO_SETTINGS_MODULE="onedoor.site.settings",
    )  # fmt: skip
    import django
    from django.urls import get_resolver

    django.setup()
    sys.stdout.write(json.dumps(list(_walk(get_resolver(), ""))))


def _walk(resolver: Any, before: str) -> Iterator[dict[str, str]]:
    from django.urls import LocalePrefixPattern

    for one in resolver.url_patterns:
        own = "<language>/" if isinstance(one.pattern, LocalePrefixPattern) else str(one.pattern)
        if hasattr(one, "url_patterns"):
            yield from _walk(one, before + own)
        else:
            rule = getattr(one.callback, "access", None)
            who = f"{rule.who} {rule.level or ''}".strip() if rule else ""
            yield {"route": before + own, "view": f"{one.callback.__module__}.{one.callback.__name__}", "who": who}


if __name__ == "__main__":
    if sys.argv[1:2] == ["routes"]:
        _tell_routes(sys.argv[2])
    else:
        os.environ["DJANGO_SETTINGS_MODULE"] = "onedoor.site.settings"
        import django

        django.setup()
        for name, write in pages().items():
            (REFERENCE / name).write_text(write())
