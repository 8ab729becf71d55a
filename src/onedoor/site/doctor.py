"""What is wrong with an installation and how to mend it: each finding is a sentence, or two, for its operator."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography.x509 import Certificate

from onedoor.exchange.directory import lab, publishing, sources
from onedoor.kernel import nation as nations
from onedoor.signing import holders
from onedoor.signing.certificates import load_certificates
from onedoor.site import archives, kinds, versions
from onedoor.site.embedded import Server
from onedoor.site.messages import text as _
from onedoor.site.up.checks import ENOUGH, GIBI
from onedoor.site.up.plan import Part
from onedoor.site.up.process import listens
from onedoor.site.up.supervisor import RECORD

SOON = timedelta(days=30)
LATE = timedelta(minutes=10)
"""After which a job that could run counts as stuck."""
UNSIGNED = timedelta(minutes=1)
"""After which an entry of the ledger should stand under a signature: this is done twice a second."""
STEP = timedelta(minutes=2)
"""By which something signed may lie ahead of this computer's clock."""
WITH_KEY = ("tls", "outer", "inner", "signing")
STUCK = """
    SELECT task_name, count(*), max(attempts) FROM procrastinate_jobs AS job
    WHERE status IN ('todo', 'doing') AND coalesce(scheduled_at,
        (SELECT max(at) FROM procrastinate_events AS event WHERE event.job_id = job.id)) < %s
    GROUP BY task_name ORDER BY task_name
"""
WAITING = "SELECT count(*), min(made_at) FROM store_ledger_entry WHERE position IS NULL AND made_at < %s"
SIGNED = "SELECT coalesce(max(size), 0), max(signed_at) FROM store_ledger_checkpoint"


