"""The embedded PostgreSQL server lets nobody in without their own password, and nobody into another's database."""

import os
import socket
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from onedoor.site.embedded import SOCKET, Server
from onedoor.site.up.plan import keep_secret


def test_a_role_logs_in_with_its_own_password_only(postgres):
    with psycopg.connect(postgres.url("test", "postgres")) as door:
        assert door.execute("SELECT current_user").fetchone() == ("test",)
    for wrong in ("postgresql://test:wrong@/postgres", "postgresql://postgres@/postgres"):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(f"{wrong}?host={postgres.socket}")


@pytest.mark.django_db
def test_each_test_process_has_its_own_database():
    assert connection.settings_dict["NAME"].startswith("test_")
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database(), to_regclass('procrastinate_jobs') IS NOT NULL")
        assert cursor.fetchone() == (connection.settings_dict["NAME"], True)


@pytest.fixture
def own(tmp_path):
    """A server of its own below a folder closed to everybody else."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = Server(closed / "var" / "postgres")
    server.prepare()
    server.start()
    yield server
    server.stop()


def test_one_agencys_role_is_refused_at_anothers_database(own):
    first, second = own.ensure_database("node_g01"), own.ensure_database("node_g15")
    with psycopg.connect(first) as door:
        door.execute("CREATE TABLE secret (number text)")
    with psycopg.connect(second) as door:
        assert door.execute("SELECT current_database()").fetchone() == ("node_g15",)
    for other in ("node_g01", "postgres", "template1"):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(own.url("node_g15", other))
    with psycopg.connect(second) as door, pytest.raises(psycopg.errors.InsufficientPrivilege):
        door.execute("CREATE ROLE somebody SUPERUSER")
    with psycopg.connect(second) as door, pytest.raises(psycopg.errors.InsufficientPrivilege):
        door.execute("SET ROLE node_g01")


def test_writes_are_synced_and_passwords_are_scrambled_and_closed(own):
    own.ensure_database("node_g01")
    with own.as_superuser() as door:
        settings = dict(door.execute("SELECT name, setting FROM pg_settings").fetchall())
        stored = door.execute("SELECT rolpassword FROM pg_authid WHERE rolcanlogin").fetchall()
        rules = {row[0] for row in door.execute("SELECT auth_method FROM pg_hba_file_rules").fetchall()}
    assert (settings["fsync"], settings["synchronous_commit"], settings["wal_sync_method"]) == ("on", "on", "fdatasync")
    assert settings["listen_addresses"] == ""
    assert all(password.startswith("SCRAM-SHA-256$") for (password,) in stored)
    assert rules == {"scram-sha-256"}
    for path in (own.home / "passwords").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_passwords_and_secrets_are_on_the_disk_before_they_are_used(tmp_path, monkeypatch):
    synced, sync = set(), os.fsync

    def noted(handle: int) -> None:
        synced.add(os.fstat(handle).st_ino)
        sync(handle)

    monkeypatch.setattr(os, "fsync", noted)
    server = Server(tmp_path / "postgres")
    server.password("node_g01")
    keep_secret(tmp_path / "portal")
    for path in (server.home / "passwords" / "node_g01", tmp_path / "portal" / "secret"):
        assert {path.stat().st_ino, path.parent.stat().st_ino} <= synced
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_socket_that_somebody_else_put_there_is_told_nothing(tmp_path):
    server = Server(tmp_path / ("x" * 100) / "postgres")
    assert server.socket.parent == Path(tempfile.gettempdir()), "where everybody may write"
    (tmp_path / "theirs").mkdir()
    server.socket.symlink_to(tmp_path / "theirs")
    try:
        with socket.socket(socket.AF_UNIX) as theirs:
            theirs.bind(str(server.socket / SOCKET))
            theirs.listen()
            theirs.setblocking(False)
            assert not server.answers()
            with pytest.raises(BlockingIOError):
                theirs.accept()
    finally:
        server.socket.unlink()


def test_nothing_above_its_folder_changes_its_mode(tmp_path):
    folders = [tmp_path / "a", tmp_path / "a" / "b"]
    for folder in folders:
        folder.mkdir(mode=0o700)
    before = [stat.S_IMODE(f.stat().st_mode) for f in (*folders, *tmp_path.parents)]
    Server(folders[-1] / "var" / "postgres").prepare()
    assert [stat.S_IMODE(f.stat().st_mode) for f in (*folders, *tmp_path.parents)] == before


STARTER = """
import os, subprocess, sys, time
from pathlib import Path
from onedoor.site.embedded import Server
server = Server(Path(sys.argv[1]))
subprocess.Popen(server.command(parent=os.getpid()), start_new_session=True, stderr=subprocess.DEVNULL)
server.wait()
print("ready", flush=True)
time.sleep(60)
"""


def test_the_server_ends_when_its_parent_is_killed_and_starts_again_on_its_data(tmp_path):
    server = Server(tmp_path / "postgres")
    server.prepare()
    parent = subprocess.Popen([sys.executable, "-c", STARTER, str(server.home)], stdout=subprocess.PIPE, env=os.environ)
    assert parent.stdout.readline() == b"ready\n"
    assert server.answers()
    server.ensure_database("node_g01")
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 20
    while (server.data / "postmaster.pid").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    server.start()
    try:
        with psycopg.connect(server.url("node_g01")) as door:
            assert door.execute("SELECT 1").fetchone() == (1,)
    finally:
        server.stop()
