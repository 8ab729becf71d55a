"""What a nation needs before its processes start: keys, databases, tables, synthetic people. Safe to run again."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from onedoor.exchange.directory import lab
from onedoor.kernel import nation as nations
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.nation import Nation, versions
from onedoor.site import messages
from onedoor.site.embedded import Server
from onedoor.site.messages import text as _
from onedoor.site.progress import OPTION, Far, heard
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


def people(options: Options, far: Far) -> Path:
    """Make the synthetic people, unless they are there, and return their folder; *far* hears how far it is."""
    folder = options.var / "people" / f"{options.people}-{options.seed}"
    done = folder / PREPARED
    if not done.exists():
        people = ["people", "--count", str(options.people), "--seed", str(options.seed), OPTION]
        place = ["--nation", str(options.nation), "--out", str(folder)]
        child = _begun(["nation", "--language", messages.language(), *people, *place], None)
        try:
            _heard(child, far)
            words = _words(child)
            child.wait()
        finally:
            child.send_signal(signal.SIGTERM)
            child.wait()
        if child.returncode:
            raise NotPrepared(what=_("The synthetic people"), why=_sentence(words))
        done.write_text("{}")
    return folder


def databases(server: Server, found: Sequence[Part], folder: Path, say: Say, far: Far) -> None:
    """Make every system's database, closed to the others, bring it up to date and fill empty registers.

    *say* is told the name of each that is ready, *far* how far one is.
    """
    waiting = []
    for part in systems(list(found)):
        server.ensure_database(part.database)
        waiting.append(part)
    running: list[tuple[Part, subprocess.Popen[bytes]]] = []
    try:
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                part = waiting.pop(0)
                running.append((part, _migrating(part, folder, far)))
            running = [one for one in running if not _over(*one, say)]
            time.sleep(0.05)
    finally:
        for _part, child in running:
            child.send_signal(signal.SIGTERM)
            child.wait()


def _migrating(part: Part, folder: Path, far: Far) -> subprocess.Popen[bytes]:
    words = ["migrate", "--load", str(folder), OPTION, "--language", messages.language()]
    child = _begun(words, part.environment)
    threading.Thread(target=_heard, args=(child, far), name="far", daemon=True).start()
    return child


def _begun(words: Sequence[str], environment: dict[str, str] | None) -> subprocess.Popen[bytes]:
    """Return a command of ours that has begun, and that ends with us."""
    return subprocess.Popen(  # noqa: S603 - our own command
        dying_with_us([sys.executable, "-m", "onedoor.site", *words]), env=environment, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def _heard(child: subprocess.Popen[bytes], far: Far) -> None:
    if child.stdout:
        with child.stdout as lines:
            heard(lines, far)


def _words(child: subprocess.Popen[bytes]) -> bytes:
    """Return what a command that ended said in its distress."""
    if child.stderr is None:
        return b""
    with child.stderr as said:
        return said.read()


def _over(part: Part, child: subprocess.Popen[bytes], say: Say) -> bool:
    if child.poll() is None:
        return False
    words = _words(child)
    if child.returncode:
        raise NotPrepared(what=_("The database of {name}", name=part.database), why=_sentence(words))
    say(part.name)
    return True


def _sentence(words: bytes) -> str:
    """Return the last line of what a command said, without its name before it."""
    lines = [line for line in words.decode(errors="replace").splitlines() if line.strip()]
    last = lines[-1].strip().removeprefix("onedoor: ") if lines else "it said nothing."
    return str(json.loads(last).get("event", last)) if last.startswith("{") and last.endswith("}") else last
