"""What a backup and a restore refuse before they touch anything, and what they keep others from meanwhile."""

import random
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from onedoor.kernel import durable
from onedoor.site import archives, cli, lock
from onedoor.site.databases import Database
from onedoor.site.embedded import Server
from onedoor.site.up import checks
from onedoor.store import keystore, rotation


def told(capsys, *arguments: str) -> str:
    assert cli.run(arguments) == cli.FAILED
    return capsys.readouterr().err


def test_keys_and_data_are_not_written_into_one_folder(tmp_path, capsys):
    where = ("--data", str(tmp_path / "data.tar.gz"), "--keys", str(tmp_path / "x" / ".." / "keys.tar.gz"))
    assert "must not lie in one folder" in told(capsys, "backup", "--var", str(tmp_path), *where)
    assert not list(tmp_path.iterdir())


def test_a_folder_without_an_installation_is_not_backed_up(tmp_path, capsys):
    where = ("--data", str(tmp_path / "a" / "data.tar.gz"), "--keys", str(tmp_path / "b" / "keys.tar.gz"))
    assert "There is no installation" in told(capsys, "backup", "--var", str(tmp_path), *where)
    assert not list(tmp_path.iterdir())


def test_a_restore_overwrites_nothing(tmp_path, capsys):
    (tmp_path / "precious").touch()
    said = told(capsys, "restore", "--var", str(tmp_path), "--data", str(tmp_path / "data.tar.gz"))
    assert "overwrites nothing" in said
    assert (tmp_path / "precious").exists()


def archives_of(folder, *, keys_of: str = "one", made_at: datetime | None = None) -> tuple[str, ...]:
    """Write archives of an installation without databases; return the arguments of a restore from them."""
    for part, id_, key in (("data", "one", b"secret"), ("keys", keys_of, b"")):
        (folder / part / archives.FILES / "portal").mkdir(parents=True)
        (folder / part / archives.FILES / "portal" / f"{part}.pem").write_text("as it was")
        about = {"id": id_, "made_at": (made_at or datetime.now(UTC)).isoformat(), "databases": {}}
        about |= {"persons": {"portal": 3}} | ({"seal": b"secret".hex()} if part == "keys" else {})
        archives.pack(folder / part, folder / f"{part}.tar.gz", about, key)
    return ("--data", str(folder / "data.tar.gz"), "--keys", str(folder / "keys.tar.gz"))


@pytest.mark.parametrize("wrong", ["keys of another backup", "torn keys", "planted data"])
def test_a_restore_that_fails_leaves_nothing(tmp_path, capsys, wrong):
    given = archives_of(tmp_path, keys_of="two" if wrong == "keys of another backup" else "one")
    if wrong == "torn keys":
        (tmp_path / "keys.tar.gz").write_bytes((tmp_path / "keys.tar.gz").read_bytes()[:60])
    if wrong == "planted data":
        (tmp_path / "data" / archives.FILES / "portal" / "data.pem").write_text("forgery")
        archives.pack(tmp_path / "data", tmp_path / "data.tar.gz", {**archives.manifest(tmp_path / "data.tar.gz")})
    var = tmp_path / "var"
    said = told(capsys, "restore", "--var", str(var), *given, "--without-published")
    assert "is not a whole backup" in said
    assert not var.exists()


def test_without_what_was_published_or_without_keys_a_restore_must_be_wanted(tmp_path, capsys):
    given = archives_of(tmp_path)
    var = tmp_path / "var"
    assert "second history" in told(capsys, "restore", "--var", str(var), *given)
    said = told(capsys, "restore", "--var", str(var), *given[:2], "--published", str(tmp_path))
    assert "--without-keys" in said
    assert not var.exists()


def test_what_was_restored_without_its_keys_never_starts(tmp_path, capsys):
    given = archives_of(tmp_path)
    var = tmp_path / "var"
    assert cli.run(["restore", "--var", str(var), *given[:2], "--without-keys"]) == 0
    assert "portal: the data of 3 persons stay sealed" in capsys.readouterr().out
    assert (var / "portal" / "data.pem").read_text() == "as it was"
    assert "restored without its keys" in told(capsys, "up", "--var", str(var), "--port", "18000")


