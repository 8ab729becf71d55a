"""Which version of a record holds on which days, and what a write to some days builds on: pure decisions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

ALWAYS, FOREVER = date.min, date.max
"""A period without a known beginning, and one without a known end."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a record: its place among the versions, and the days it speaks of, the last one excluded."""

    number: int
    valid_from: date
    valid_until: date


@dataclass(frozen=True, slots=True)
class Span:
    """Days from ``valid_from`` up to, not including, ``valid_until``, and the number of the version that holds."""

    valid_from: date
    valid_until: date
    holds: int | None


def timeline(versions: Iterable[Version]) -> list[Span]:
    """Return the days on which *versions* hold, in order and apart: a later version goes before an earlier one."""
    spans: list[Span] = []
    for one in sorted(versions, key=lambda version: version.number):
        own = Span(one.valid_from, one.valid_until, one.number)
        kept = [part for span in spans for part in _outside(span, own)]
        spans = sorted([*kept, own], key=lambda span: span.valid_from)
    return spans


def _outside(span: Span, other: Span) -> Iterator[Span]:
    """Yield what of *span* lies before and after *other*."""
    before = replace(span, valid_until=min(span.valid_until, other.valid_from))
    after = replace(span, valid_from=max(span.valid_from, other.valid_until))
    yield from (part for part in (before, after) if part.valid_from < part.valid_until)


def bases(versions: Iterable[Version], valid_from: date, valid_until: date) -> list[Span]:
    """Return the days of a write, divided by the version whose other fields they keep.

    Days no version speaks of keep what held last before them; when nothing did, what held first after them.
    """
    spans = timeline(versions)
    cuts = {day for span in spans for day in (span.valid_from, span.valid_until) if valid_from < day < valid_until}
    days = sorted({valid_from, valid_until, *cuts})
    found: list[Span] = []
    for start, end in pairwise(days):
        base = _base(spans, start)
        if found and found[-1].holds == base:
            found[-1] = replace(found[-1], valid_until=end)
        else:
            found.append(Span(start, end, base))
    return found


def _base(spans: list[Span], day: date) -> int | None:
    begun = [span for span in spans if span.valid_from <= day]
    return (begun[-1] if begun else spans[0]).holds if spans else None
