"""``onedoor nation load`` and ``onedoor nation versions``: what is in force in an installation, and what was."""

import argparse
import getpass
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

from onedoor.kernel.errors import OnedoorError
from onedoor.site.cli import DEFAULT_VAR, FAILED
from onedoor.site.messages import text as _

if TYPE_CHECKING:
    from onedoor.kernel.nation.versions import Version

PATIENCE = 30.0


class NothingKept(OnedoorError):
    """There is no nation in {var}. Please name the folder of an installation with --var."""


class OneOfTwo(OnedoorError):
    """Please give either the folder of a nation or, with --kept, a version that “onedoor nation versions” shows."""


def add_arguments(parts: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``load`` and ``versions``."""
    load = parts.add_parser("load", help="bring a nation's files into force, checked first, in a running nation too")
    load.add_argument("folder", type=Path, nargs="?", help="folder of the nation")
    load.add_argument("--kept", metavar="VERSION", help="go back to a version that was in force before")
    load.add_argument("--by", default=None, help="who brings it in; else the user of this computer")
    load.add_argument("--var", type=Path, default=DEFAULT_VAR, help="folder of the installation")
    listed = parts.add_parser("versions", help="list what came into force, when, by whom and from where")
    listed.add_argument("--var", type=Path, default=DEFAULT_VAR, help="folder of the installation")


def load(arguments: argparse.Namespace) -> int:
    """Bring files into force, or name every fault and leave all as it is."""
    from onedoor.exchange.directory import following
    from onedoor.kernel.nation import BadNation, versions
    from onedoor.procedures import layouts
    from onedoor.site.up.supervisor import RECORD

    if (arguments.folder is None) == (arguments.kept is None):
        raise OneOfTwo
    var = arguments.var.absolute()
    folder, record = _folder(var, may_begin=arguments.folder is not None), var / RECORD
    services = not (var / "postgres").exists()  # nobody supervises them: whether they run is not known
    by, running = arguments.by or getpass.getuser(), services or record.exists()
    try:
        if arguments.kept:
            version = versions.go_back(folder, arguments.kept, by, running=running)
        else:
            version = versions.bring_in(folder, arguments.folder.absolute(), by, running=running, tried=layouts.faults)
    except BadNation as bad:
        for fault in bad.faults:
            print(fault.text(_))
        print(_("{count} faults: nothing was changed.", count=len(bad.faults)))
        return FAILED
    print(_("Version {version} is in force. What began before keeps what it began with.", version=version.short))
    if services and following.here(var):
        print(_followed_here(var, version))
    elif record.exists():
        print(_followed(record, version.digest))
    return 0


def listing(arguments: argparse.Namespace) -> int:
    """Print a line for each version that came into force, the last first."""
    from onedoor.kernel.nation import versions

    found = versions.history(_folder(arguments.var))
    for number, version in enumerate(reversed(found)):
        state = _("in force") if not number else ""
        print(f"{version.short}  {version.at:%Y-%m-%d %H:%M:%S}Z  {state:<8}  {version.by}  {version.origin}")
    return 0


def _folder(var: Path, *, may_begin: bool = False) -> Path:
    """Return the folder of versions in *var*, which must be there unless it *may_begin* now."""
    from onedoor.kernel.nation.versions import HISTORY
    from onedoor.site.up.plan import VERSIONS

    folder = var.absolute() / VERSIONS
    if not (folder / HISTORY).exists() and not (may_begin and var.is_dir()):
        raise NothingKept(var=var)
    return folder


def _followed_here(var: Path, version: "Version") -> str:
    """Bring the version to what lies on this computer of a nation; return what to say."""
    from onedoor.exchange.directory import following
    from onedoor.kernel import nation
    from onedoor.kernel.nation import versions
    from onedoor.site.up.plan import VERSIONS

    found = following.follow(nation.load(versions.place(var / VERSIONS, version)), var)
    return _("Followed here: {names}. Please load the same files on every computer.", names=", ".join(found))


def _followed(record: Path, digest: str) -> str:
    """Wait until the exchange has followed; return what to say."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if record.exists() and json.loads(record.read_text()).get("nation") == digest:
            return _("Every process takes it with its next request; gateways learn of new rights within a minute.")
        time.sleep(0.1)
    return _("The supervisor has not followed yet. Please look with “onedoor doctor”.")
