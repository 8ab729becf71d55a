"""What `onedoor provision` makes, laid out by the how-to's lines: each unit's user reads what its process needs."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from onedoor.site import cli, services
from tests.deploy.test_systemd import ROOT, environment, values

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can read as another user")
PAGE = ROOT / "docs" / "how-to" / "one-agency-per-machine.md"
USERS = {"onedoor-portal": 61001, "onedoor-node": 61002, "onedoor-gateway": 61003, "onedoor-directory": 61004}
UNITS = {
    "portal-web": "onedoor-portal-web.service",
    "portal-worker": "onedoor-portal-worker.service",
    "node-G15": "onedoor-node@.service",
    "gateway-G15": "onedoor-gateway@.service",
    "directory": "onedoor-directory.service",
}
AS_EACH = """
import json, os, sys
from pathlib import Path
from onedoor.kernel import nation, settings
from onedoor.site import kinds
kinds.load()

def read(environment):
    found = settings.read(environment)
    states = [one for one in found.state.parent.iterdir()] if os.access(found.state.parent, os.R_OK) else []
    own = [path.read_bytes() for path in found.state.rglob("*") if path.is_file()]
    (found.state / "mine").write_text("")
    return {"files": len(own), "nation": nation.load(nation.in_force(found.nation)).id, "states": len(states)}

for user, environment, others in json.loads(sys.stdin.read()):
    read(environment)  # as root, once, so that every module is there
    (Path(environment["ONEDOOR_STATE"]) / "mine").unlink()
    if not os.fork():
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
        try:
            told = read(environment) | {"others": [one for one in others if os.access(one, os.R_OK | os.X_OK)]}
        except Exception as error:
            told = {"failed": repr(error)}
        os.write(1, json.dumps(told).encode() + b"\\n")
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """Give a folder that others may pass: ``lib`` is for `/var/lib/onedoor`, ``etc`` for `/etc/onedoor`."""
    folder = Path(tempfile.mkdtemp(prefix="onedoor-layout-"))
    folder.chmod(0o711)
    hosts = ("--host", "G22=192.0.2.22", "--host", "G15=192.0.2.15")
    assert cli.run(["provision", "--var", str(folder / "lib"), *hosts]) == 0
    blocks = re.findall(r"test_layout\.py -->\n *```console\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 2
    for line in re.findall(r"(?m)^ *\$ (.+)$", "".join(blocks)):
        _run(line, folder)
    for system in ("portal", "node-G15"):
        url = folder / "etc" / system / "database-url"
        url.write_text("postgresql://role:word@/name")
        url.chmod(0o600)
    yield folder
    shutil.rmtree(folder)


def _run(line: str, folder: Path) -> None:
    """Run a line of the page in *folder*, with numbers in the place of the units' users."""
    line = line.replace("/var/lib/onedoor", str(folder / "lib")).replace("/etc/onedoor", str(folder / "etc"))
    for user, number in USERS.items():
        line = line.replace(f"{user}:{user}", f"{number}:{number}")
    for command in line.split(" && "):
        subprocess.run(shlex.split(command), check=True)


def _environment(process: str, folder: Path) -> tuple[int, dict[str, str]]:
    """Return the user of a unit, and its environment with the credentials that systemd hands over."""
    unit = UNITS[process]
    user = USERS[values(unit, "User")[0]]
    credentials = folder / f"credentials-{process}"
    credentials.mkdir(mode=0o711)
    for given in values(unit, "LoadCredential"):
        name, _, source = given.partition(":")
        shutil.copy(Path(source.replace("/etc/onedoor", str(folder / "etc"))), credentials / name)
        (credentials / name).chmod(0o400)
        os.chown(credentials / name, user, user)
    found = environment(unit, credentials, folder / "etc")
    here = {key: value.replace("/var/lib/onedoor", str(folder / "lib")) for key, value in found.items()}
    return user, {key: value for key, value in here.items() if key.startswith("ONEDOOR_")}


def test_each_process_reads_its_own_and_nothing_of_the_others(place: Path) -> None:
    states = {"portal", "node-G15", "gateway-G15", "gateway-G22", "directory"}
    asked = []
    for process in UNITS:
        user, own = _environment(process, place)
        state = Path(own["ONEDOOR_STATE"]).name
        others = [
            str(place / "lib" / one) for one in states - {state} if one.partition("-")[0] != state.partition("-")[0]
        ]
        asked.append((user, own, others + [str(path) for path in (place / "etc").iterdir() if path.suffix != ".env"]))
    done = subprocess.run([sys.executable, "-c", AS_EACH], input=json.dumps(asked), capture_output=True, text=True,
                          env={"PATH": os.environ["PATH"]}, cwd=ROOT, check=False, timeout=60)  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one.pop("files", 0) > 2 for one in told] == [True] * len(UNITS), told
    assert told == [{"nation": "VN", "states": 0, "others": []}] * len(UNITS)


def test_commands_for_operators_find_what_was_laid_out(place: Path) -> None:
    found = services.Services(place / "lib", place / "etc")
    assert set(found.environments) == {*UNITS, "gateway-G22"}
    assert {system.name for system in found.systems()} == {"portal", "node-G15"}
    for system in found.systems():
        assert system.database.url == "postgresql://role:word@/name"
        assert system.secret == place / "etc" / system.name / "secret"
        assert system.secret.exists()


def test_a_new_version_stays_readable_for_who_follows_it(place: Path, tmp_path: Path) -> None:
    files = shutil.copytree(ROOT / "nations" / "vietnam", tmp_path / "files")
    (files / "rights" / "insurance-upkeep.yaml").unlink()
    grants = place / "lib" / "gateway-G15" / "grants.jsonl"
    before = grants.stat()
    closed = os.umask(0o077)
    try:
        assert cli.run(["nation", "load", str(files), "--var", str(place / "lib")]) == 0
    finally:
        os.umask(closed)
    written = [*grants.parent.iterdir(), *(place / "lib" / "directory").iterdir()]
    assert {path.stat().st_uid for path in written} == {USERS["onedoor-gateway"], USERS["onedoor-directory"]}
    assert grants.stat().st_uid == before.st_uid
    open_to_all = [path for path in (place / "lib" / "versions").rglob("*") if path.name != "lock"]
    assert not [path for path in open_to_all if not path.stat().st_mode & 0o004]
