"""What the code says of itself: settings, commands, events, errors."""

import argparse
import ast
import dataclasses
import importlib
import inspect
import pkgutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.reference import GENERATED

EXAMPLES = {
    "MEMBER": "G15",
    "SUBSYSTEM": "VN/GOV/G15/CIVIL-STATUS",
    "DATABASE_URL": "postgresql://role@host/name",
    "SECRET": "s" * 40,
    "WITNESS_NAME": "witness.example/w1",
}
"""Good values of settings that some role must be told; any other one takes a folder."""
BY_THEMSELVES = {"ONEDOOR_MASTER": "number of the web server's main process, for its workers: they end when it does"}
FOR_TESTS = {
    "ONEDOOR_TEST_HOME": "folder of the tests' PostgreSQL, instead of `var/test`",
    "ONEDOOR_TEST_NATION": "`var` of a nation that runs already (its files in `var/files`), instead of starting one",
    "ONEDOOR_TEST_SEED": "seed of the long kill test, to play the same kills again",
}
"""Names in the environment that are no settings of a process."""
NOT_BY_IMPORT = (".tests", ".migrations", ".testing", ".wsgi", ".launch", ".__main__")


def settings() -> str:
    """Return the page of settings: what each is, who must be told it, what it is otherwise."""
    needed = {role: _needed(role) for role in ("portal", "node", "gateway", "directory", "witness")}
    lines = ["# Settings", "", GENERATED, "", *INTRODUCTION, "", _secrets(), ""]
    lines += ["| setting | must be set for | what it is | default |", "|---|---|---|---|"]
    for name, about in settings_told().items():
        roles = ", ".join(role for role, found in needed.items() if name in found[0]) or "–"
        default = next((found[1].get(name, "–") for found in needed.values() if name not in found[0]), "–")
        default = default.replace(str(Path.cwd()), ".")  # the present folder, wherever it is
        lines.append(f"| `ONEDOOR_{name}` | {roles} | {about} | {default} |")
    for title, names in (("Set by the processes themselves", BY_THEMSELVES), ("For the tests", FOR_TESTS)):
        lines += ["", f"## {title}", "", "| name | what it is |", "|---|---|"]
        lines += [f"| `{name}` | {about} |" for name, about in names.items()]
    return "\n".join(lines) + "\n"


INTRODUCTION = (
    "Every process reads its settings from the environment, once, when it starts; an odd value stops it with a",
    "sentence that says what the setting must be. `onedoor up` sets all of them for the processes it starts. Nothing",
    "else is configured.",
)


def _secrets() -> str:
    """Return the sentence about secrets, which `repr` does not show."""
    from onedoor.kernel.settings import Settings

    names = [f"`ONEDOOR_{one.name.upper()}_FILE`" for one in dataclasses.fields(Settings) if not one.repr]
    return f"A secret may be given by the path of a file that holds it, and better is: {', '.join(names)}."


def settings_told() -> dict[str, str]:
    """Return the sentence below each field of `Settings`, by the setting's name; empty where there is none."""
    from onedoor.kernel.settings import Settings

    (tree,) = ast.parse(inspect.getsource(Settings)).body
    assert isinstance(tree, ast.ClassDef)
    told: dict[str, str] = {}
    last = ""
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            last = node.target.id.upper()
            told[last] = ""
        elif last and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            told[last] = " ".join(str(node.value.value).split()).removesuffix(".")
    return told


def _needed(role: str) -> tuple[set[str], dict[str, str]]:
    """Return what a process of *role* must be told, and what it takes for the rest."""
    from onedoor.kernel.settings import BadSetting, BadSettings, read

    needed: set[str] = {"ROLE"}
    with tempfile.TemporaryDirectory() as folder:
        environment = {"ONEDOOR_ROLE": role}
        while True:
            try:
                found = read(environment)
                break
            except (BadSetting, BadSettings) as error:
                names = {str(one.facts["name"]).removeprefix("ONEDOOR_") for one in getattr(error, "faults", [error])}
                if names & needed:
                    raise LookupError(f"{error} Add a good value to EXAMPLES in tests/reference/code.py.") from error
                needed |= names
                environment |= {f"ONEDOOR_{name}": EXAMPLES.get(name, folder) for name in names}
    shown = {one.name.upper(): _shown(getattr(found, one.name)) for one in dataclasses.fields(found) if one.repr}
    return needed, shown


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "`yes`" if value else "`no`"
    return f"`{value}`" if value not in (None, "") else "–"


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
