"""Measure ours and the anchor alternately, both warmed alike; give median and range of the ratio."""

import gc
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import partial


@dataclass(frozen=True, slots=True)
class Ratio:
    """A measured ratio: ``floor`` is the limit it must keep; ``more`` says whether larger is better."""

    name: str
    ours: float
    anchor: float
    unit: str
    median: float
    low: float
    high: float
    floor: float
    more: bool = False
    note: str = ""

    @property
    def kept(self) -> bool:
        """Return whether the median keeps the floor."""
        return self.median >= self.floor if self.more else self.median <= self.floor

    def row(self) -> tuple[str, ...]:
        """Return the ratio as a row of the printed table."""
        sign = "≥" if self.more else "≤"
        return (
            self.name,
            f"{self.ours:.3g} {self.unit}",
            f"{self.anchor:.3g} {self.unit}",
            f"{self.median:.2f} ({self.low:.2f}–{self.high:.2f})",
            f"{sign} {self.floor:g}",
            "kept" if self.kept else "NOT KEPT",
            self.note,
        )

    def plain(self) -> dict[str, object]:
        """Return the ratio for JSON."""
        return {**asdict(self), "kept": self.kept}


def apart(module: str, *arguments: object) -> list[Ratio]:
    """Return the ratios that *module* prints as JSON, run in a process of its own: Django is set up once a process."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return [Ratio(**one) for one in json.loads(done.stdout)]


def told(ratios: Iterable[Ratio]) -> str:
    """Return *ratios* as `apart` reads them."""
    return json.dumps([{name: value for name, value in one.plain().items() if name != "kept"} for one in ratios])


def seconds(work: Callable[[], object], times: int) -> float:
    """Return the median seconds of one *work*, over *times* runs."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def compare(
    name: str,
    ours: Callable[[], float],
    anchor: Callable[[], float],
    *,
    floor: float,
    unit: str = "ms",
    more: bool = False,
    repeats: int = 5,
    times: int = 1,
    note: str = "",
) -> Ratio:
    """Run *ours* and *anchor* in alternating order and return the ratio of what they return (in *unit*).

    A repeat runs each *times* times by turns, and compares their medians: what one leaves the processor's caches in,
    the other begins with.
    """
    ours(), anchor()
    pairs = [_by_turns(ours, anchor, times, ahead=bool(turn % 2)) for turn in range(repeats)]
    ratios = [a / b for a, b in pairs]
    return Ratio(
        name=name,
        ours=statistics.median(a for a, _ in pairs),
        anchor=statistics.median(b for _, b in pairs),
        unit=unit,
        median=statistics.median(ratios),
        low=min(ratios),
        high=max(ratios),
        floor=floor,
        more=more,
        note=note,
    )


def compare_both_ways(
    name: str,
    ours: Callable[[], float],
    anchor: Callable[[], float],
    *,
    times: int,
    floor: float,
    repeats: int,
    note: str = "",
) -> Ratio:
    """As `compare` by turns; the note tells the ratio when each is asked *times* in a row as well.

    In a row the lighter one has the processor's caches to itself, which nothing that waits for others ever has.
    """
    rows = compare(name, partial(_median, ours, times), partial(_median, anchor, times), floor=floor, repeats=repeats)
    told = "; ".join(filter(None, (note, f"{rows.median:.2f} in rows")))
    return compare(name, ours, anchor, floor=floor, repeats=repeats, times=times, note=told)


def _median(one: Callable[[], float], times: int) -> float:
    return statistics.median(one() for _ in range(times))


def _by_turns(
    ours: Callable[[], float], anchor: Callable[[], float], times: int, *, ahead: bool
) -> tuple[float, float]:
    """Return the medians of both; the anchor goes *ahead*, or else follows."""
    gc.collect()
    first, second = (anchor, ours) if ahead else (ours, anchor)
    taken = [(first(), second()) for _ in range(times)]
    one, other = (statistics.median(column) for column in zip(*taken, strict=True))
    return (other, one) if ahead else (one, other)
