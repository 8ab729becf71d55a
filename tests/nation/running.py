"""A whole nation of the tests' own: started by ``onedoor up`` as its people would, asked, killed, stopped."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from onedoor.exchange.tests.ports import own
from onedoor.kernel import nation as nations
from onedoor.site import kinds
from onedoor.site.embedded import Server
from onedoor.site.story.browser import Browser
from onedoor.site.story.places import Places, places
from onedoor.site.up.process import dying_with_us

ROOT = Path(__file__).parents[2]
HOME = ROOT / "var" / "test-nation"
NATION = ROOT / "nations" / "vietnam"
COMMAND = (sys.executable, "-m", "onedoor.site")
PEOPLE = 300
PDFDETACH = shutil.which("pdfdetach") or "pdfdetach"
START_WITHIN = 240.0
STOP_WITHIN = 40.0
OTHER_OFFICER = """
  - id: civil-status-elsewhere
    kind: officer
    name: Hồ Ngọc Diệp
    agency: commune-26740
    post: commune-26740.civil-status
    member: G15
    note: {vi: Công chức hộ tịch nơi khác, en: Civil-status officer elsewhere, fr: Officier d'état civil ailleurs}
"""
"""The demonstration has one officer at each node; the tests need a second one of another agency at the same node."""


def environment(**extra: str) -> dict[str, str]:
    """Return this environment without what describes the test process itself to onedoor."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ONEDOOR_")} | extra


