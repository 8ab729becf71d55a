"""How long records are kept in reach, and when they end: the rule of a register's file, as pure decisions."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Self

from onedoor.kernel.nation import Document, Fault, nearest
from onedoor.kernel.said import said

ENDED, RECORDED = "ended", "recorded"
"""Counted from the day after which no version speaks of the record, or from the day its last version was recorded."""
KEEP, ARCHIVE, DESTROY = "keep", "archive", "destroy"
SPAN = re.compile(r"([1-9][0-9]{0,4})([dy])")
ISO_DAY = 10
A_DAY = date(2001, 1, 1)
"""From which two spans are compared."""


@dataclass(frozen=True, slots=True)
class Span:
    """A number of days (``90d``) or years (``5y``)."""

    count: int
    unit: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the span that *text* such as ``5y`` names; raise `ValueError`."""
        found = SPAN.fullmatch(text)
        if found is None:
            raise ValueError(text)
        return cls(int(found[1]), found[2])

    def after(self, day: date) -> date:
        """Return the day on which the span has passed since *day*: 29 February ends on 1 March; never after 9999."""
        try:
            return day + timedelta(self.count) if self.unit == "d" else self._years_after(day)
        except (OverflowError, ValueError):
            return date.max

    def _years_after(self, day: date) -> date:
        year = day.year + self.count
        try:
            return day.replace(year=year)
        except ValueError:
            return date(year, 3, 1)

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"


@dataclass(frozen=True, slots=True)
class Retention:
    """From when one counts (`ENDED`, `RECORDED` or a field), how long records stay in reach, when they are destroyed.

    ``archive_for`` names the purposes that still find archived records; ``rule`` says by what it is so, for the record.
    """

    since: str
    field: str
    in_reach: Span
    destroyed: Span | None
    archive_for: frozenset[str]
    reference: str

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """Return the rule that a checked file describes."""
        since = data["since"]
        law = data.get("law", {})
        return cls(
            since=since if isinstance(since, str) else "",
            field="" if isinstance(since, str) else since["field"],
            in_reach=Span.parse(data["in_reach"]),
            destroyed=Span.parse(data["destroyed"]) if "destroyed" in data else None,
            archive_for=frozenset(data.get("archive_for", ())),
            reference=f"{law['number']} {law.get('article', '')}".strip() if law else "illustrative",
        )

    @property
    def rule(self) -> str:
        """Return the rule as it stands on record, such as ``marked_on + 10y, then 20y; Invented act 7``."""
        end = f", destroyed + {self.destroyed}" if self.destroyed else ""
        return f"{self.field or self.since} + {self.in_reach}{end}; {self.reference}"

    def due(self, since: date | None, today: date) -> str:
        """Return what is due *today* for a record counted from *since*; one that nothing ends is kept."""
        if since is None:
            return KEEP
        if self.destroyed and self.destroyed.after(since) <= today:
            return DESTROY
        return ARCHIVE if self.in_reach.after(since) <= today else KEEP


def day_in(value: Any) -> date | None:  # noqa: ANN401 - what a register holds
    """Return the day that a field's *value* begins with, or nothing when it names none."""
    try:
        return date.fromisoformat(str(value)[:ISO_DAY])
    except ValueError:
        return None


def end_of(until: Iterable[date]) -> date | None:
    """Return the day from which no version speaks of a record any more; nothing while one has no known end."""
    last = max(until)
    return None if last == date.max else last


def schema(law: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the JSON Schema of the rule in a register's file; *law* is that of an article of law."""
    span = {"type": "string", "pattern": f"^{SPAN.pattern}$", "description": "days or years, such as 90d or 10y"}
    field = {"type": "object", "required": ["field"], "additionalProperties": False}
    return {
        "type": "object",
        "required": ["since", "in_reach"],
        "additionalProperties": False,
        "properties": {
            "since": {
                "oneOf": [{"enum": [ENDED, RECORDED]}, {**field, "properties": {"field": {"type": "string"}}}],
                "description": "ended: the day its last days end; recorded: the day of its last version; or a field",
            },
            "in_reach": {**span, "description": "how long it is found after that day, such as 90d or 10y"},
            "destroyed": {**span, "description": "how long after that day it is destroyed, if ever"},
            "archive_for": {
                "type": "array",
                "uniqueItems": True,
                "items": {"type": "string"},
                "description": "the purposes (rights) that still find archived records",
            },
            "law": law,
            "illustrative": {"const": True},
        },
    }


def check(document: Document, purposes: Sequence[str], fields: Collection[str]) -> Iterator[Fault]:
    """Yield the faults of the rule that its schema cannot see; *fields* are those of all versions."""
    data = document.data.get("retention")
    if data is None:
        return
    if "law" not in data and "illustrative" not in data:
        yield document.fault(
            ["retention"], said("no law says how long records are kept"), said("add law, or illustrative: true")
        )
    for number, purpose in enumerate(data.get("archive_for", ())):
        if purpose not in purposes:
            instead = nearest(purpose, list(purposes))
            yield document.fault(
                ["retention", "archive_for", number], said("there is no right “{purpose}”", purpose=purpose), instead
            )
    rule = Retention.read(data)
    if rule.field and rule.field not in fields:
        wrong = said("there is no field “{field}”", field=rule.field)
        yield document.fault(["retention", "since", "field"], wrong, nearest(rule.field, list(fields)))
    if rule.destroyed and rule.destroyed.after(A_DAY) <= rule.in_reach.after(A_DAY):
        wrong = said("records are destroyed before they leave the reach of look-ups")
        yield document.fault(["retention", "destroyed"], wrong, said("write a longer time than in_reach"))
