"""What many messages come to: counts, faults and classes of duration by service, for every five minutes.

A page over a week reads these, not millions of records. Processes that write side by side each write their own share.
"""

import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from onedoor.exchange.gateway.records import Record

PERIOD = 300
"""Seconds that one summary covers."""
KIND = "summary-"
MOST = 2000
"""Pairs of client and service that one summary tells apart; further ones are together."""
MOST_FAULTS = 100
"""Types of faults that one cell tells apart; further ones are together."""
OTHERS = "*"
GROWTH = math.log(1.2)
"""Classes of duration grow by a fifth, so a percentile is within a tenth of the true one."""
Key = tuple[str, str, str]
_encoder, _decoder = msgspec.json.Encoder(), msgspec.json.Decoder()


@dataclass(slots=True)
class Cell:
    """Messages of one side, client and service: how many, how they ended, bytes, how many of each class of duration."""

    count: int = 0
    errors: int = 0
    asked: int = 0
    answered: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    classes: Counter[int] = field(default_factory=Counter)

    def add(self, record: Record) -> None:
        """Count one message."""
        self.count += 1
        self.asked += record.sizes[0]
        self.answered += record.sizes[1]
        self.classes[class_of(record.milliseconds)] += 1
        if record.fault:
            self._fault(record.fault, 1)
        elif record.status >= 400:  # noqa: PLR2004 - the provider's own error
            self.errors += 1

    def merge(self, other: "Cell") -> None:
        """Count what *other* counted as well."""
        self.count += other.count
        self.errors += other.errors
        self.asked += other.asked
        self.answered += other.answered
        for type_, count in other.faults.items():
            self._fault(type_, count)
        self.classes += other.classes

    def _fault(self, type_: str, count: int) -> None:
        known = type_ in self.faults or len(self.faults) < MOST_FAULTS
        self.faults[type_ if known else OTHERS] += count

    def percentile(self, share: float) -> float | None:
        """Return how many milliseconds *share* (0 to 1) of the messages took at most; nothing without messages."""
        return percentile(self.classes, share)


@dataclass(slots=True)
class Summary:
    """Five minutes from second *start* on; *batches* counts signed batches by how many messages they hold."""

    start: int
    cells: dict[Key, Cell] = field(default_factory=dict)
    batches: Counter[int] = field(default_factory=Counter)

    def add(self, record: Record) -> None:
        """Count one message."""
        key = (record.type, record.client, record.service)
        cell = self.cells.get(key)
        if cell is None:
            if len(self.cells) >= MOST:
                key = (record.type, OTHERS, OTHERS)
            cell = self.cells.setdefault(key, Cell())
        cell.add(record)

    def line(self) -> bytes:
        """Return the line that keeps it."""
        return _encoder.encode(self.told()) + b"\n"

    def told(self) -> tuple[int, list[Any], dict[int, int]]:
        """Return it as data, as `of` reads it."""
        cells = [
            (*key, one.count, one.errors, one.asked, one.answered, one.faults, one.classes)
            for key, one in self.cells.items()
        ]
        return self.start, cells, dict(self.batches)


def class_of(milliseconds: int) -> int:
    """Return the class of a duration: 0 below a millisecond, then each a fifth longer than the one before."""
    return 0 if milliseconds < 1 else 1 + int(math.log(milliseconds) / GROWTH)


def middle(class_: int) -> float:
    """Return the milliseconds in the middle of a class."""
    return 0.5 if class_ == 0 else math.exp((class_ - 0.5) * GROWTH)


def percentile(classes: Counter[int], share: float) -> float | None:
    """Return the milliseconds within which *share* (0 to 1) of what *classes* count lies; nothing when that is none."""
    left = share * classes.total()
    for class_ in sorted(classes):
        left -= classes[class_]
        if left <= 0:
            return middle(class_)
    return None


def keep(folder: Path, one: Summary) -> None:
    """Write *one* below *folder*, to the file of its day."""
    day = time.strftime("%Y%m%d", time.gmtime(one.start))
    with (folder / f"{KIND}{day}.jsonl").open("ab") as file:
        file.write(one.line())


def read(folder: Path, start: int, end: int) -> Iterator[Summary]:
    """Yield the summaries kept in *folder* that begin from second *start* to *end* (both within)."""
    for path in sorted(folder.glob(f"{KIND}*.jsonl")):
        with path.open("rb") as source:
            for raw in source:
                with suppress(ValueError, TypeError, msgspec.DecodeError):  # a full disk may have torn a line
                    found = _decoder.decode(raw) if raw.endswith(b"\n") else [0]
                    if start <= found[0] <= end:
                        yield of(*found)


def merged(summaries: Iterable[Summary], step: int) -> dict[int, Summary]:
    """Return the *summaries* put together into steps of so many seconds, by when each step begins."""
    steps: dict[int, Summary] = {}
    for one in summaries:
        start = one.start - one.start % step
        step_ = steps.setdefault(start, Summary(start))
        step_.batches += one.batches
        for key, cell in one.cells.items():
            step_.cells.setdefault(key, Cell()).merge(cell)
    return steps


def of(start: int, cells: list[Any], batches: dict[Any, int]) -> Summary:
    """Return the summary that was told as data."""
    told = {(side, client, service): _cell(*rest) for side, client, service, *rest in cells}
    return Summary(start, told, _counted(batches))


def _cell(count: int, errors: int, asked: int, answered: int, faults: dict[str, int], classes: dict[str, int]) -> Cell:
    return Cell(count, errors, asked, answered, Counter(faults), _counted(classes))


def _counted(named: dict[str, int]) -> Counter[int]:
    return Counter({int(name): count for name, count in named.items()})
