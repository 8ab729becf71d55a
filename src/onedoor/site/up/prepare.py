"""What a nation needs before its processes start: keys, databases, tables, synthetic people. Safe to run again."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from onedoor.exchange.directory import lab
from onedoor.kernel import nation as nations
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.nation import Nation, versions
from onedoor.site.embedded import Server
from onedoor.site.messages import text as _
from onedoor.site.up.plan import Options, Part, systems
from onedoor.site.up.process import dying_with_us

AT_ONCE = 2
PREPARED = "prepared.json"
STARTED = "onedoor up"
"""Who brings in the files that a nation is started with."""
Say = Callable[[str], None]


class NotPrepared(OnedoorError):
    """{what} could not be prepared: {why} Nothing was started."""


def files(options: Options) -> Nation:
    """Return the nation in force; its files come into force when they changed since ``onedoor up`` last took them.

    What ``onedoor nation load`` brought in meanwhile stays in force while the folder given here is as it was.
    """
    taken = [one.digest for one in versions.history(options.versions) if one.by == STARTED]
    if not taken or taken[-1] != versions.digest_of(options.nation):
        versions.bring_in(options.versions, options.nation, STARTED, running=False)
    return nations.load(nations.in_force(options.versions))


def keys(nation: Nation, options: Options) -> None:
    """Make keys, certificates and the signed configuration."""
    lab.provision(nation, options.var, options.port)


def people(options: Options) -> Path:
    """Make the synthetic people, unless they are there, and return their folder."""
    folder = options.var / "people" / f"{options.people}-{options.seed}"
    done = folder / PREPARED
    if not done.exists():
        command = ["nation", "people", "--count", str(options.people), "--seed", str(options.seed)]
        place = ["--nation", str(options.nation), "--out", str(folder)]
        _run(_("The synthetic people"), [sys.executable, "-m", "onedoor.site", *command, *place], None)
        done.write_text("{}")
    return folder


def databases(server: Server, found: Sequence[Part], folder: Path, say: Say) -> None:
    """Make every system's database, closed to the others, bring it up to date and fill empty registers."""
    waiting = []
    for part in systems(list(found)):
        server.ensure_database(part.database)
        waiting.append(part)
    running: list[tuple[Part, subprocess.Popen[bytes]]] = []
    try:
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                part = waiting.pop(0)
                running.append((part, _migrating(part, folder)))
            running = [one for one in running if not _over(*one, say)]
            time.sleep(0.05)
    finally:
        for _part, child in running:
            child.send_signal(signal.SIGTERM)
            child.wait()


def _migrating(part: Part, folder: Path) -> subprocess.Popen[bytes]:
    command = dying_with_us([sys.executable, "-m", "onedoor.site", "migrate", "--load", str(folder)])
    return subprocess.Popen(  # noqa: S603 - our own command
        command, env=part.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip


def _over(part: Part, child: subprocess.Popen[bytes], say: Say) -> bool:
    if child.poll() is None:
        return False
    words = child.stderr.read() if child.stderr else b""
    if child.stderr:
        child.stderr.close()
    if child.returncode:
        raise NotPrepared(what=_("The database of {name}", name=part.database), why=_sentence(words))
    say(part.name)
    return True


def _run(what: str, command: Sequence[str], environment: dict[str, str] | None) -> None:
    done = subprocess.run(  # noqa: S603 - our own command
        dying_with_us(command), env=environment, check=False, capture_output=True, start_new_session=True
    )
    if done.returncode:
        raise NotPrepared(what=what, why=_sentence(done.stderr))


def _sentence(words: bytes) -> str:
    """Return the last line of what a command said, without its name before it."""
    lines = [line for line in words.decode(errors="replace").splitlines() if line.strip()]
    last = lines[-1].strip().removeprefix("onedoor: ") if lines else "it said nothing."
    return str(json.loads(last).get("event", last)) if last.startswith("{") and last.endswith("}") else last
