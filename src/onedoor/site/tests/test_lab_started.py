"""``onedoor lab`` with as many members as it has, really started: each asks the next one."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from onedoor.exchange.tests.nation import answers, free_base, wait_for
from onedoor.site.lab import invented

EXAMPLES = Path(invented.__file__).parent / "examples"
LAB = (sys.executable, "-c", "from onedoor.site.cli import run; import sys; sys.exit(run(sys.argv[1:]))", "lab")
NAMES = [f"M{number}" for number in range(1, invented.MOST + 1)]


@contextmanager
def running(*command: object) -> Iterator[subprocess.Popen[str]]:
    """Keep a process running, and end it as Ctrl-C does."""
    with subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_lab_of_twenty_members_is_ready_and_every_member_asks_another(tmp_path: Path) -> None:
    own = ("--members", invented.MOST, "--var", tmp_path, "--port", free_base(), "--language", "en")
    with ExitStack() as stack:
        lab = stack.enter_context(running(*LAB, *own))
        assert lab.stdout
        assert any(line.startswith("Ready after ") for line in lab.stdout)
        addresses = [one["service"] for one in json.loads((tmp_path / "lab.json").read_text()).values()]
        assert len(addresses) == invented.MOST
        for name in NAMES:
            stack.enter_context(running(sys.executable, tmp_path / "provider.py", name))
        for address in addresses:
            wait_for(lambda address=address: answers(address), address, 60)  # type: ignore[misc]
        for one, other in zip(NAMES, [*NAMES[1:], NAMES[0]], strict=True):
            command = [sys.executable, str(tmp_path / "consumer.py"), one, other]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
            assert (done.returncode, done.stdout[:4]) == (0, "200 "), (one, other, done.stdout, done.stderr)
    assert lab.returncode == 0


def test_the_example_names_the_members_there_are_when_it_is_asked_for_another(tmp_path: Path) -> None:
    shutil.copy(EXAMPLES / "consumer.py", tmp_path)
    (tmp_path / "lab.json").write_text('{"M1": {}, "M2": {}}')
    command = [sys.executable, str(tmp_path / "consumer.py"), "M1", "M9"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, "no member here: M9. Members: M1, M2\n")
