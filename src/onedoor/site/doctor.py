"""What is wrong with an installation and how to mend it: each finding is a sentence, or two, for its operator."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from onedoor.exchange.directory import publishing, sources
from onedoor.kernel import nation as nations
from onedoor.kernel.ledger import Checkpoint, split_note
from onedoor.signing import holders
from onedoor.signing.certificates import load_certificates
from onedoor.site import archives, kinds, messages, versions
from onedoor.site.cli import in_words
from onedoor.site.installation import Installation, NothingRuns, System
from onedoor.site.messages import text as _
from onedoor.site.up import status
from onedoor.site.up.checks import ENOUGH, GIBI
from onedoor.site.up.plan import Part
from onedoor.site.up.process import listens
from onedoor.store.proving import CHECKPOINT, folder_in, has_published

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
UNSAFE = "SELECT name FROM pg_settings WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off' ORDER BY name"
"""Settings of a server without which a crash takes what it has acknowledged."""
FOUND_BLINDLY = """
    SELECT 1 WHERE EXISTS (SELECT FROM privacy_readperson) OR EXISTS (SELECT FROM registers_record)
        OR EXISTS (SELECT FROM identity_account WHERE number_mark IS NOT NULL)
"""
"""People in records of reads, in registers and accounts: blind indexes find them."""
SIGNED_ONCE = "SELECT 1 FROM store_ledger_checkpoint LIMIT 1"
SIGNED = "SELECT coalesce(max(size), 0), max(signed_at) FROM store_ledger_checkpoint"


def findings(installation: Installation) -> Iterator[str]:
    """Yield what is wrong, and how to mend it; what keeps one look from its end hides nothing of the others."""
    for look in LOOKS:
        try:
            yield from look(installation)
        except Exception as error:
            if (sentence := in_words(error)) is None:
                raise
            yield sentence


def space(found: Installation) -> Iterator[str]:
    """Look at the disk."""
    free = shutil.disk_usage(found.var).free
    if free < ENOUGH:
        told = f"{free / GIBI:.1f}"
        yield _("Only {free} GiB are free on the disk of {var}. Please free some space.", free=told, var=found.var)


def files_of_the_nation(found: Installation) -> Iterator[str]:
    """Look for faults in the nation's files."""
    if not (found.nation / "nation.yaml").is_file():
        yield _(
            "There is no nation in {folder}. Please bring its files into force with “onedoor nation load”, "
            "or name their folder with --nation.",
            folder=found.nation,
        )
        return
    kinds.load()
    if faults := nations.check(found.nation):
        yield _(
            "The files of the nation have {n} faults. Please run “onedoor nation check {folder}”.",
            n=len(faults),
            folder=found.nation,
        )


def processes(found: Installation) -> Iterator[str]:
    """Look whether every process runs and listens."""
    try:
        for part in found.processes():
            yield from _silent(found, part)
    except NothingRuns as error:
        yield error.text(_, messages.language())


def _silent(found: Installation, part: Part) -> Iterator[str]:
    if closed := [address for address in part.addresses if not listens(address)]:
        yield _(
            "The process {name} does not listen on port {port}. Please look at the end of its log, {log}.",
            name=part.name,
            port=closed[0].rpartition(":")[2],
            log=found.log_of(part.name),
        )


def answers(found: Installation) -> Iterator[str]:
    """Look whether every process that listens answers who watches it: one that is frozen, or stuck, does not."""
    try:
        running, parts = found.running()["processes"], found.processes()
    except NothingRuns:
        return
    for part in parts:
        if all(map(listens, part.addresses)) and status.is_silent(running.get(part.name, {})):
            yield _(
                "The process {name} listens, but does not answer. Please look at the end of its log, {log}, "
                "and start it anew.",
                name=part.name,
                log=found.log_of(part.name),
            )


def database(found: Installation) -> Iterator[str]:
    """Look whether databases answer, and hold something."""
    for why in found.silent():
        yield why.text(_, messages.language())
    for system in found.systems():
        if system.database.answers() and system.database.is_empty():
            yield _(
                "The database {name} is empty. Please start the nation, or the service, again, or restore a backup.",
                name=system.database.name,
            )


def _filled(found: Installation) -> Iterator[System]:
    """Yield the systems whose database can be asked."""
    yield from filter(_can_be_asked, found.systems())


def _can_be_asked(system: System) -> bool:
    return system.database.answers() and not system.database.is_empty()


def durability(found: Installation) -> Iterator[str]:
    """Look whether each server keeps what it has acknowledged."""
    for system in _filled(found):
        for (setting,) in system.database.rows(UNSAFE):
            yield _(
                "The server of the database {name} has {setting} off: a crash takes records of reads with it whose "
                "data have left. Please set {setting} to on and start the server again.",
                name=system.database.name,
                setting=setting,
            )


