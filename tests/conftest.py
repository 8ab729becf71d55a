"""What the tests of the running whole share: one nation for all of them, and its logs when one fails."""

import json
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.nation.running import (
    HOME,
    OTHER_OFFICER,
    Running,
    copy_of_the_nation,
    free_base,
    kept_running,
    onedoor,
    sweep,
)

FOLDER = "ONEDOOR_TEST_NATION"
"""Names the ``var`` of a nation that runs already (its files in ``var/files``): no start while developing."""


@pytest.fixture(scope="session")
def nation(request: pytest.FixtureRequest) -> Iterator[Running]:
    """Give a running nation; its folder stays for a look when something failed."""
    if named := os.environ.get(FOLDER):
        var = Path(named).absolute()
        yield Running(var, json.loads((var / "run.json").read_text())["port"], var / "files")
        return
    sweep()
    var = HOME / str(os.getpid())
    running = Running(var, free_base(), copy_of_the_nation(var / "files", OTHER_OFFICER))
    with kept_running(running, var, request.session):
        yield running


@pytest.fixture(scope="session")
def told(nation: Running) -> dict[str, object]:
    """Give what ``onedoor story`` told on its last line."""
    done = onedoor("story", "--running", "--nation", str(nation.folder), "--var", str(nation.var),
                   "--port", str(nation.base))  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    running = getattr(item, "funcargs", {}).get("nation")
    if report.failed and isinstance(running, Running):
        report.sections.append(("logs of the nation", running.last_words()))
    return report
