"""What prevents a start is said in one sentence with what to do; nothing is left half started."""

import os
import shutil
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.nation.running import (
    COMMAND,
    HOME,
    ROOT,
    alive,
    copy_of_the_nation,
    environment,
    free_base,
    onedoor,
    wait_for,
)

pytestmark = [pytest.mark.nation, pytest.mark.timeout(400)]
LITTLE_DISK = 'mount -t tmpfs -o size=96m none "$1" && shift && exec "$@"'
READ_ONLY = 'mount -t tmpfs -o ro none "$1" && shift && exec "$@"'


@pytest.fixture
def var(request: pytest.FixtureRequest) -> Iterator[Path]:
    """Give a folder for a nation of the test's own."""
    folder = HOME / f"{os.getpid()}-start"
    shutil.rmtree(folder, ignore_errors=True)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def processes_of(var: Path) -> list[str]:
    """Return what runs for *var*: processes that name it in their command or environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            told = (path / "cmdline").read_bytes() + (path / "environ").read_bytes()
        except OSError:
            continue
        if str(var).encode() in told and alive(int(path.name)) and int(path.name) != os.getpid():
            found.append((path / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:200])
    return found


UP, MAKE_RUN = ("up",), ("story", "--stay")
ways = pytest.mark.parametrize("way", [UP, MAKE_RUN], ids=["onedoor up", "make run"])
"""What starts a nation: the command itself, and what `make run` calls."""


def up(
    var: Path, *extra: str, base: int = 0, people: str = "20", way: tuple[str, ...] = UP
) -> subprocess.CompletedProcess[str]:
    return onedoor(*way, "--var", str(var), "--port", str(base or free_base()), "--people", people, *extra, seconds=300)


def assert_told(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Check that one sentence was said, with *words* in it, and exit code 2 given."""
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith("onedoor: "), done.stderr
    assert "Traceback" not in done.stderr
    assert not [word for word in words if word not in done.stderr], done.stderr
    assert "Ready: http" not in done.stdout


@ways
def test_an_occupied_port_is_named_with_another_to_take(var: Path, way: tuple[str, ...]) -> None:
    base = free_base()
    with closing(socket.create_server(("127.0.0.1", base + 202))):
        done = up(var, base=base, way=way)
    assert_told(done, str(base + 202), f"--port {base + 1000}")
    assert len(done.stderr.splitlines()) == 1
    assert not processes_of(var)
    assert not (var / "run.json").exists()


FAULTS = (
    ("services/birth-linked.yaml", "full_name: child.full_name", "full_name: child.full_nam"),
    ("rights/birth-form.yaml", "register: population", "register: populace"),
    ("agencies.yaml", "member: G15", "member: G99"),
)


@ways
def test_every_fault_in_the_files_of_a_nation_is_named_with_its_line(
    var: Path, tmp_path: Path, way: tuple[str, ...]
) -> None:
    folder = copy_of_the_nation(tmp_path / "nation")
    expected = []
    for file, old, new in FAULTS:
        text = (folder / file).read_text()
        assert old in text
        expected.append(f"{file}:{text[: text.index(old)].count(chr(10)) + 1}: ")
        (folder / file).write_text(text.replace(old, new, 1))
    done = up(var, "--nation", str(folder), way=way)
    assert_told(done, expected[-1], "; use one of: G01", "Please correct them")
    assert not var.exists()
    checked = onedoor("nation", "check", str(folder))
    assert checked.returncode == 2
    assert not [one for one in expected if one not in checked.stdout], checked.stdout


def test_a_file_that_is_no_yaml_is_named_with_its_line(tmp_path: Path) -> None:
    folder = copy_of_the_nation(tmp_path / "nation")
    path = folder / "registers" / "births.yaml"
    path.write_text("lookups: [\n" + path.read_text())
    done = onedoor("nation", "check", str(folder))
    assert done.returncode == 2
    assert "registers/births.yaml:" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_is_no_nation_is_said(var: Path, tmp_path: Path) -> None:
    assert_told(up(var, "--nation", str(tmp_path / "nowhere")), "nowhere")
    assert not var.exists()


@ways
@pytest.mark.parametrize("package", ["segno", "psycopg", "yaml", "structlog"])
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    var: Path, tmp_path: Path, package: str, way: tuple[str, ...]
) -> None:
    """The interpreter sees the installed packages as they are, but for one."""
    names = {"yaml": ("yaml", "_yaml", "pyyaml")}.get(package, (package,))
    packages = Path(sysconfig.get_path("purelib"))
    for path in packages.iterdir():
        if path.suffix != ".pth" and not path.name.lower().startswith(names):
            (tmp_path / path.name).symlink_to(path)
    bare = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    done = subprocess.run(
        [bare, "-S", "-m", "onedoor.site", *way, "--var", var, "--port", str(free_base())],
        env=environment(PYTHONPATH=f"{ROOT / 'src'}:{tmp_path}"), cwd=ROOT,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert_told(done, names[0], "make install")
    assert not var.exists()


def in_a_mount_of_its_own(script: str, var: Path, way: tuple[str, ...] = UP) -> subprocess.CompletedProcess[str]:
    """Run ``onedoor up`` with *var* on a file system of its own, seen by nobody else."""
    unshare = shutil.which("unshare")
    if os.geteuid() or not unshare:
        pytest.skip("only root can mount a small disk")
    var.mkdir(parents=True)
    inner = ["sh", "-c", script, "sh", str(var)]
    if subprocess.run([unshare, "-m", *inner, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let root mount a small disk")
    return subprocess.run(
        [unshare, "-m", *inner, *COMMAND, *way, "--var", str(var), "--port", str(free_base())],
        env=environment(), cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@ways
def test_a_full_disk_is_said_before_anything_starts(var: Path, way: tuple[str, ...]) -> None:
    done = in_a_mount_of_its_own(LITTLE_DISK, var, way)
    assert_told(done, "GiB are free", str(var))
    assert len(done.stderr.splitlines()) == 1
    assert not processes_of(var)


def test_a_disk_that_cannot_be_written_is_said(var: Path) -> None:
    assert_told(in_a_mount_of_its_own(READ_ONLY, var), str(var), "--var DIR")


def test_a_folder_that_cannot_be_made_is_said() -> None:
    assert_told(up(Path("/proc/onedoor")), "/proc/onedoor", "--var DIR")


def test_an_odd_setting_is_named_with_what_it_must_be() -> None:
    done = onedoor("node", ONEDOOR_ROLE="node", ONEDOOR_NATION="nowhere")
    assert_told(done, "ONEDOOR_NATION", "a folder that exists")


def test_one_process_that_cannot_start_stops_all_others_and_is_named(var: Path) -> None:
    (var / "gateway-ROADS").mkdir(parents=True)
    (var / "gateway-ROADS" / "log").write_text("not a folder")
    done = up(var, "--nation", str(ROOT / "nations" / "testland"))
    assert_told(done, "gateway-ROADS", str(var / "log" / "gateway-ROADS.log"))
    wait_for(lambda: not processes_of(var), f"still running: {processes_of(var)}", 10)
    assert not (var / "run.json").exists()