def migrations(found: Installation) -> Iterator[str]:
    """Look whether each database has the tables of this version."""
    for system in _filled(found):
        name = system.database.name
        lacking, unknown = versions.found(system.database.url)
        if lacking:
            room, _space, migration = lacking[0].partition(" ")
            yield _(
                "The database {name} lacks {migration} of {room}. Please start the nation, or the service, again.",
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
    for path in dict.fromkeys(_expected(found)):
        if not path.exists():
            yield _(
                "The key {path} is missing. Please put it back from the archive of keys before anything starts.",
                path=path,
            )
    secrets = [one.secret for one in found.systems() if one.secret and one.secret.exists()]
    private = (path for path in archives.files(found.var) if not archives.is_data(path, found.var))
    for path in dict.fromkeys((*private, *secrets)):
        if path.stat().st_mode & 0o077:
            yield _(
                "Others can read the key {path}. Please run “chmod 600 {path}”, and think about who read it.", path=path
            )


def _expected(found: Installation) -> Iterator[Path]:
    for system in found.systems():
        yield from [system.secret] if system.secret else []
        state = system.state
        if _held(system, FOUND_BLINDLY):
            yield state / archives.KEY_STORE
            yield state / "keys" / "blind"
        if (state / archives.KEY_STORE).exists():
            yield from archives.master_files(state)
            yield state / "keys" / "blind"
        seals = state / "seals"
        for agency in holders.agencies(seals):
            yield holders.key_path(seals, agency, holders.certificates(seals, agency)[0])
        if has_published(state) or _held(system, SIGNED_ONCE):
            yield state / "ledger" / "key"
    for path in found.var.glob("*/*.pem"):
        if path.stem in WITH_KEY:
            yield path.with_suffix(".key")


def _held(system: System, rows: str) -> bool:
    """Return whether the database of *system* has such *rows*; not when it cannot be asked."""
    return _can_be_asked(system) and bool(system.database.rows(rows))


def certificates(found: Installation) -> Iterator[str]:
    """Look whether certificates are in force and stay so for a while; those of sources the directory itself follows."""
    now = datetime.now(UTC)
    followed = {sources.FOLDER, publishing.PARTNERS}
    known = (one for one in archives.files(found.var) if one.suffix == ".pem" and not followed & {*one.parts})
    for path in sorted(known):
        ends = min((one.not_valid_after_utc for one in load_certificates(path)), default=now + 2 * SOON)
        if ends < now + SOON:
            yield _certificate(found, path, ends, over=ends < now)


def _certificate(found: Installation, path: Path, ends: datetime, *, over: bool) -> str:
    """Return what to say of one that ended, or ends soon, and who gives another."""
    if over and found.renews:
        said = _("The certificate {path} expired on {day}. Please start the nation again: it is renewed.")
    elif over:
        said = _("The certificate {path} expired on {day}. Please take a new one from your authority.")
    elif found.renews:
        said = _("The certificate {path} expires on {day}. Please start the nation before: it is renewed.")
    else:
        said = _("The certificate {path} expires on {day}. Please take a new one from your authority.")
    return said.format(path=path, day=f"{ends:%Y-%m-%d}")


def jobs(found: Installation) -> Iterator[str]:
    """Look for jobs that should have been done."""
    for system in _filled(found):
        for task, count, attempts in system.database.rows(STUCK, datetime.now(UTC) - LATE):
            yield _(
                "In the database {name}, {count} jobs “{task}” wait longer than {minutes} minutes, tried "
                "{attempts} times at most. Please look for “{task}” in the log of its process.",
                name=system.database.name,
                count=count,
                task=task,
                minutes=LATE.seconds // 60,
                attempts=attempts,
            )


def ledgers(found: Installation) -> Iterator[str]:
    """Look whether each ledger is signed, and where this computer's clock stands."""
    now = datetime.now(UTC)
    for system in _filled(found):
        name = system.database.name
        ((waiting, since),) = system.database.rows(WAITING, now - UNSIGNED)
        ((size, signed_at),) = system.database.rows(SIGNED)
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
        yield from _behind(system, size)


def _behind(system: System, size: int) -> Iterator[str]:
    note = folder_in(system.state) / CHECKPOINT
    published = Checkpoint.parse(split_note(note.read_text("utf-8"))[0]).size if note.exists() else 0
    if published > size:
        yield _(
            "The database {name} holds {size} entries of its ledger, but {published} were published. "
            "Please run “onedoor ledger resume” with its settings.",
            name=system.database.name,
            size=size,
            published=published,
        )


LOOKS: tuple[Callable[[Installation], Iterator[str]], ...] = (
    space, files_of_the_nation, database, durability, processes, answers, migrations, keys, certificates, jobs, ledgers,
)  # fmt: skip
