"""`onedoor doctor` finds nothing in a sound nation, and names each thing that is really broken in it."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from onedoor.kernel.ids import uuid7
from onedoor.signing.certificates import Authority, Subject, load_certificates, pem
from onedoor.signing.keys import load_key
from onedoor.site import doctor, installation
from onedoor.site.up import status
from tests.nation.running import COMMAND, ROOT, Running, environment, onedoor, wait_for

pytestmark = [pytest.mark.nation, pytest.mark.timeout(300)]
NODE = "node-G15"
LITTLE_DISK = 'mount -t tmpfs -o size=96m none "$1" && mkdir -p "$1/postgres/data" && shift && exec "$@"'


ENTRY = """
    INSERT INTO store_ledger_entry (id, kind, commitment, made_at)
    VALUES (%s, 'tests.entry', decode(repeat('00', 32), 'hex'), now() - interval '1 hour')
"""


@pytest.fixture(scope="module")
def checkpoint(nation: Running) -> Path:
    """Have something signed in the ledger of the node, and give the published checkpoint."""
    path = nation.var / NODE / "ledger" / "published" / "checkpoint"
    with nation.server.as_superuser("node_g15") as connection:
        connection.execute(ENTRY, [uuid7()])
    wait_for(path.exists, "nothing is published", 20)
    return path


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Stop a process where it stands, as a machine without memory would."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def said(nation: Running, look: str = "") -> str:
    """Return what the doctor says of everything, or at one *look*."""
    here = installation.at(nation.var, nation=nation.folder)
    return "\n".join(getattr(doctor, look)(here) if look else doctor.findings(here))


@contextmanager
def without(path: Path) -> Iterator[None]:
    away = path.with_name("away")
    path.rename(away)
    try:
        yield
    finally:
        away.rename(path)


@contextmanager
def changed(path: Path, content: bytes) -> Iterator[None]:
    before = path.read_bytes()
    path.write_bytes(content)
    try:
        yield
    finally:
        path.write_bytes(before)


def test_a_sound_nation_is_well_and_a_broken_one_is_not(nation: Running) -> None:
    nation.wait_for_all()
    arguments = ("doctor", "--var", str(nation.var), "--nation", str(nation.folder))
    done = onedoor(*arguments)
    assert (done.returncode, done.stdout) == (0, f"{nation.var}: all is well.\n"), done.stderr
    with without(nation.var / NODE / "keys" / "master"):
        done = onedoor(*arguments)
    assert done.returncode == 1
    assert done.stdout.startswith(f"- The key {nation.var / NODE}/keys/master is missing. Please ")


def test_no_installation_is_an_error(tmp_path: Path) -> None:
    done = onedoor("doctor", "--var", str(tmp_path))
    assert done.returncode == 2
    assert "There is no installation" in done.stderr


@pytest.mark.parametrize("key", ["secret", "tls.key", "keys/blind", "ledger/key", "seals/G15.key"])
@pytest.mark.usefixtures("checkpoint")
def test_a_missing_key_is_named(nation: Running, key: str) -> None:
    path = nation.var / NODE / key
    with without(path):
        assert f"The key {path} is missing" in said(nation, "keys")
    assert not said(nation, "keys")


def test_a_key_that_others_can_read_is_named(nation: Running) -> None:
    path = nation.var / "gateway-G15" / "log.key"
    path.chmod(0o640)
    try:
        assert f"chmod 600 {path}" in said(nation, "keys")
    finally:
        path.chmod(0o600)


@pytest.mark.parametrize(("days", "words"), [(-1, "expired on"), (20, "expires on")])
def test_a_certificate_that_ended_or_ends_soon_is_named(nation: Running, days: int, words: str) -> None:
    path = nation.var / "gateway-G15" / "outer.pem"
    (before,) = load_certificates(path)
    authority = Authority.create(nation.var / "another-authority")
    start = datetime.now(UTC) + timedelta(days=days - 365)
    old = authority.issue(
        Subject("old"),
        load_key(path.with_suffix(".key")).public_key(),
        "tls",
        names=("localhost",),
        days=365,
        moment=start,
    )
    shutil.rmtree(nation.var / "another-authority")
    with changed(path, pem([old])):
        assert f"The certificate {path} {words} {old.not_valid_after_utc:%Y-%m-%d}" in said(nation, "certificates")
    assert load_certificates(path) == (before,)
    assert not said(nation, "certificates")


def test_a_process_that_does_not_listen_is_named_with_its_log(nation: Running) -> None:
    nation.kill(NODE)
    assert f"The process {NODE} does not listen on port" in wait_for(lambda: said(nation, "processes"), "it listens", 5)
    nation.wait_for_all()
    assert not said(nation, "processes")


def test_a_nation_that_does_not_run_is_said(nation: Running) -> None:
    with without(nation.var / "run.json"):
        assert "No nation runs" in said(nation, "processes")


def test_a_database_that_does_not_answer_is_said(nation: Running) -> None:
    with without(nation.server.socket / ".s.PGSQL.5432"):
        assert "PostgreSQL does not answer" in said(nation, "database")


def test_faults_in_the_files_of_the_nation_are_counted(nation: Running) -> None:
    path = nation.folder / "agencies.yaml"
    with changed(path, path.read_bytes().replace(b"member: G15", b"member: G99", 1)):
        assert "onedoor nation check" in said(nation, "files_of_the_nation")


def test_a_migration_that_is_missing_or_unknown_is_named(nation: Running) -> None:
    rename = "UPDATE django_migrations SET name = %s WHERE app = 'store' AND name = %s"
    with nation.server.as_superuser("node_g15") as connection:
        connection.execute(rename, ["0999_tomorrow", "0001_initial"])
        try:
            found = said(nation, "migrations")
        finally:
            connection.execute(rename, ["0001_initial", "0999_tomorrow"])
    assert "node_g15 lacks 0001_initial of store" in found
    assert "it has 0999_tomorrow of store" in found
    assert not said(nation, "migrations")


def test_a_job_that_waits_too_long_is_named(nation: Running) -> None:
    with frozen(nation.pids()[NODE]), nation.server.as_superuser("node_g15") as connection:
        row = connection.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, priority, status, scheduled_at, attempts)"
            " VALUES ('nobody', 'tests.stuck', 0, 'todo', now() - interval '1 hour', 7) RETURNING id"
        ).fetchone()
        assert row
        try:
            assert "1 jobs “tests.stuck” wait longer than 10 minutes, tried 7 times" in said(nation, "jobs")
        finally:
            connection.execute("DELETE FROM procrastinate_jobs WHERE id = %s", [row[0]])
    assert not said(nation, "jobs")


def test_a_process_that_is_frozen_is_named_though_it_listens(nation: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "PATIENCE", 2.0)
    with frozen(nation.pids()[NODE]):
        found = said(nation, "answers")
        assert found.count("listens, but does not answer") == 1
        assert f"The process {NODE} listens" in found
        assert not said(nation, "processes")
    assert not said(nation, "answers")


def test_an_entry_that_nobody_signs_is_said(nation: Running) -> None:
    with nation.server.as_superuser("node_g15") as connection, connection.transaction(force_rollback=True):
        connection.execute("SELECT pg_advisory_lock(%s)", [0x0D00_0001])  # whoever holds it, nobody else signs
        try:
            with nation.server.as_superuser("node_g15") as other:
                other.execute(ENTRY, [uuid7()])
            assert re.search(r"The ledger of node_g15 has \d+ entries without a signature", said(nation, "ledgers"))
        finally:
            connection.execute("SELECT pg_advisory_unlock(%s)", [0x0D00_0001])
    wait_for(lambda: not said(nation, "ledgers"), "the entry is not signed", 20)


def test_a_database_behind_what_it_published_is_said(nation: Running, checkpoint: Path) -> None:
    lines = checkpoint.read_text().splitlines(keepends=True)
    with changed(checkpoint, "".join([lines[0], f"{int(lines[1]) + 5}\n", *lines[2:]]).encode()):
        assert "onedoor ledger resume" in said(nation, "ledgers")


@pytest.mark.usefixtures("checkpoint")
def test_a_clock_behind_what_was_signed_is_said(nation: Running) -> None:
    last = "UPDATE store_ledger_checkpoint SET signed_at = signed_at {} interval '1 day' WHERE size = %s"
    with nation.server.as_superuser("node_g15") as connection:
        connection.execute("SET session_replication_role = replica")  # no trigger holds it
        row = connection.execute("SELECT max(size) FROM store_ledger_checkpoint").fetchone()
        assert row
        connection.execute(last.format("+"), row)
        try:
            assert "Please set the clock by a time server" in said(nation, "ledgers")
        finally:
            connection.execute(last.format("-"), row)
    assert not said(nation, "ledgers")


def test_a_disk_that_is_nearly_full_is_said(tmp_path: Path) -> None:
    unshare = shutil.which("unshare")
    if os.geteuid() or not unshare:
        pytest.skip("only root can mount a small disk")
    done = subprocess.run(
        [unshare, "-m", "sh", "-c", LITTLE_DISK, "sh", str(tmp_path), *COMMAND, "doctor", "--var", str(tmp_path)],
        env=environment(), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    if "mount:" in done.stderr:
        pytest.skip("this machine does not let root mount a small disk")
    assert done.returncode == 1, done.stderr
    assert f"Only 0.1 GiB are free on the disk of {tmp_path}" in done.stdout
