"""What is published of assessments: the value, how far the two agreed, and each indicator with its evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from uuid import UUID

from onedoor.kernel import nation
from onedoor.kernel.nation import Unit
from onedoor.kernel.nation.units import UnknownUnit
from onedoor.kernel.text import Text
from onedoor.measurement.assessments import definition
from onedoor.measurement.assessments.assessing import Said
from onedoor.measurement.assessments.errors import NoSuchAssessment
from onedoor.measurement.assessments.reconciling import Pair, pair
from onedoor.measurement.features import FeatureList
from onedoor.measurement.models import Assessment, Decision
from onedoor.measurement.rules import agreement
from onedoor.measurement.rules.agreement import Agreement
from onedoor.store.rows import Rows, fetch

COUNT = "SELECT count(*) FROM measurement_assessment WHERE published_at IS NOT NULL"
SUMS = """
SELECT one.assessment_id, count(*), count(*) FILTER (WHERE first.present = second.present),
    count(*) FILTER (WHERE first.present), count(*) FILTER (WHERE second.present),
    count(*) FILTER (WHERE CASE WHEN first.present = second.present THEN first.present ELSE decided.present END)
FROM measurement_sheet one
JOIN measurement_sheet other ON other.assessment_id = one.assessment_id AND other.place = 2
JOIN measurement_answer first ON first.sheet_id = one.id
JOIN measurement_answer second ON second.sheet_id = other.id AND second.code = first.code
LEFT JOIN measurement_decision decided ON decided.assessment_id = one.assessment_id AND decided.code = first.code
WHERE one.place = 1 AND one.assessment_id = ANY(%s)
GROUP BY one.assessment_id
"""
PUBLISHED = Rows(Assessment, "id = %s AND published_at IS NOT NULL")


@dataclass(frozen=True, slots=True)
class Line:
    """An indicator: what holds of it, what each of the two said, and the decision where they differ."""

    code: str
    name: Text
    present: bool
    first: Said
    second: Said
    decision: Decision | None


@dataclass(frozen=True)
class Summary:
    """What a published assessment came to: how many indicators are there, and how far the two agreed."""

    row: Assessment
    present: int
    agreement: Agreement

    @property
    def unit(self) -> Unit | None:
        """Return the unit as it was when the assessment was opened."""
        country = nation.current()
        try:
            return country.units.unit(self.row.unit, country.calendar.local(self.row.opened_at).date())
        except UnknownUnit:
            return None

    @cached_property
    def name(self) -> Text | str:
        """Return what the unit was called."""
        unit = self.unit
        return (unit.full_name or unit.name) if unit else self.row.unit

    @property
    def value(self) -> Fraction:
        """Return the share of indicators that are there (UN E-Government Survey 2022, annex: 1 where found, else 0)."""
        return Fraction(self.present, self.agreement.all)


@dataclass(frozen=True)
class Result(Summary):
    """A published assessment with all its indicators."""

    pair: Pair
    list: FeatureList

    @cached_property
    def lines(self) -> Sequence[Line]:
        """Return every indicator in the order of the list."""
        names = {one.code: one.name for one in self.list.all}
        found = self.pair
        return [
            Line(code, names.get(code, {}), present, found.first[code], found.second[code], found.decided.get(code))
            for code, present in found.settled.items()
        ]

    @property
    def modules(self) -> Mapping[str, Sequence[Line]]:
        """Return the indicators by the criterion that they belong to."""
        grouped: dict[str, list[Line]] = {}
        for one in self.lines:
            grouped.setdefault(one.code.partition("-")[0], []).append(one)
        return grouped


def published(start: int, size: int) -> Sequence[Summary]:
    """Return so many of the published assessments from the one at *start* on, the last first."""
    every = Assessment.objects.filter(published_at__isnull=False).order_by("-published_at", "id").defer("codes")
    rows = {row.pk: row for row in every[start : start + size]}
    sums = {id_: counts for id_, *counts in fetch(SUMS, [list(rows)])}
    return [_summary(row, *sums[id_]) for id_, row in rows.items()]


def _summary(row: Assessment, size: int, same: int, first: int, second: int, present: int) -> Summary:
    return Summary(row, present, agreement.counted(same, size, first, second))


def count() -> int:
    """Return how many assessments are published."""
    ((found,),) = fetch(COUNT, [])
    return int(found)


def row(assessment: UUID) -> Assessment:
    """Return a published assessment; raise `NoSuchAssessment`."""
    found = PUBLISHED.first(assessment)
    if found is None:
        raise NoSuchAssessment
    return found


def of(row: Assessment) -> Result:
    """Return what a published assessment came to."""
    found = pair(row)
    if found is None:
        raise NoSuchAssessment
    return Result(row, sum(found.settled.values()), found.agreement, found, definition.listed(row.list))
