"""``onedoor status``: the processes of a running nation, how each is, and how much memory they take."""

import argparse
import json
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from onedoor.site import installation, messages
from onedoor.site.messages import gettext_noop
from onedoor.site.messages import text as _
from onedoor.site.up import process as processes

MEBI = 1024
OK, LIMITED, FAILING = gettext_noop("ok"), gettext_noop("limited"), gettext_noop("failing")
SILENT, UNWATCHED = gettext_noop("no answer"), gettext_noop("not watched")
PATIENCE = 15.0
"""Seconds a process may take to look at everything it depends on."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add where to look."""
    messages.add_argument(parser)
    installation.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="as one JSON object")


def run(arguments: argparse.Namespace) -> None:
    """Print a line for each process and the sum, or one JSON object."""
    found = status(arguments.var, arguments.settings)
    if arguments.json:
        print(json.dumps(found))
        return
    for name, one in found["processes"].items():
        state = one["health"] or ("" if "pid" in one else UNWATCHED)
        health = "; ".join((state and _(state), *one["ill"]))
        print(f"{name:<16} {_counted(one)}  {health}".rstrip())
    if "pss_mib" in found:
        print(f"{_('all'):<16} {'':>8} {'':<20} {found['pss_mib']:>8.1f} MiB")


def _counted(one: dict[str, Any]) -> str:
    """Return what only a supervisor knows of a process; of a service the computer's own does."""
    if "pid" not in one:
        return ""
    restarts = _("{n} restarts", n=f"{one['restarts']:>4}")
    return f"{one['pid'] or _('gone'):>8} {restarts:<20} {one['pss_mib']:>8.1f} MiB"


def status(var: Path, settings: Path | None = None) -> dict[str, Any]:
    """Return the health of what runs in *var*; with a supervisor pids, restarts and memory as well.

    Memory is proportional (PSS), in MiB, with that of children.
    """
    found = installation.at(var, settings).running()
    for one in found["processes"].values():
        one["health"], one["ill"] = _health(one.pop("watch", ""), one.pop("token", ""))
    if "pid" in found:
        health, ill = _health(found.pop("watch", ""), "")
        found["processes"]["up"] = {"pid": found["pid"], "restarts": 0, "health": health, "ill": ill}
        _weigh(found)
    return found


def _weigh(found: dict[str, Any]) -> None:
    """Add the memory of each process and of all."""
    children = processes.children()
    counted: set[int] = {int(one["pid"]) for one in found["processes"].values()}
    for one in found["processes"].values():
        one["pss_mib"] = _family(int(one["pid"]), children, counted)
    found["pss_mib"] = sum(one["pss_mib"] for one in found["processes"].values())


def is_silent(process: Mapping[str, Any]) -> bool:
    """Return whether *process*, as an installation tells of what runs, does not answer who watches it."""
    return _health(process.get("watch", ""), process.get("token", ""))[0] == SILENT


def _health(address: str, token: str) -> tuple[str, list[str]]:
    """Return how the process watched at *address* is, and what it depends on that is not well."""
    if not address:
        return "", []
    try:
        said = json.loads(asked(address, token, "/health"))
    except (OSError, HTTPException, ValueError):
        return SILENT, []
    depends = said.get("dependencies", {})
    return said["status"], [told_of(name, one) for name, one in depends.items() if one["state"] != "ok"]


def named(dependency: str) -> str:
    """Return the name of a *dependency* as it is said; what number or address it has stays behind its word."""
    word, mark, which = dependency.partition(" ")
    return f"{_(word)}{mark}{which}"


def told_of(name: str, dependency: Mapping[str, str]) -> str:
    """Return what a process says of a *dependency* that is not well."""
    why = dependency["why"]
    facts = {"name": named(name), "why": _(why), "of": dependency.get("of")}
    return _("{name}: {why} ({of})", **facts) if facts["of"] else _("{name}: {why}", **facts)


def asked(address: str, token: str, path: str) -> bytes:
    """Return what the watch listener at *address* answers at *path*; raise OSError or HTTPException."""
    host, _, port = address.rpartition(":")
    with closing(HTTPConnection(host.strip("[]"), int(port), timeout=PATIENCE)) as connection:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
        return connection.getresponse().read()


def _family(pid: int, children: dict[int, list[int]], counted: set[int]) -> float:
    """Return the MiB of *pid* and of its children that no other line of the record counts."""
    own = [child for child in children.get(pid, []) if child not in counted]
    return _pss(pid) + sum(_family(child, children, counted) for child in own)


def _pss(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / MEBI
