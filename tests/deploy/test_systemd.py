"""systemd's units: each starts a real command with settings that it takes, and gives it little of the computer."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from onedoor.kernel import settings
from onedoor.site import services
from onedoor.site.cli import COMMANDS

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "deploy" / "systemd"
INSTALLED = "/opt/onedoor"
MEMBER = "G15"
NATION, VERSIONS = "ONEDOOR_NATION", "/var/lib/onedoor/versions"
ANALYZE = shutil.which("systemd-analyze")
MOST_EXPOSED = 2.0
"""Of systemd's ten points; 9.6 is a service with no protection at all."""
NAMES = sorted(path.name for path in UNITS.glob("*.service"))
PROCESSES = {"web", "worker", "node", "gateway", "directory", "witness"}
needs_systemd = pytest.mark.skipif(not ANALYZE, reason="systemd-analyze is not installed: bin/system-packages does it")


def lines(unit: str) -> list[tuple[str, str]]:
    """Return what is set in the section Service of *unit* and in the drop-in that holds for all."""
    texts = [(UNITS / unit).read_text(), (UNITS / "onedoor-.service.d" / "hardening.conf").read_text()]
    found = re.findall(r"(?m)^(\w+)=(.*)$", "\n".join(text.partition("[Service]")[2] for text in texts))
    return [(name, value.replace("%i", MEMBER)) for name, value in found]


def values(unit: str, name: str) -> list[str]:
    return [value for key, value in lines(unit) if key == name]


def commands(unit: str) -> Iterator[list[str]]:
    for name in ("ExecStartPre", "ExecStart"):
        yield from (value.split() for value in values(unit, name))


def environment(unit: str, credentials: Path, etc: Path = UNITS / "examples") -> dict[str, str]:
    """Return what a process of *unit* would find in its environment, its file of settings taken from *etc*."""
    pairs = [pair for value in values(unit, "Environment") for pair in value.split()]
    for file in values(unit, "EnvironmentFile"):
        assert file.startswith("/etc/onedoor/")
        pairs += [
            line for line in (etc / Path(file).name).read_text().splitlines() if line and not line.startswith("#")
        ]
    text = "\n".join(pairs).replace("%S", "/var/lib").replace("%d", str(credentials))
    return dict(line.split("=", 1) for line in text.splitlines())


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    """Give the folder in which systemd puts what ``LoadCredential`` names."""
    for name, content in (("secret", "s" * 40), ("database-url", "postgresql://portal:word@127.0.0.1/portal")):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o400)
    return tmp_path


def test_every_process_has_a_unit_that_starts_it() -> None:
    started = {command[1] for unit in NAMES for command in commands(unit)}
    assert started == PROCESSES | {"migrate"}
    assert started <= set(COMMANDS)
    assert {command[0] for unit in NAMES for command in commands(unit)} == {f"{INSTALLED}/.venv/bin/onedoor"}


@pytest.mark.parametrize("unit", NAMES)
def test_a_unit_and_its_example_set_what_the_process_needs_and_nothing_unknown(unit: str, credentials: Path) -> None:
    given = environment(unit, credentials)
    assert given.pop(NATION, VERSIONS) == VERSIONS
    found = settings.read(given | {NATION: str(ROOT / "nations" / "vietnam")})
    assert found.role in next(reversed(list(commands(unit))))[1] or found.role == "portal"
    assert f"/var/lib/{values(unit, 'StateDirectory')[0]}" == str(found.state)
    assert not found.demonstration
    for path in (found.tls_key, found.tls_cert, found.tls_trust):
        assert path is None or path.parent == found.state
    loaded = {value.partition(":")[0] for value in values(unit, "LoadCredential")}
    assert loaded == ({"secret", "database-url"} if found.role in ("portal", "node") else set())


@pytest.mark.parametrize("unit", NAMES)
def test_commands_for_operators_read_of_a_unit_what_its_process_does(unit: str, credentials: Path) -> None:
    (file,) = values(unit, "EnvironmentFile")
    process, examples = Path(file).stem, UNITS / "examples"
    loaded = dict(value.split(":", 1) for value in values(unit, "LoadCredential"))
    told = {key: value for key, value in environment(unit, credentials).items() if key.startswith("ONEDOOR_")}
    for key, value in told.items():
        if Path(value).parent == credentials:
            told[key] = loaded[Path(value).name].replace("/etc/onedoor", str(examples))
    assert services.read(examples / f"{process}.env", Path("/var/lib/onedoor")) == told
    assert f"{services.unit_of(process)}.service" == unit.replace("@.", f"@{MEMBER}.")


@pytest.mark.parametrize("unit", NAMES)
def test_no_secret_stands_in_a_unit_or_in_an_example(unit: str, credentials: Path) -> None:
    assert not {"ONEDOOR_SECRET", "ONEDOOR_DATABASE_URL"} & set(environment(unit, credentials))


def test_each_kind_of_process_has_a_user_of_its_own_who_is_made() -> None:
    users = {unit: values(unit, "User")[0] for unit in NAMES}
    made = set(re.findall(r"(?m)^u (\S+)", (UNITS / "sysusers.conf").read_text()))
    kinds = ("portal", "node", "gateway", "directory", "witness")
    assert set(users.values()) == made == {f"onedoor-{kind}" for kind in kinds}


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Give the units as installed, with this repository in the place of ``/opt/onedoor``."""
    folder = tmp_path / "system"
    shutil.copytree(UNITS, folder)
    (folder / "opt").mkdir()
    program = folder / "opt" / "onedoor"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for path in (*folder.glob("*.service"), *folder.glob("*.d/*.conf")):
        text = path.read_text().replace(f"{INSTALLED}/.venv/bin/onedoor", str(program))
        path.write_text(text.replace(f"={INSTALLED}", f"={ROOT}"))
    return folder


def analyzed(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ANALYZE), *arguments], env=os.environ | {"SYSTEMD_UNIT_PATH": f"{installed}:"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_units_and_finds_what_is(installed: Path) -> None:
    instances = [str(installed / unit.replace("@.", f"@{MEMBER}.")) for unit in NAMES]
    done = analyzed(installed, "verify", "--man=no", *instances, str(installed / "onedoor.target"))
    assert (done.returncode, done.stderr) == (0, "")
    path = installed / "onedoor-portal-web.service"
    path.write_text(path.read_text().replace("User=", "Usr="))
    assert "Unknown key 'Usr'" in analyzed(installed, "verify", "--man=no", str(path)).stderr


@needs_systemd
@pytest.mark.parametrize("unit", NAMES)
def test_a_unit_exposes_little(installed: Path, unit: str) -> None:
    path = str(installed / unit.replace("@.", f"@{MEMBER}."))
    limit = ("security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED * 10:.0f}")
    done = analyzed(installed, *limit, path)
    assert done.returncode == 0, done.stdout
    shutil.rmtree(installed / "onedoor-.service.d")
    assert analyzed(installed, *limit, path).returncode != 0, "without its protection a unit must fail this"


@needs_systemd
@pytest.mark.parametrize("unit", NAMES)
def test_only_what_draws_plots_may_compile_as_it_runs(installed: Path, unit: str) -> None:
    path = str(installed / unit.replace("@.", f"@{MEMBER}."))
    told = analyzed(installed, "security", "--offline=true", "--no-pager", path).stdout
    (kept,) = re.findall(r"(?m)^(.) MemoryDenyWriteExecute=", told)
    assert (kept == "✗") == (unit == "onedoor-portal-web.service")
