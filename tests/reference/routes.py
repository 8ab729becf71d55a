"""The page of addresses: who may take each, what it does, at the portal and at a node."""

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

from onedoor.kernel.routing import Route
from tests.reference import GENERATED, ROOT

ROLES = ("portal", "node")
TABLES = {
    "gateway, for its own systems": "onedoor.exchange.gateway.consuming",
    "directory": "onedoor.exchange.directory.main",
    "witness": "onedoor.exchange.witness.main",
    "watch listener of every process": "onedoor.kernel.watch.listener",
}
"""Listeners without Django, and the module whose ``ROUTES`` are all that each answers."""


ABOUT = (
    "`person 2`: a person at level 2 of assurance. `gateway`: the own gateway alone, over mutual TLS.",
    "`system`: a system of the gateway's own, as it must show itself. `watcher`: on loopback, or with the watch token.",
)


def page() -> str:
    lines = ["# Addresses and who may take them", "", GENERATED, "", *ABOUT, ""]
    for role in ROLES:
        lines += [f"## {role}", "", "| address | who | what it does |", "|---|---|---|"]
        lines += [f"| `/{one['route']}` | {one['who'] or 'NOBODY'} | {one['about']} |" for one in routes_of(role)]
        lines.append("")
    for listener in TABLES:
        lines += [f"## {listener}", "", "| address | who | what it does |", "|---|---|---|"]
        lines += [f"| `{one.method} {one.path}` | {one.rule.who} | {one.about} |" for one in routes_at(listener)]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def routes_at(listener: str) -> tuple[Route, ...]:
    """Return all that a listener without Django answers."""
    found: tuple[Route, ...] = import_module(TABLES[listener]).ROUTES
    return found


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


def tell(role: str) -> None:
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
    sys.stdout.write(json.dumps(list(_walk(get_resolver(), "")), ensure_ascii=False))


def _walk(resolver: Any, before: str) -> Iterator[dict[str, str]]:
    from django.urls import LocalePrefixPattern

    for one in resolver.url_patterns:
        own = "<language>/" if isinstance(one.pattern, LocalePrefixPattern) else str(one.pattern)
        if hasattr(one, "url_patterns"):
            yield from _walk(one, before + own)
        else:
            rule = getattr(one.callback, "access", None)
            who = f"{rule.who} {rule.level or ''}".strip() if rule else ""
            view = f"{one.callback.__module__}.{one.callback.__name__}"
            about = inspect.cleandoc(one.callback.__doc__ or "").split("\n\n")[0].replace("\n", " ").replace("|", "\\|")
            yield {"route": before + own, "view": view, "who": who, "about": about}