def test_nothing_is_restored_into_a_folder_in_which_a_nation_starts(tmp_path, capsys):
    given = archives_of(tmp_path)
    with lock.held(tmp_path / "var", "up"):
        said = told(capsys, "restore", "--var", str(tmp_path / "var"), *given, "--without-published")
    assert "already runs" in said
    assert [one.name for one in (tmp_path / "var").iterdir()] == [lock.NAME]


@pytest.fixture
def stopped(tmp_path) -> Server:
    """Give the server, which does not run, of an installation with one database."""
    server = Server(tmp_path / "var" / "postgres", {"fsync": "off"})
    server.prepare()
    server.start()
    server.ensure_database("portal")
    with server.as_superuser("portal") as connection:
        connection.execute("CREATE TABLE store_ledger_checkpoint (size bigint)")
        connection.execute("GRANT SELECT ON store_ledger_checkpoint TO portal")
    server.stop()
    (tmp_path / "var" / "portal").mkdir()
    (tmp_path / "var" / "portal" / "secret").write_text("s" * 40)
    return server


def where(folder) -> tuple[str, ...]:
    return ("--var", str(folder / "var"), "--data", str(folder / "a" / "data"), "--keys", str(folder / "b" / "keys"))


def test_while_a_stopped_installation_is_backed_up_nothing_starts_there(tmp_path, capsys, stopped, monkeypatch):
    tried = []

    def dump(self: Database, *arguments: object, **more: object) -> None:
        assert self.answers()
        with (
            pytest.raises(lock.InUse, match=r"“onedoor backup” is at work .* try again"),
            checks.alone(tmp_path / "var", 18000),
        ):
            pass
        tried.append(self.name)

    monkeypatch.setattr(Database, "dump", dump)
    assert cli.run(["backup", *where(tmp_path)]) == 0, capsys.readouterr().err
    assert tried == ["portal"]
    assert not stopped.answers()
    with checks.alone(tmp_path / "var", 18000):
        pass


def test_keys_are_not_rotated_while_they_are_backed_up_nor_backed_up_while_rotated(
    tmp_path, capsys, stopped, monkeypatch
):
    keys = tmp_path / "var" / "portal" / "keys"
    keys.mkdir(mode=0o700)
    with keystore.opened(keys / "persons.sqlite"):
        pass
    with rotation.alone(keys):
        assert "are being rotated or copied right now" in told(capsys, "backup", *where(tmp_path))
    assert not list((tmp_path / "a").iterdir())
    tried = []

    def dump(*_arguments: object, **_more: object) -> None:
        with pytest.raises(rotation.RotationRuns), rotation.alone(keys):
            pass
        tried.append("rotate")

    monkeypatch.setattr(Database, "dump", dump)
    assert cli.run(["backup", *where(tmp_path)]) == 0, capsys.readouterr().err
    assert tried == ["rotate"]
    with rotation.alone(keys):
        pass


def test_a_nation_that_is_just_starting_is_not_backed_up(tmp_path, capsys, stopped):
    with lock.held(tmp_path / "var", "up"):
        assert "just starting or stopping" in told(capsys, "backup", *where(tmp_path))
    assert not (tmp_path / "a" / "data").exists()


def test_a_backup_leaves_the_database_of_a_running_nation_running(tmp_path, capsys, stopped):
    stopped.start()
    try:
        with lock.held(tmp_path / "var", "up"):
            assert cli.run(["backup", *where(tmp_path)]) == 0, capsys.readouterr().err
        assert stopped.answers()
    finally:
        stopped.stop()


