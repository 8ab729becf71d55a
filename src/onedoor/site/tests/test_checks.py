"""Before anything starts, what is wrong is said in one sentence, and nothing is left half-started."""

import socket
from collections import namedtuple

import pytest

from onedoor.kernel.nation import BadNation
from onedoor.site import cli, lock
from onedoor.site.up import checks


def test_a_second_nation_in_the_same_folder_is_refused_and_the_folder_is_free_afterwards(tmp_path):
    with (
        checks.alone(tmp_path, 18500),
        pytest.raises(lock.AlreadyRunning, match="--var DIR --port 23000"),
        checks.alone(tmp_path, 22000),
    ):
        pass
    with checks.alone(tmp_path, 18500):
        pass


def test_a_second_nation_on_the_same_ports_is_refused(tmp_path):
    with (
        checks.alone(tmp_path / "a", 18500),
        pytest.raises(checks.PortTaken, match="--port 19500"),
        checks.alone(tmp_path / "b", 18500),
    ):
        pass


def test_a_port_beyond_the_last_one_is_said():
    with pytest.raises(checks.NoSuchPort, match="65535"):
        checks.ports([65000, 65536], 8000, patient=False)


def test_an_occupied_port_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(checks.PortTaken, match=f"Port {port} is taken"):
            checks.ports([port], 8000, patient=False)
    checks.ports([port], 8000, patient=False)


def test_nothing_is_made_where_a_port_is_occupied(tmp_path, capsys):
    var = tmp_path / "var"
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert cli.run(["up", "--nation", "nations/testland", "--var", str(var), "--port", str(port)]) == 2
    assert f"Port {port} is taken" in capsys.readouterr().err
    assert [path.name for path in var.rglob("*")] == ["lock"]


def test_a_full_disk_is_said_before_anything_is_made(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _: usage(10**12, 10**12, 2**28))
    with pytest.raises(checks.DiskFull, match=r"Only 0\.2 GiB"):
        checks.space(tmp_path)


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(lock.CannotWrite, match="--var DIR"), checks.alone(tmp_path / "file" / "var", 18500):
        pass


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setattr(checks.importlib.metadata, "requires", lambda _: ["django==5.2.*", "no-such-thing>=1"])
    with pytest.raises(checks.Missing, match=": no-such-thing"):
        checks.packages()


def test_a_faulty_nation_stops_everything_with_file_and_line(tmp_path, capsys):
    (tmp_path / "nation.yaml").write_text("id: VN\nname: [\n")
    with pytest.raises(BadNation, match=r"nation\.yaml:\d+"):
        checks.sound_nation(tmp_path)
    var = tmp_path / "var"
    assert cli.run(["up", "--nation", str(tmp_path), "--var", str(var), "--port", "18500"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("onedoor: ")
    assert "Traceback" not in said
    assert said.count("\n") == 1
    assert not var.exists()


@pytest.mark.parametrize("command", ["web", "worker", "node", "gateway", "directory", "migrate"])
def test_a_process_in_the_wrong_role_says_so(command, capsys):
    assert cli.run([command]) == 2
    assert "ONEDOOR_ROLE" in capsys.readouterr().err