@dataclass(frozen=True)
class Installation:
    """A nation that should run from *var*, its files in *nation*."""

    var: Path
    nation: Path

    @cached_property
    def server(self) -> Server:
        """Return its database server."""
        return Server(self.var / "postgres")

    @cached_property
    def record(self) -> Mapping[str, Any]:
        """Return what its supervisor wrote down; nothing when none runs."""
        path = self.var / RECORD
        return dict(json.loads(path.read_text())) if path.exists() else {}

    @cached_property
    def databases(self) -> list[str]:
        """Return its databases; none when the server does not answer."""
        return self.server.databases() if self.server.answers() else []

    def rows(self, database: str, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return what *query* finds in *database*."""
        with self.server.as_superuser(database) as connection:
            return connection.execute(query.encode(), values).fetchall()

    def systems(self) -> list[Path]:
        """Return the folders of the systems: the portal and the nodes."""
        return [one for one in sorted(self.var.iterdir()) if one.name.startswith(("portal", "node-")) and one.is_dir()]


def findings(installation: Installation) -> Iterator[str]:
    """Yield what is wrong, and how to mend it."""
    for look in LOOKS:
        yield from look(installation)


def space(found: Installation) -> Iterator[str]:
    """Look at the disk."""
    free = shutil.disk_usage(found.var).free
    if free < ENOUGH:
        told = f"{free / GIBI:.1f}"
        yield _("Only {free} GiB are free on the disk of {var}. Please free some space.", free=told, var=found.var)


def files_of_the_nation(found: Installation) -> Iterator[str]:
    """Look for faults in the nation's files."""
    kinds.load()
    faults = nations.check(found.nation)
    if faults:
        yield _(
            "The files of the nation have {n} faults. Please run “onedoor nation check {folder}”.",
            n=len(faults),
            folder=found.nation,
        )


def processes(found: Installation) -> Iterator[str]:
    """Look whether every process runs and listens."""
    if not found.record:
        yield _("No nation runs in {var}. Please start it: onedoor up --var {var}.", var=found.var)
        return
    kinds.load()
    environments = lab.environments(nations.load(found.nation), found.var, int(found.record["port"]))
    for name, environment in environments.items():
        yield from _silent(found, Part(name, (), environment, "", health=False))


def _silent(found: Installation, part: Part) -> Iterator[str]:
    closed = [port for port in part.ports if not listens(f"127.0.0.1:{port}")]
    if closed:
        log = found.var / "log" / f"{part.name}.log"
        yield _(
            "The process {name} does not listen on port {port}. Please look at the end of its log, {log}.",
            name=part.name,
            port=closed[0],
            log=log,
        )


def database(found: Installation) -> Iterator[str]:
    """Look whether PostgreSQL answers."""
    if not found.server.answers():
        yield _(
            "PostgreSQL does not answer in {home}. Please look at the end of its log, {log}, "
            "and start the nation again.",
            home=found.server.home,
            log=found.server.log,
        )


def migrations(found: Installation) -> Iterator[str]:
    """Look whether each database has the tables of this version."""
    for name in found.databases:
        lacking, unknown = versions.difference(
            (app, migration) for app, migration in found.rows(name, versions.APPLIED)
        )
        if lacking:
            room, _space, migration = lacking[0].partition(" ")
            yield _(
                "The database {name} lacks {migration} of {room}. Please stop and start the nation.",
                name=name,
                migration=migration,
                room=room,
            )
        if unknown:
            room, _space, migration = unknown[0].partition(" ")
            yield _(
                "The database {name} is newer than this program: it has {migration} of {room}. "
                "Please install the version that made it.",
                name=name,
                migration=migration,
                room=room,
            )


def keys(found: Installation) -> Iterator[str]:
    """Look whether the keys are there, and for their owner's eyes alone."""
    for path in _expected(found):
        if not path.exists():
            yield _(
                "The key {path} is missing. Please put it back from the archive of keys before anything starts.",
                path=path,
            )
    for path in archives.files(found.var):
        if path.stat().st_mode & 0o077 and not archives.is_data(path, found.var):
            yield _(
                "Others can read the key {path}. Please run “chmod 600 {path}”, and think about who read it.", path=path
            )


def _expected(found: Installation) -> Iterator[Path]:
    for system in found.systems():
        yield system / "secret"
        if (system / archives.KEY_STORE).exists():
            yield from archives.master_files(system)
            yield system / "keys" / "blind"
        seals = system / "seals"
        for agency in holders.agencies(seals):
            yield holders.key_path(seals, agency, holders.certificates(seals, agency)[0])
        if (system / "ledger" / "published" / "checkpoint").exists():
            yield system / "ledger" / "key"
    for path in found.var.glob("*/*.pem"):
        if path.stem in WITH_KEY:
            yield path.with_suffix(".key")


def certificates(found: Installation) -> Iterator[str]:
    """Look whether certificates are in force and stay so for a while; those of sources the directory itself follows."""
    now = datetime.now(UTC)
    followed = {sources.FOLDER, publishing.PARTNERS}
    known = (one for one in archives.files(found.var) if one.suffix == ".pem" and not followed & {*one.parts})
    for path in sorted(known):
        ends = min((_ends(one) for one in load_certificates(path)), default=now + 2 * SOON)
        if ends < now:
            yield _(
                "The certificate {path} expired on {day}. Please start the nation again: it is renewed.",
                path=path,
                day=f"{ends:%Y-%m-%d}",
            )
        elif ends < now + SOON:
            yield _(
                "The certificate {path} expires on {day}. Please start the nation before: it is renewed.",
                path=path,
                day=f"{ends:%Y-%m-%d}",
            )


def _ends(certificate: Certificate) -> datetime:
    return certificate.not_valid_after_utc


def jobs(found: Installation) -> Iterator[str]:
    """Look for jobs that should have been done."""
    for name in found.databases:
        for task, count, attempts in found.rows(name, STUCK, datetime.now(UTC) - LATE):
            yield _(
                "In the database {name}, {count} jobs “{task}” wait longer than {minutes} minutes, tried "
                "{attempts} times at most. Please look for “{task}” in the log of its process.",
                name=name,
                count=count,
                task=task,
                minutes=LATE.seconds // 60,
                attempts=attempts,
            )


def ledgers(found: Installation) -> Iterator[str]:
    """Look whether each ledger is signed, and where this computer's clock stands."""
    now = datetime.now(UTC)
    for name in found.databases:
        ((waiting, since),) = found.rows(name, WAITING, now - UNSIGNED)
        ((size, signed_at),) = found.rows(name, SIGNED)
        if waiting:
            yield _(
                "The ledger of {name} has {waiting} entries without a signature since {moment} UTC. "
                "Please look for “ledger” in the log of its process.",
                name=name,
                waiting=waiting,
                moment=f"{since:%Y-%m-%d %H:%M}",
            )
        if signed_at and signed_at > now + STEP:
            yield _(
                "The ledger of {name} was signed at {moment} UTC, which this computer's clock has "
                "not reached. Please set the clock by a time server.",
                name=name,
                moment=f"{signed_at:%Y-%m-%d %H:%M}",
            )
        yield from _behind(found, name, size)


def _behind(found: Installation, name: str, size: int) -> Iterator[str]:
    for system in found.systems():
        note = system / "ledger" / "published" / "checkpoint"
        if system.name.lower().replace("-", "_") == name and note.exists():
            published = int(note.read_text().splitlines()[1])
            if published > size:
                yield _(
                    "The database {name} holds {size} entries of its ledger, but {published} were published. "
                    "Please run “onedoor ledger resume” with its settings.",
                    name=name,
                    size=size,
                    published=published,
                )


LOOKS: tuple[Callable[[Installation], Iterator[str]], ...] = (
    space, files_of_the_nation, database, processes, migrations, keys, certificates, jobs, ledgers,
)  # fmt: skip
