"""``kill -9`` of any process during stories: it comes back, the case goes on, nothing is lost or done twice."""

import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from onedoor.exchange.gateway import reading
from onedoor.site.story.told import Told
from tests.nation.patient import PatientStory
from tests.nation.running import COMMAND, ROOT, Running, alive, data_of, family, wait_for

pytestmark = pytest.mark.timeout(600)
KILLS = ("node-G18", "portal-web", "gateway-G22", "postgres", "node-G15", "portal-worker", "gateway-G01", "node-G01",
         "directory", "node-G24")  # fmt: skip
"""One process for each of ten kills, what a story needs first coming first: the moment moves through the story."""
LATER = {"portal-worker", "node-G01", "directory", "node-G24"}
"""Those that are killed in the long counts alone."""
CHILDREN = ("child of portal-web", "child of postgres")
MEMBERS = ("G22", "G01", "G15", "G18", "G24")
SYSTEMS = {"portal-worker": "portal", **{f"node-{one}": f"node_{one.lower()}" for one in MEMBERS[1:]}}
MANY = 200
SETTLED_WITHIN = 20.0
Marks = Counter[tuple[str, ...]]


@dataclass
class Stories:
    """All stories that were played, what an undisturbed one leaves behind, and how long it takes."""

    nation: Running
    folder: Path
    before: Marks = field(default_factory=Counter)
    example: Marks = field(default_factory=Counter)
    seconds: float = 0.0
    told: list[Told] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def play(self) -> PatientStory:
        """Play a story to its end, however often something has to be tried again."""
        story = PatientStory(self.nation.places, self.folder)
        told = story.play()
        assert told.good, told.line()
        self.told.append(told)
        self.notices.append(story.notice)
        return story

    def marks(self, case: str) -> Marks:
        """Return what stands in every database about *case*: what was done, and how often."""
        found: Marks = Counter()
        queries = {
            "transition": "SELECT step, kind FROM cases_transition t JOIN cases_dossier d ON d.id = dossier_id"
            " WHERE d.code = %s AND kind <> 'acknowledge'",
            "result": "SELECT r.kind FROM cases_result r JOIN cases_dossier d ON d.id = dossier_id WHERE d.code = %s",
            "notice": "SELECT text FROM notices_notice WHERE link = 'cases/' || %s",
            "draft": "SELECT submitted_as <> '' FROM cases_draft WHERE code = %s",
        }
        found.update(self._found("portal", queries, case))
        join = "JOIN cases_task t ON t.id = task_id WHERE t.case = %s"
        queries = {
            "task": "SELECT step, state, round, agency FROM cases_task t WHERE t.case = %s",
            "act": f"SELECT step, a.kind, a.state FROM cases_act a {join}",
            "issued": f"SELECT i.kind, i.state FROM cases_issued i {join}",
            "written": "SELECT register FROM registers_record r WHERE r.case = %s",
            # a write that is asked for again answers again, and each answer is on record: once at least
            "write": "SELECT DISTINCT register, refused FROM privacy_readrecord r"
            " WHERE r.case = %s AND operation = 'write'",
        }
        for member in MEMBERS[1:]:
            found.update(self._found(f"node_{member.lower()}", queries, case))
        return found

    def totals(self) -> Marks:
        """Return how many current records every register has, and how many dossiers there are."""
        found: Marks = Counter()
        for member in MEMBERS[1:]:
            query = "SELECT register, count(*) FROM registers_record WHERE recorded_until IS NULL GROUP BY register"
            found.update({(register,): count for register, count in self.nation.rows(f"node_{member.lower()}", query)})
        found["dossiers",] = self.nation.count("portal", "cases_dossier")
        return found

    def _found(self, database: str, queries: dict[str, str], case: str) -> list[tuple[str, ...]]:
        return [
            (database, kind, *map(str, row))
            for kind, query in queries.items()
            for row in self.nation.rows(database, query, case)
        ]


@pytest.fixture(scope="module")
def stories(nation: Running, tmp_path_factory: pytest.TempPathFactory) -> Stories:
    """Play one undisturbed story to compare with; at the end look at everything that all stories left."""
    found = Stories(nation, tmp_path_factory.mktemp("stories"))
    found.play()
    found.before = found.totals()
    found.seconds = found.play().told.seconds
    found.example = found.marks(found.told[-1].case)
    assert len([mark for mark in found.example if mark[1] == "written"]) == len(MEMBERS), found.example
    return found


def kill_during_a_story(stories: Stories, names: list[str], moment: float) -> None:
    """Kill *names* at a fraction of a story, let it end, and hold what it left against an undisturbed one."""
    nation = stories.nation
    nation.wait_for_all()
    before = nation.record()["processes"]
    killer = threading.Timer(moment * stories.seconds, lambda: [kill(nation, name) for name in names])
    killer.start()
    story = stories.play()
    killer.join()
    for name in set(names) - set(CHILDREN):
        wait_for(lambda name=name: came_back(nation, name, before[name]), f"{name} does not come back")
    nation.wait_for_all()
    assert_like_an_undisturbed_story(stories, story.told)


