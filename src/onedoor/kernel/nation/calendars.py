"""The calendar of a nation, read from its CSV of special days."""

from collections.abc import Iterator, Mapping
from datetime import date, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from onedoor.kernel.clock import Calendar, Day
from onedoor.kernel.nation.documents import Fault
from onedoor.kernel.nation.tables import Row, read_table
from onedoor.kernel.said import said

KINDS = ("holiday", "substitute_off", "swapped_working_day")
CONFIDENCES = ("text", "press", "memory")
COLUMNS = ("date", "kind", "decision", "source", "confidence")
ILLUSTRATIVE = "illustrative"
"""A column that a table may have: ``true`` where the decision was not found, only that there was one, or none yet."""
APART = 2
"""Years between two days, with none in between, beyond which they do not belong to one calendar."""
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def read_days(path: Path, name: str) -> tuple[dict[date, Day], list[Fault]]:
    """Return the special days in the CSV file *path* and the faults of its rows."""
    days: dict[date, Day] = {}
    lines: dict[date, int] = {}

    def add(row: Row, line: int) -> None:
        day = date.fromisoformat(row["date"])
        _check(row, known=day in days)
        label = {column[5:]: value for column, value in row.items() if column.startswith("name_") and value}
        illustrative = row.get(ILLUSTRATIVE) == "true"
        days[day] = Day(row["kind"], label, row["decision"], row["confidence"], illustrative=illustrative)
        lines[day] = line

    _, faults = read_table(path, name, COLUMNS, add)
    return days, [*faults, *_far(name, lines)]


def _far(name: str, lines: Mapping[date, int]) -> Iterator[Fault]:
    """Yield the days (with their lines) that lie far from the years which the table covers: those with most days."""
    runs: list[list[date]] = []
    for day in sorted(lines):
        if not runs or day.year - runs[-1][-1].year > APART:
            runs.append([])
        runs[-1].append(day)
    covered = max(runs, key=len, default=[])
    for day in (one for run in runs if run is not covered for one in run):
        wrong = said("the day {date} is far from the years of this calendar, {first} to {last}",
                     date=day, first=covered[0].year, last=covered[-1].year)  # fmt: skip
        yield Fault(name, lines[day], wrong, said("correct the year"))


def make_calendar(zone: str, data: Mapping[str, Any], days: Mapping[date, Day]) -> Calendar:
    """Return the calendar described by ``calendar:`` in ``nation.yaml`` with its special *days*."""
    hours = [tuple(time.fromisoformat(part) for part in period.split("-")) for period in data["hours"]]
    return Calendar(
        ZoneInfo(zone),
        [(opens, closes) for opens, closes in hours],
        days,
        week=frozenset(WEEK.index(day) for day in data["week"]),
        cutoff=time.fromisoformat(data["cutoff"]) if "cutoff" in data else None,
    )


def _check(row: Row, *, known: bool) -> None:
    if known:
        raise ValueError(said("the day {date} stands here twice", date=row["date"]), said("keep one row"))
    if row["kind"] not in KINDS:
        raise ValueError(
            said("“{kind}” is not a kind of day", kind=row["kind"]),
            said("write one of {names}", names=", ".join(KINDS)),
        )
    if row["confidence"] not in CONFIDENCES:
        raise ValueError(
            said("“{confidence}” is not a confidence", confidence=row["confidence"]),
            said("write one of {names}", names=", ".join(CONFIDENCES)),
        )
    if not row["decision"] or not row["source"]:
        raise ValueError(said("this day has no decision or no source"), said("name the decision and where it was read"))
    if row.get(ILLUSTRATIVE, "") not in ("", "true"):
        raise ValueError(
            said("“{illustrative}” does not say whether this day is illustrative", illustrative=row[ILLUSTRATIVE]),
            said("write true or nothing"),
        )
    if row.get(ILLUSTRATIVE) != "true" and not any(sign.isdigit() for sign in row["decision"]):
        raise ValueError(
            said("the decision of this day has no number"), said("give it, or write true under illustrative")
        )
