"""The container file: what it promises by its text, and each of its steps run on this computer.

No container engine is asked: that an engine takes the file, and its base image, is not shown here.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from onedoor.kernel.settings import known
from onedoor.site.cli import COMMANDS
from tests.deploy import containers
from tests.deploy.test_systemd import PROCESSES

STAGES = containers.parsed(containers.FILE.read_text())
LAST = STAGES[-1]


def test_the_image_runs_the_command_line_as_an_ordinary_user_who_owns_only_its_state() -> None:
    assert LAST.last("ENTRYPOINT").words() == ["/opt/onedoor/.venv/bin/onedoor"]
    assert LAST.steps.index(LAST.last("USER")) > max(LAST.steps.index(one) for one in LAST.steps if one.name == "RUN")
    user, _, group = LAST.last("USER").text.partition(":")
    assert min(int(user), int(group)) >= 1000
    assert set(COMMANDS) >= PROCESSES
    assert LAST.last("VOLUME").words() == [LAST.environment()["ONEDOOR_STATE"]]


def test_every_setting_of_the_image_is_a_setting_and_none_is_a_secret() -> None:
    own = {name for name in LAST.environment() if name.startswith("ONEDOOR_")}
    assert own <= set(known())
    assert not {name for name in own if "SECRET" in name or "DATABASE" in name}


def test_all_that_is_copied_is_there_and_every_package_is_pinned_by_its_hash() -> None:
    copied = [step.words() for stage in STAGES for step in stage.steps if step.name == "COPY"]
    names = [name for words in copied if not words[0].startswith("--") for name in words[:-1]]
    assert not [name for name in names if not (containers.ROOT / name).exists()]
    installs = [
        step.text for stage in STAGES for step in stage.steps if " install -" in step.text and "pip" in step.text
    ]
    assert len(installs) == 3
    assert all("--require-hashes" in text or "--no-deps" in text for text in installs)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_every_step_runs_and_the_image_answers_as_its_user(tmp_path: Path) -> None:
    unshare = shutil.which("unshare")
    if os.geteuid() or not unshare or not Path("/usr/bin/python3").exists():
        pytest.skip("only root can mount the layers of an image, above a system that has Python")
    done = subprocess.run(
        [unshare, "-m", sys.executable, containers.__file__, str(tmp_path)],
        capture_output=True, text=True, timeout=580, check=False,
    )  # fmt: skip
    if "mount:" in done.stderr:
        pytest.skip("this machine does not let root mount an overlay")
    assert done.returncode == 0, done.stderr
    helped, checked, unset, who = json.loads(done.stdout.splitlines()[-1])
    assert helped["code"] == 0
    assert "COMMAND" in helped["said"]
    assert checked["code"] == 0, checked["said"]
    assert unset["code"] == 2
    assert "ONEDOOR_ROLE" in unset["said"]
    assert who["said"].split() == ["10001", "state", "closed"]