def came_back(nation: Running, name: str, before: dict[str, Any]) -> bool:
    """Return whether *name* runs as another process than before, started anew and counted."""
    now = nation.record()["processes"][name]
    return now["pid"] not in (0, before["pid"]) and now["restarts"] > before["restarts"]


def kill(nation: Running, name: str) -> None:
    """Kill a process, or one of its own children: a web worker, a backend of PostgreSQL."""
    if name not in CHILDREN:
        nation.kill(name)
        return
    wait_for(lambda: kill_a_child(nation.pids()[name.removeprefix("child of ")]), f"no {name} to kill")


def kill_a_child(parent: int) -> bool:
    """Kill one of the processes below *parent*; return whether it was still there to be killed."""
    children = sorted(family(parent)) if parent else []  # 0 while the parent is being started anew
    if not children:
        return False
    try:
        os.kill(random.choice(children), signal.SIGKILL)
    except ProcessLookupError:  # a backend of PostgreSQL may have ended by itself meanwhile
        return False
    return True


def assert_like_an_undisturbed_story(stories: Stories, told: Told) -> None:
    """Check that a case was done once: the same marks, one number for the child in all its results."""
    deadline = time.monotonic() + SETTLED_WITHIN
    while (found := stories.marks(told.case)) != stories.example and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not found - stories.example, f"done twice: {found - stories.example}"
    assert not stories.example - found, f"lost: {stories.example - found}"
    numbers = set()
    for result in told.results:
        numbers.add(data_of(Path(result.file), stories.folder / told.case / result.kind)["child"]["number"])
    assert len(numbers) == 1


def assert_whole(stories: Stories) -> None:
    """Check the registers' sums, every ledger and every gateway's log after all that happened."""
    nation, added = stories.nation, len(stories.told) - 1
    nation.wait_for_all()
    expected: Marks = Counter(stories.before)
    expected.update({(name,): added for name in ("births", "population", "insurance", "birth-notices", "dossiers")})
    assert stories.totals() == expected
    assert len(set(stories.notices)) == len(stories.notices)
    pids = nation.pids()
    for name in SYSTEMS:
        done = check_of_the_ledger(pids[name])
        assert done.returncode == 0, f"{name}: {done.stderr}"
        assert "The ledger is sound" in done.stdout, done.stdout
    for member in MEMBERS:
        folder = nation.var / f"gateway-{member}"
        verdict = reading.verify(folder / "log", (folder / "log.key").read_bytes())
        assert verdict.whole, f"{member}: {verdict.faults}"
        assert verdict.records


def check_of_the_ledger(pid: int) -> subprocess.CompletedProcess[str]:
    """Run ``onedoor ledger check`` with the settings of a running process."""
    raw = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    own = dict(line.split("=", 1) for line in raw if "=" in line)
    return subprocess.run(
        [*COMMAND, "ledger", "check"], env=own, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.nation
@pytest.mark.parametrize(
    "number", [pytest.param(n, marks=pytest.mark.soak if one in LATER else (), id=one) for n, one in enumerate(KILLS)]
)
def test_a_killed_process_comes_back_and_the_case_goes_on(stories: Stories, number: int) -> None:
    moment = (number + random.Random(number).random()) / len(KILLS)
    kill_during_a_story(stories, [KILLS[number]], moment)


@pytest.mark.nation
def test_after_the_kills_every_register_ledger_and_log_is_whole(stories: Stories) -> None:
    assert_whole(stories)


@pytest.mark.nation
def test_a_killed_supervisor_takes_everything_along_and_the_next_start_goes_on(stories: Stories) -> None:
    nation = stories.nation
    if nation.process is None:
        pytest.skip("this nation was started by hand")
    pids = nation.pids()
    nation.process.kill()
    nation.process.wait(10)
    wait_for(lambda: not [name for name, pid in pids.items() if alive(pid)], "processes outlive their supervisor", 30)
    nation.start()
    stories.play()
    assert_like_an_undisturbed_story(stories, stories.told[-1])
    assert_whole(stories)


@pytest.mark.soak
@pytest.mark.timeout(3 * 3600)
def test_two_hundred_kills_lose_nothing_and_do_nothing_twice(
    stories: Stories, record_property: Callable[[str, object], None]
) -> None:
    seed = int(os.environ.get("ONEDOOR_TEST_SEED", time.time()))
    record_property("seed", seed)
    dice = random.Random(seed)
    names = [*(name for name in stories.nation.pids() if name != "up"), *CHILDREN]
    kills = 0
    while kills < MANY:
        chosen = dice.sample(names, 2 if dice.random() < 0.2 else 1)
        moment = dice.random()
        try:
            kill_during_a_story(stories, chosen, moment)
        except Exception as failed:
            failed.add_note(f"seed {seed}, after {kills} kills: {chosen} at {moment:.2f} of a story")
            raise
        kills += len(chosen)
    assert_whole(stories)
