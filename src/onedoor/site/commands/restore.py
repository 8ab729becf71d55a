"""``onedoor restore``: an installation anew from its archives; what is lost, or cannot be read, is said in words."""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from onedoor.kernel import nation as nations
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.said import said
from onedoor.site import archives, kinds, lock, messages, versions
from onedoor.site.archives import BadArchive
from onedoor.site.cli import DEFAULT_NATION, DEFAULT_VAR
from onedoor.site.commands.backup import started
from onedoor.site.embedded import Server
from onedoor.site.messages import text as _
from onedoor.site.up.command import closed_to_others
from onedoor.site.up.plan import Options, Part, parts, systems
from onedoor.site.up.process import dying_with_us


class SomethingThere(OnedoorError):
    """{var} is there already; a restore overwrites nothing. Please name another folder: onedoor restore --var DIR."""


class NotResumed(OnedoorError):
    """The ledger of {name} cannot go on from what was published: {why} Nothing was restored."""


class KeysNotGiven(OnedoorError):
    """Without the archive of the keys nobody can tell whether the data were changed since the backup, and what is sealed stays unreadable. Please give it with --keys; only to look at what is left when no copy of the keys is: --without-keys."""  # noqa: E501 - one sentence after the other


class CopyExpired(OnedoorError):
    """The copy of the keys at {path} expired on {day}: whoever was erased since it was made would be readable again. Please take a newer backup, and delete this copy."""  # noqa: E501 - one sentence after the other


class LossesUnknown(OnedoorError):
    """Without the published ledgers nobody can know what was signed after the backup: the systems would sign a second history beside the one that others may hold. Please give them with --published; only when no copy is left anywhere: --without-published."""  # noqa: E501 - one sentence after the other


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the archives, the published ledgers, and where to."""
    parser.add_argument("--data", type=Path, required=True, help="archive of the data")
    keys = parser.add_mutually_exclusive_group()
    keys.add_argument("--keys", type=Path, help="archive of the keys of the same backup")
    keys.add_argument("--without-keys", action="store_true", help="to look at what is left: nothing of it can start")
    published = parser.add_mutually_exclusive_group()
    published.add_argument("--published", type=Path, help="the old --var, or a copy of its published ledgers")
    published.add_argument("--without-published", action="store_true", help="no copy is left: sign a second history")
    parser.add_argument("--var", type=Path, default=DEFAULT_VAR, help="folder to make the installation in")
    parser.add_argument("--nation", type=Path, default=DEFAULT_NATION, help="folder of the nation")
    messages.add_argument(parser)


def run(arguments: argparse.Namespace) -> None:
    """Restore, and say what is lost; a restore that fails leaves nothing behind."""
    var = arguments.var.absolute()
    _refuse_what_is_there(var)
    if not arguments.keys and not arguments.without_keys:
        raise KeysNotGiven
    if arguments.keys and not arguments.published and not arguments.without_published:
        raise LossesUnknown
    with closed_to_others(), lock.held(var, "restore"):
        _refuse_what_is_there(var)  # somebody may have been faster
        try:
            told = _restore(var, arguments)
        except BaseException:
            shutil.rmtree(var)
            raise
    print("\n".join(told))


def _refuse_what_is_there(var: Path) -> None:
    if var.exists() and any(one.name != lock.NAME for one in var.iterdir()):
        raise SomethingThere(var=var)


def _restore(var: Path, arguments: argparse.Namespace) -> list[str]:
    server = Server(var / "postgres")
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=var) as name:
        about = _unpack(Path(name), var, arguments.data, arguments.keys)
        server.prepare()
        with started(server):
            for database in about["databases"]:
                server.ensure_database(database)
                server.load(database, Path(name) / "data" / archives.DUMPS / f"{database}.dump")
                versions.refuse_newer(server.url(database))
            names = ", ".join(about["databases"])
            told = [_("Restored as of {moment}: {names}.", moment=about["made_at"], names=names)]
            if arguments.keys:
                return told + _resume(var, server, arguments)
    (var / archives.KEYLESS).touch()
    return [*told, *unreadable(about["persons"])]


def _unpack(folder: Path, var: Path, data: Path, keys: Path | None) -> dict[str, Any]:
    shared = archives.manifest(keys) if keys else None
    if shared and shared["id"] != archives.manifest(data)["id"]:
        raise BadArchive(path=keys, why=said("its keys are of another backup than the data"))
    if keys and (ends := archives.expires(keys)) and ends <= datetime.now(UTC):
        raise CopyExpired(path=keys, day=ends.date())
    about = archives.unpack(data, folder / "data", bytes.fromhex(shared["seal"]) if shared else None)
    if keys:
        archives.unpack(keys, folder / "keys")
    for part in ("data", "keys")[: 2 if keys else 1]:
        shutil.copytree(folder / part / archives.FILES, var, dirs_exist_ok=True)
    return about


def unreadable(persons: Mapping[str, int]) -> list[str]:
    """Return in plain words what cannot be read or done without the keys."""
    return [
        _("The archive of the keys was not given, so this cannot be read or done:"),
        *(_("- {name}: the data of {n} persons stay sealed", name=name, n=count) for name, count in persons.items()),
        _("- no ledger can be continued, no result sealed, no message signed, no gateway's log opened"),
        _("- nobody can tell whether the data were changed since the backup"),
        _("Please restore again into an empty folder with --keys. This one does not start: it would make new keys."),
    ]


def _resume(var: Path, server: Server, arguments: argparse.Namespace) -> list[str]:
    """Continue each ledger from what was published; return a sentence for each."""
    if not arguments.published:
        return [_("Whether entries of the ledger are lost is unknown: no published ledger was left.")]
    kinds.load()
    options = Options(nation=arguments.nation.absolute(), var=var, port=8000, people=0, seed=0, log_level="warning")
    found = systems(parts(options, nations.load(options.nation), server))
    return [_resumed(part, server, arguments.published.absolute()) for part in found]


def _resumed(part: Part, server: Server, published: Path) -> str:
    state = Path(part.environment["ONEDOOR_STATE"])
    folder = published / state.name / "ledger" / "published"
    if versions.refuse_newer(server.url(part.database)):
        _done(part, "migrate")
    return f"{state.name}: {_done(part, 'ledger', 'resume', '--published', str(folder))}"


def _done(part: Part, *arguments: str) -> str:
    """Run a command of onedoor as the system *part* and return what it said."""
    done = subprocess.run(  # noqa: S603 - our own command
        dying_with_us([sys.executable, "-m", "onedoor.site", *arguments, "--language", messages.language()]),
        env=part.environment, check=False, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        why = (done.stderr.strip().splitlines() or [_("it said nothing.")])[-1]
        raise NotResumed(name=Path(part.environment["ONEDOOR_STATE"]).name, why=why.removeprefix("onedoor: "))
    return done.stdout.strip()
