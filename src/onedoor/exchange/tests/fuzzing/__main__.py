"""Runs the fuzzer.

``python -m onedoor.exchange.tests.fuzzing SECONDS FOLDER [PARSER …]`` tries every parser, or those named, for so many
seconds of the processor each. It begins with good inputs, with what `kept` holds and with what earlier runs left in
FOLDER/<parser>, leaves what it finds there, and tells of each parser in a line of JSON. It ends 0 only if none broke.

``python -m onedoor.exchange.tests.fuzzing keep FOLDER [PARSER …]`` makes what is kept in the repository anew: the
smallest inputs among all these that together reach as much.
"""

import asyncio
import json
import os
import random
import shutil
import sys
import tempfile
import time
from hashlib import sha1
from pathlib import Path
from typing import Any, NoReturn

import atheris

INSTRUMENTED = ["onedoor", "json", "yaml", "urllib", "zipfile", "asn1crypto"]
with atheris.instrument_imports(include=INSTRUMENTED):
    from onedoor.exchange.tests.fuzzing import kept, parsers
    from onedoor.exchange.tests.fuzzing.parsers import CANARY, Parser

HANGS = 10
"""Seconds after which an input counts as one that hangs."""
SHARED, NEVER = 4, 300
"""After so many times the seconds asked for, and these, a run ends that did not come to its end: it tells nothing."""
EARLIER = 200
"""Inputs of earlier runs that a run begins with, picked by chance; those that broke something are among them."""
CANARY_WITHIN = 60.0
"""Seconds in which the parser that breaks has to do so; it takes a small part of one."""
BROKE = 77
MERGE = "merge"


class Run:
    """Gives a parser inputs, first those whose digests are *known*, until *seconds* of the processor are used up.

    What it did it tells in the file *to*.
    """

    def __init__(self, parser: Parser, known: set[bytes], seconds: float, to: Path) -> None:
        self._parser, self._unseen, self._seconds, self._to = parser, known, seconds, to
        self._known, self._began = len(known), time.process_time()
        self.inputs = self.beyond = self.taken = 0

    def __call__(self, data: bytes) -> None:
        self.inputs += 1
        if self._unseen:
            self._unseen.discard(_mark(data))
        else:
            self.beyond += 1
        try:
            self._parser.parse(data)
            self.taken += 1
        except self._parser.refusals:
            pass
        except BaseException:
            self._to.with_suffix("").joinpath(f"broken-{_mark(data).hex()}").write_bytes(data)
            raise
        if self.beyond > 1 and time.process_time() - self._began > self._seconds:
            self._end()

    def _end(self) -> NoReturn:
        told = {"known": self._known, "inputs": self.inputs, "beyond": self.beyond, "taken": self.taken}
        self._to.write_text(json.dumps(told))
        os._exit(0)


def _mark(data: bytes) -> bytes:
    return sha1(data, usedforsecurity=False).digest()


def _fuzz(name: str, parser: Parser, seconds: float, place: Path) -> None:
    """Be the process that tries *parser*, with the inputs in *place*."""
    said = os.open(place.with_suffix(".said"), os.O_WRONLY | os.O_CREAT)
    os.dup2(said, 1)
    os.dup2(said, 2)
    asyncio.set_event_loop(asyncio.new_event_loop())
    known = {_mark(one.read_bytes()) for one in place.iterdir()}
    last = int(seconds) * SHARED + NEVER
    options = [f"-max_total_time={last}", f"-timeout={HANGS}", "-rss_limit_mb=2048", "-len_control=1"]
    run = Run(parser, known, seconds, place.with_suffix(".told"))
    atheris.Setup([name, *options, f"-artifact_prefix={place}/broken-", str(place)], run)
    atheris.Fuzz()


def try_one(name: str, parser: Parser, seconds: float, folder: Path) -> dict[str, Any]:
    """Return what became of *parser* in a process of its own; leave what it found in *folder*."""
    with tempfile.TemporaryDirectory() as made:
        place = Path(made, name)
        begun = _begin(name, parser, folder, place)
        if (process := os.fork()) == 0:
            try:
                _fuzz(name, parser, seconds, place)
            finally:  # nothing of what the parent does is done twice
                os._exit(BROKE)
        _, ended = os.waitpid(process, 0)
        found = [one for one in place.iterdir() if one.name not in begun]
        for one in found:
            shutil.copy(one, folder / one.name)
        told = place.with_suffix(".told")
        report = {"parser": name, "code": os.waitstatus_to_exitcode(ended), "found": len(found)}
        report["broken"] = [str(folder / one.name) for one in found if one.name.startswith("broken-")]
        if told.exists():
            return report | json.loads(told.read_text())
        sys.stderr.write(f"{name}:\n{place.with_suffix('.said').read_text(errors='replace')[-3000:]}\n")
        return report


def _begin(name: str, parser: Parser, folder: Path, place: Path) -> set[str]:
    """Lay into *place* what a run begins with; return the names of it."""
    place.mkdir()
    folder.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate([*parser.seeds, *kept.read(name)]):
        (place / f"kept-{number}").write_bytes(one)
    earlier = sorted(folder.iterdir())
    broke = [one for one in earlier if one.name.startswith("broken-")]
    for one in [*broke, *random.sample(earlier, min(len(earlier), EARLIER))]:
        shutil.copy(one, place / one.name)
    return {one.name for one in place.iterdir()}


def main(what: str, folder: str, *names: str) -> int:
    """Do as the arguments say; return the exit code."""
    known = parsers.known()
    chosen = {name: known[name] for name in names or known}
    if what == "keep":
        for name, parser in chosen.items():
            kept.keep(name, [*parser.seeds, *kept.read(name)], Path(folder, name))
        return 0
    reports = [_told(name, one, float(what), folder) for name, one in chosen.items()]
    if not names:
        shutil.rmtree(Path(folder, CANARY), ignore_errors=True)
        _told(CANARY, Parser(parsers.canary, (), [b"s"]), CANARY_WITHIN, folder)
    return 0 if all(one["code"] == 0 for one in reports) else 1


def _told(name: str, parser: Parser, seconds: float, folder: str) -> dict[str, Any]:
    report = try_one(name, parser, seconds, Path(folder, name))
    sys.stdout.write(f"{json.dumps(report)}\n")
    sys.stdout.flush()
    return report


def merge(name: str, *options: str) -> None:
    """Be a process of libFuzzer's own that merges inputs of a parser."""
    parser = parsers.known()[name]

    def one(data: bytes) -> None:
        try:
            parser.parse(data)
        except parser.refusals:
            return

    asyncio.set_event_loop(asyncio.new_event_loop())
    atheris.Setup([f"{sys.executable} -m {__spec__.parent} {MERGE} {name}", *options], one)
    atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1] == MERGE:
        merge(*sys.argv[2:])
    else:
        sys.exit(main(*sys.argv[1:]))