@contextmanager
def full(most: int) -> Iterator[None]:
    """Let no file of this process grow beyond *most* bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_backup_without_room_for_one_archive_leaves_both_as_they_were(tmp_path, capsys, stopped, monkeypatch):
    monkeypatch.setattr(Database, "dump", lambda *_arguments, **_more: None)
    assert cli.run(["backup", *where(tmp_path)]) == 0, capsys.readouterr().err
    made = {path: path.read_bytes() for path in (tmp_path / "a" / "data", tmp_path / "b" / "keys")}
    (tmp_path / "var" / "portal" / "large").write_bytes(random.Random(1).randbytes(1 << 18))  # it goes to the keys
    pack, limit = archives.packed, full(1 << 17)

    def short_of_room(folder, to, *about):
        return pack(folder, to, *about) if to.name == "data" else limited(pack(folder, to, *about))

    @contextmanager
    def limited(packing):
        with limit, packing:
            yield

    monkeypatch.setattr(archives, "packed", short_of_room)
    assert "Please put that right" in told(capsys, "backup", *where(tmp_path))
    assert {path: path.read_bytes() for path in made} == made
    assert [one.name for part in "ab" for one in (tmp_path / part).iterdir()] == ["data", "keys"]
    assert not list((tmp_path / "var").glob(".backup-*"))


def test_a_file_that_goes_while_it_is_backed_up_is_left_out(tmp_path, capsys, stopped, monkeypatch):
    files, gone = archives.files, tmp_path / "var" / "gateway-G15" / "operations-1-0.gz"
    gone.parent.mkdir()
    gone.touch()

    def meanwhile(var):
        for path in files(var):
            gone.unlink(missing_ok=True)
            yield path

    monkeypatch.setattr(archives, "files", meanwhile)
    monkeypatch.setattr(Database, "dump", lambda *_arguments, **_more: None)
    assert cli.run(["backup", *where(tmp_path)]) == 0, capsys.readouterr().err
    assert f"{archives.FILES}/portal/secret" in archives.manifest(tmp_path / "b" / "keys")["digests"]


def test_what_a_killed_backup_left_goes_with_the_next_and_what_another_makes_stays(tmp_path, capsys, stopped):
    left, others = tmp_path / "var" / ".backup-left", tmp_path / "var" / ".backup-others"
    for folder in (left, others):
        (folder / "keys").mkdir(parents=True)
        (folder / "keys" / "master").write_bytes(b"k" * 32)
    stopped.start()
    try:
        with lock.held(tmp_path / "var", "up"), durable.alone(others):
            assert cli.run(["backup", *where(tmp_path)]) == 0, capsys.readouterr().err
    finally:
        stopped.stop()
    assert [one.name for one in (tmp_path / "var").glob(".backup-*")] == [others.name]


def test_an_expired_copy_of_the_keys_restores_nothing(tmp_path, capsys):
    given = archives_of(tmp_path, made_at=datetime.now(UTC) - timedelta(days=30, seconds=1))
    var = tmp_path / "var"
    said = told(capsys, "restore", "--var", str(var), *given, "--without-published")
    assert f"expired on {(datetime.now(UTC) - timedelta(seconds=1)).date()}" in said
    assert not var.exists()


def test_expired_copies_are_deleted_and_nothing_else_is(tmp_path, capsys):
    for age in (10, 29, 31, 400):
        (tmp_path / str(age)).mkdir()
        archives_of(tmp_path / str(age), made_at=datetime.now(UTC) - timedelta(days=age))
    safe = tmp_path / "safe"
    safe.mkdir()
    for age in (10, 29, 31, 400):
        (tmp_path / str(age) / "keys.tar.gz").rename(safe / f"{age}.tar.gz")
    (tmp_path / "400" / "data.tar.gz").rename(safe / "data.tar.gz")
    (safe / "photos.tar.gz").write_bytes(b"something else")
    (safe / "0.tar.gz").mkdir()
    torn = (safe / "400.tar.gz").read_bytes()
    (safe / ".killed.tar.gz.draft").write_bytes(torn[:-20])
    assert cli.run(["keys", "expire", str(safe)]) == 0
    (safe / "0.tar.gz").rmdir()
    assert {path.name for path in safe.iterdir()} == {"10.tar.gz", "29.tar.gz", "data.tar.gz", "photos.tar.gz"}
    assert "31.tar.gz" in capsys.readouterr().out


def test_a_folder_that_is_not_there_is_not_said_to_hold_nothing_expired(tmp_path, capsys):
    assert f"{tmp_path / 'saef'}: there is no such file" in told(capsys, "keys", "expire", str(tmp_path / "saef"))
