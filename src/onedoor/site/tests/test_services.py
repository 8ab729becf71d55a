"""Processes that are services: found by their files of settings, their databases in a PostgreSQL of the operator's."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from onedoor.site import cli, databases, installation, launch, services
from onedoor.site.databases import Database

NOBODY = 65534
TESTLAND = Path(cli.__file__).parents[3] / "nations" / "testland"
EARLIER = [one for one in sorted(Path("/usr/lib/postgresql").glob("1[0-7]/bin")) if (one / "initdb").exists()]
SETTINGS = """
# Where its gateway is.
ONEDOOR_GATEWAY_URL="https://127.0.0.1:8101"
ONEDOOR_LISTEN=127.0.0.1:1
ONEDOOR_WATCH_LISTEN=127.0.0.1:1
"""


@pytest.fixture
def var(tmp_path: Path) -> Path:
    """Give a computer with the settings of one node, which does not run, beside its state."""
    (tmp_path / "var" / "node-G15").mkdir(parents=True)
    (tmp_path / "var" / "node-G15.env").write_text(SETTINGS)
    (tmp_path / "var" / "other.env").write_text("NOT_OURS=1")
    return tmp_path / "var"


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.run(arguments) == cli.FAILED
    return capsys.readouterr().err


def test_settings_are_read_as_the_unit_has_them(var: Path) -> None:
    assert services.Services(var, var).environments == {
        "node-G15": {
            "ONEDOOR_ROLE": "node",
            "ONEDOOR_MEMBER": "G15",
            "ONEDOOR_STATE": f"{var}/node-G15",
            "ONEDOOR_NATION": f"{var}/versions",
            "ONEDOOR_SECRET_FILE": f"{var}/node-G15/secret",
            "ONEDOOR_DATABASE_URL_FILE": f"{var}/node-G15/database-url",
            "ONEDOOR_GATEWAY_URL": "https://127.0.0.1:8101",
            "ONEDOOR_LISTEN": "127.0.0.1:1",
            "ONEDOOR_WATCH_LISTEN": "127.0.0.1:1",
        }
    }


def test_a_secret_that_is_given_itself_is_no_file(var: Path) -> None:
    (var / "node-G15.env").write_text("ONEDOOR_DATABASE_URL=postgresql://role:word@/name\n")
    (system,) = installation.at(var).systems()
    assert system.database.url == "postgresql://role:word@/name"
    assert "word" not in repr(system)
    assert "ONEDOOR_DATABASE_URL_FILE" not in installation.at(var).environment(system)


def test_a_state_that_lies_elsewhere_is_said(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (var / "node-G15.env").write_text("ONEDOOR_STATE=/srv/other/node-G15\n")
    assert "name /srv/other/node-G15 for its state" in told(capsys, "status", "--var", str(var))


def test_a_service_that_does_not_answer_is_shown_so(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["status", "--var", str(var)]) == 0
    assert capsys.readouterr().out.split() == ["node-G15", "no", "answer"]


def test_everything_that_a_computer_lacks_is_said(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["doctor", "--var", str(var)]) == 1
    said = capsys.readouterr().out
    for words in (
        f"There is no nation in {var}/versions",
        f"does not answer at the address in {var}/node-G15/database-url",
        "node-G15 does not listen on port 1. Please look at the end of its log, journalctl -u onedoor-node@G15",
        f"The key {var}/node-G15/secret is missing",
    ):
        assert words in said
    assert len(said.splitlines()) == 4


def test_who_restarts_services_is_said(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "“systemctl restart onedoor-node@G15”" in told(capsys, "restart", "all", "--var", str(var))


def test_without_its_database_nothing_is_backed_up(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ("--data", str(var / "a" / "data"), "--keys", str(var / "b" / "keys"))
    said = told(capsys, "backup", "--var", str(var), *where)
    assert f"does not answer at the address in {var}/node-G15/database-url" in said
    assert not (var / "a" / "data").exists()


def test_the_first_files_that_a_computer_is_given_begin_its_versions(var: Path) -> None:
    assert cli.run(["nation", "load", str(TESTLAND), "--var", str(var)]) == 0
    found = installation.at(var).nation
    assert (found / "nation.yaml").read_bytes() == (TESTLAND / "nation.yaml").read_bytes()
    assert found.parent == var / "versions"


def test_files_are_brought_into_an_installation_and_into_no_other_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "There is no nation" in told(capsys, "nation", "load", str(TESTLAND), "--var", str(tmp_path / "slip"))
    assert "There is no nation" in told(capsys, "nation", "versions", "--var", str(tmp_path))


@pytest.fixture
def earlier() -> Iterator[Path]:
    """Give the socket's folder of a running PostgreSQL of an earlier version than ours."""
    if not EARLIER:
        pytest.skip("this computer has no PostgreSQL of an earlier version")
    home = Path(tempfile.mkdtemp(prefix="onedoor-earlier-"))
    if not os.geteuid():
        os.chown(home, NOBODY, NOBODY)
    who = "0" if os.geteuid() else f"as:{NOBODY}:{NOBODY}"
    ours = [sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), str(int(signal.SIGINT)), who]
    made = [*ours, EARLIER[0] / "initdb", "-D", home / "data", "-U", "postgres", "--auth=trust", "--no-sync"]
    subprocess.run(made, check=True, capture_output=True)
    settings = ("-c", "listen_addresses=", "-c", f"unix_socket_directories={home}", "-c", "fsync=off")
    server = subprocess.Popen(
        [*ours, EARLIER[0] / "postgres", "-D", home / "data", *settings], stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 20
        while not Database("postgres", f"postgresql://postgres@/postgres?host={home}").answers():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield home
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(20)
        shutil.rmtree(home)


def test_a_database_of_an_earlier_postgresql_is_copied_by_its_own_programs(
    earlier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a later pg_dump and pg_restore write, an earlier server refuses."""
    with psycopg.connect(f"postgresql://postgres@/postgres?host={earlier}", autocommit=True) as connection:
        for name in ("one", "two"):
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
    one, two = (Database(name, f"postgresql://postgres@/{name}?host={earlier}") for name in ("one", "two"))
    with one.connected() as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS number")
    with one.held() as (other, snapshot):
        one.dump(tmp_path / "dump", snapshot=snapshot)
        other.rollback()
    assert two.is_empty()
    two.load(tmp_path / "dump")
    assert two.rows("SELECT number FROM kept") == [(1,)]
    monkeypatch.setattr(databases, "PLACES", ())
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(databases.NoProgram, match="whose pg_restore is not on this computer"):
        two.load(tmp_path / "dump")
