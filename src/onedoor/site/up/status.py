"""``onedoor status``: the processes of a running nation, how each is, and how much memory they take."""

import argparse
import json
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from onedoor.kernel.errors import OnedoorError
from onedoor.site import messages
from onedoor.site.cli import DEFAULT_VAR
from onedoor.site.messages import gettext_noop
from onedoor.site.messages import text as _
from onedoor.site.up import process as processes
from onedoor.site.up.supervisor import RECORD

MEBI = 1024
OK, LIMITED, FAILING = gettext_noop("ok"), gettext_noop("limited"), gettext_noop("failing")
SILENT = gettext_noop("no answer")
PATIENCE = 15.0
"""Seconds a process may take to look at everything it depends on."""


class NothingRuns(OnedoorError):
    """No nation runs in {var}. Start one with “make run” or “onedoor up”."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add where to look."""
    messages.add_argument(parser)
    parser.add_argument("--var", type=Path, default=DEFAULT_VAR, help="folder of the installation")
    parser.add_argument("--json", action="store_true", help="as one JSON object")


def run(arguments: argparse.Namespace) -> None:
    """Print a line for each process and the sum, or one JSON object."""
    found = status(arguments.var)
    if arguments.json:
        print(json.dumps(found))
        return
    for name, one in found["processes"].items():
        restarts = _("{n} restarts", n=f"{one['restarts']:>4}")
        said = f"{one['pid'] or _('gone'):>8} {restarts:<20} {one['pss_mib']:>8.1f} MiB"
        state = one["health"]
        health = "; ".join((state and _(state), *one["ill"]))
        print(f"{name:<16} {said}  {health}".rstrip())
    print(f"{_('all'):<16} {'':>8} {'':<20} {found['pss_mib']:>8.1f} MiB")


def status(var: Path) -> dict[str, Any]:
    """Return pids, restarts, health and proportional memory (PSS, with their children) of what runs in *var*."""
    found = record(var)
    if not Path(f"/proc/{found['pid']}").exists():  # it was killed: what it wrote down stayed behind
        raise NothingRuns(var=var)
    children = processes.children()
    found["processes"]["up"] = {"pid": found["pid"], "restarts": 0}
    counted: set[int] = {int(one["pid"]) for one in found["processes"].values()}
    for one in found["processes"].values():
        one["pss_mib"] = _family(int(one["pid"]), children, counted)
        one["health"], one["ill"] = _health(one.pop("watch", ""))
    found["pss_mib"] = sum(one["pss_mib"] for one in found["processes"].values())
    return found


def record(var: Path) -> dict[str, Any]:
    """Return what the supervisor of the nation in *var* wrote down; raise `NothingRuns`."""
    try:
        return dict(json.loads((var / RECORD).read_text()))
    except FileNotFoundError:
        raise NothingRuns(var=var) from None


def _health(address: str) -> tuple[str, list[str]]:
    """Return how the process watched at *address* is, and what it depends on that is not well."""
    if not address:
        return "", []
    try:
        said = json.loads(_ask(address))
    except (OSError, HTTPException, ValueError):
        return SILENT, []
    depends = said.get("dependencies", {})
    return said["status"], [f"{name}: {one['why']}" for name, one in depends.items() if one["state"] != "ok"]


def _ask(address: str) -> bytes:
    host, _, port = address.rpartition(":")
    with closing(HTTPConnection(host, int(port), timeout=PATIENCE)) as connection:
        connection.request("GET", "/health")
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