def onedoor(*arguments: str, seconds: float = 120, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run one command of onedoor to its end."""
    return subprocess.run(
        [*COMMAND, *arguments], env=environment(**extra), cwd=ROOT, capture_output=True, text=True,
        timeout=seconds, check=False,
    )  # fmt: skip


def ports_of(base: int) -> list[int]:
    """Return every port that a nation of five members takes from *base* on."""
    several = [base + offset + place for offset in (0, 100, 200, 300, 401, 450) for place in range(5)]
    return [*several, base + 400, base + 449, base + 498, base + 499]


def is_free(port: int) -> bool:
    with closing(socket.socket()) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_base() -> int:
    """Return a base port whose whole range is free, below those the system gives to outgoing connections.

    It is this process's own until the process ends: two that look at once find different ones.
    """
    start = 19000 + os.getpid() % 24 * 500
    for base in (*range(start, 31500, 500), *range(19000, start, 500)):
        if all(is_free(port) for port in ports_of(base)) and own(base):
            return base
    raise RuntimeError("no range of ports is free")


def copy_of_the_nation(folder: Path, extra: str = "") -> Path:
    """Copy Viet Nam's files to *folder*, with *extra* personas, and return it."""
    shutil.copytree(NATION, folder, dirs_exist_ok=True)
    path = folder / "demonstration.yaml"
    text = path.read_text()
    assert "\nhousehold:" in text
    path.write_text(text.replace("\nhousehold:", f"{extra}\nhousehold:", 1))
    return folder


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 30.0) -> Any:
    """Return what *condition* gives once it is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.05)
    return found


def alive(pid: int) -> bool:
    """Return whether a process runs; one that only waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def family(pid: int) -> set[int]:
    """Return the processes that descend from *pid*."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


@dataclass
class Running:
    """A nation that runs from *var* on ports from *base*."""

    var: Path
    base: int
    folder: Path
    process: subprocess.Popen[bytes] | None = None
    browsers: dict[tuple[str, str], Browser] = field(default_factory=dict)

    def __post_init__(self) -> None:
        kinds.load()
        self.places: Places = places(nations.load(self.folder), self.var, self.base)
        self.server = Server(self.var / "postgres")

    @property
    def output(self) -> Path:
        return self.var / "up.out"

    def start(self) -> None:
        """Start with ``onedoor up`` and wait until it says that all is ready."""
        self.var.mkdir(parents=True, exist_ok=True)
        with self.output.open("ab") as output:
            start = output.tell()
            self.process = subprocess.Popen(
                dying_with_us([*COMMAND, "up", "--nation", str(self.folder), "--var", str(self.var),
                               "--port", str(self.base), "--people", str(PEOPLE)]),
                env=environment(), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + START_WITHIN
        while b"Ready: http" not in self.output.read_bytes()[start:]:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the nation does not start:\n{self.last_words()}")
            time.sleep(0.1)

    def stop(self) -> int:
        """Ask the nation to stop; return the exit code."""
        assert self.process
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait(10)

    def last_words(self, lines: int = 4) -> str:
        """Return the end of every log, without what went well, for whoever looks at a failure."""
        found = [self.output, *sorted((self.var / "log").glob("*.log")), self.server.log]
        return "\n".join(_end_of(path, lines) for path in found if path.exists())

    def record(self) -> dict[str, Any]:
        """Return what ``onedoor status`` reads."""
        for _ in range(50):
            try:
                return dict(json.loads((self.var / "run.json").read_text()))
            except (OSError, ValueError):
                time.sleep(0.02)
        raise RuntimeError("there is no record of what runs")

    def pids(self) -> dict[str, int]:
        """Return the process number of everything that runs; 0 while it does not."""
        return {name: one["pid"] for name, one in self.record()["processes"].items()}

    def kill(self, name: str) -> int:
        """Kill a process at once, with no chance to clean up; return its number."""
        pid = wait_for(lambda: self.pids()[name], f"{name} does not run")
        os.kill(pid, signal.SIGKILL)
        return int(pid)

    def wait_for_all(self, seconds: float = 60.0) -> None:
        """Wait until every process runs and listens again."""
        wait_for(lambda: all(map(alive, self.pids().values())), f"dead: {self.pids()}", seconds)
        wait_for(lambda: not [one for one in ports_of(self.base) if is_free(one)], "a port stays closed", seconds)
        wait_for(self.server.answers, "PostgreSQL does not answer", seconds)

    def rows(self, database: str, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return what an auditor with the superuser's key sees in *database*."""
        with self.server.as_superuser(database) as connection:
            return connection.execute(query, list(values)).fetchall()  # type: ignore[arg-type]

    def count(self, database: str, query: str, *values: object) -> int:
        return int(self.rows(database, f"SELECT count(*) FROM {query}", *values)[0][0])

    def connect_as(self, role: str, database: str) -> None:
        """Log in to *database* with the password of *role*, as its system would."""
        with psycopg.connect(self.server.url(role, database), connect_timeout=5) as connection:
            connection.execute("SELECT 1")

    def signed_in(self, persona: str, agency: str = "", language: str = "vi") -> Browser:
        """Return the browser of a persona, signed in at the portal or at the node on which *agency* works."""
        if (persona, agency) not in self.browsers:
            address = self.places.desk(agency, "sign-in") if agency else self.places.page("sign-in")
            browser = Browser(language)
            page = browser.submit(browser.get(address).form("persona").fill({"persona": persona}))
            assert page.status == 200, page.text()
            self.browsers[persona, agency] = browser
        return self.browsers[persona, agency]

    def database_of(self, agency: str) -> str:
        return f"node_{self.places.nation.agencies[agency].member.lower()}"

    def secrets_of_people(self) -> Sequence[str]:
        """Return what no log may hold: names and numbers of the persons (not officers) of the demonstration."""
        people = [one for one in self.places.personas() if one["kind"] == "person"]
        return [*(one["name"] for one in people), *(one["number"] for one in people)]

    def holding(self, *secrets: str) -> list[str]:
        """Return each file, written by what runs, that holds one of *secrets*: logs, databases, gateways' messages."""
        files = [path for path in self.var.rglob("*") if path.is_file() and self._is_told(path)]
        assert len([path for path in files if path.suffix == ".log"]) > 15
        assert [path for path in files if "gateway-" in str(path)]
        found = []
        for path in files:
            with suppress(FileNotFoundError):  # a draft that got its name meanwhile
                content = path.read_bytes()
                found += [f"{path}: {one}" for one in secrets if one.encode() in content]
        return found

    def _is_told(self, path: Path) -> bool:
        """Return whether what runs writes a file: not the nation's files, people to load, or downloaded results."""
        top, *below = path.relative_to(self.var).parts
        if top == "versions" and below[1:]:  # the nation's own files as they were loaded, byte for byte
            own = self.folder.joinpath(*below[1:])
            return not (own.is_file() and own.read_bytes() == path.read_bytes())
        return top not in ("files", "people", "results") and not path.is_symlink()


@contextmanager
def kept_running(running: Running, folder: Path, session: pytest.Session) -> Iterator[Running]:
    """Start a nation and stop it at the end; *folder* stays for a look when something failed."""
    try:
        running.start()
        yield running
    finally:
        code = running.stop()
    assert code in (0, 130), running.last_words()
    if not session.testsfailed:
        shutil.rmtree(folder)


def data_of(pdf: Path, folder: Path) -> dict[str, Any]:
    """Return the data inside a result, taken out by a program that is not ours."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([PDFDETACH, "-saveall", "-o", folder, pdf], check=True, capture_output=True)
    (data,) = folder.glob("*.json")
    return dict(json.loads(data.read_bytes()))


def _end_of(path: Path, lines: int) -> str:
    told = [line for line in path.read_text(errors="replace").splitlines() if '"level": "info"' not in line]
    return f"{path}\n" + "\n".join(f"    {line[:240]}" for line in told[-lines:])


def sweep() -> None:
    """Remove what test processes that are gone left behind."""
    for folder in HOME.glob("[0-9]*"):
        if not alive(int(re.split(r"\D", folder.name)[0])):
            shutil.rmtree(folder, ignore_errors=True)
