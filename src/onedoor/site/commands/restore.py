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

from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.nation import versions as nation_versions
from onedoor.kernel.said import said
from onedoor.site import archives, installation, lock, messages, versions
from onedoor.site.archives import BadArchive
from onedoor.site.installation import Installation, System
from onedoor.site.messages import text as _
from onedoor.site.up.command import closed_to_others
from onedoor.site.up.plan import DATABASE_URL, SECRETS, VERSIONS
from onedoor.site.up.process import dying_with_us
from onedoor.site.up.supervised import Supervised

GIVEN = (lock.NAME, SECRETS[DATABASE_URL])
"""What may lie where something is restored, beside files of settings: an operator puts the address there himself."""


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
    installation.add_arguments(parser)
    parser.add_argument("--nation", type=Path, help="folder of the nation, else what is in force there")
    messages.add_argument(parser)


def run(arguments: argparse.Namespace) -> None:
    """Restore, and say what is lost; a restore that fails leaves nothing behind."""
    var = arguments.var.absolute()
    _refuse_what_is_there(var)
    if not arguments.keys and not arguments.without_keys:
        raise KeysNotGiven
    if arguments.keys and not arguments.published and not arguments.without_published:
        raise LossesUnknown
    before = set(var.rglob("*"))
    with closed_to_others(), lock.held(var, "restore"):
        _refuse_what_is_there(var)  # somebody may have been faster
        written: list[Path] = []
        try:
            told = _restore(var, arguments, written)
        except BaseException:
            _take_back(var, before, written)
            raise
    print("\n".join(told))


def _refuse_what_is_there(var: Path) -> None:
    """Raise `SomethingThere` unless there is nothing but what an operator put there for the restore."""
    for path in var.rglob("*"):
        if not path.is_dir() and path.name not in GIVEN and path.suffix != ".env":
            raise SomethingThere(var=var)


def _take_back(var: Path, before: set[Path], written: list[Path]) -> None:
    """Remove what was not there *before*, and what was *written* elsewhere."""
    for path in (*written, *sorted(var.rglob("*"), reverse=True)):
        if path in before:
            continue
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
    if not before:
        var.rmdir()


def _restore(var: Path, arguments: argparse.Namespace, written: list[Path]) -> list[str]:
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=var) as name:
        folder = Path(name)
        about = _unpack(folder, var, arguments.data, arguments.keys)
        found = _place(var, folder / "keys" / archives.SETTINGS, arguments, written)
        with found.started():
            databases = [found.empty_database(name) for name in about["databases"]]
            for database in databases:
                database.load(folder / "data" / archives.DUMPS / f"{database.name}.dump")
                versions.refuse_newer(database.url)
            names = ", ".join(about["databases"])
            told = [_("Restored as of {moment}: {names}.", moment=about["made_at"], names=names)]
            if arguments.keys:
                return told + _resume(found, arguments.published)
    (var / archives.KEYLESS).touch()
    return [*told, *unreadable(about["persons"])]


def _place(var: Path, settings: Path, arguments: argparse.Namespace, written: list[Path]) -> Installation:
    """Return the installation to fill: of services when the archive of the keys holds *settings* of such.

    A file that the operator has put there already stays as it is.
    """
    if not settings.is_dir():
        found = Supervised(var, arguments.nation and arguments.nation.absolute())
        found.server.prepare()
        return found
    place = (arguments.settings or var).absolute()
    for path in sorted(one for one in settings.rglob("*") if one.is_file()):
        to = place / path.relative_to(settings)
        if not to.exists():
            written.append(to)
            archives.copy(path, to)
    return installation.at(var, place)


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
        if (folder / part / archives.FILES).exists():  # a portal or a gateway has both, a directory may have one
            shutil.copytree(folder / part / archives.FILES, var, dirs_exist_ok=True)
    if (var / VERSIONS).exists():
        nation_versions.open_to_all(var / VERSIONS)
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


def _resume(found: Installation, published: Path | None) -> list[str]:
    """Continue each ledger from what was published; return a sentence for each."""
    if not published:
        return [_("Whether entries of the ledger are lost is unknown: no published ledger was left.")]
    return [_resumed(found, system, published.absolute()) for system in found.systems()]


def _resumed(found: Installation, system: System, published: Path) -> str:
    folder = published / system.name / "ledger" / "published"
    environment = found.environment(system)
    if versions.refuse_newer(system.database.url):
        _done(system, environment, "migrate")
    return f"{system.name}: {_done(system, environment, 'ledger', 'resume', '--published', str(folder))}"


def _done(system: System, environment: Mapping[str, str], *arguments: str) -> str:
    """Run a command of onedoor as *system* and return what it said."""
    done = subprocess.run(  # noqa: S603 - our own command
        dying_with_us([sys.executable, "-m", "onedoor.site", *arguments, "--language", messages.language()]),
        env=environment, check=False, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        why = (done.stderr.strip().splitlines() or [_("it said nothing.")])[-1]
        raise NotResumed(name=system.name, why=why.removeprefix("onedoor: "))
    return done.stdout.strip()
