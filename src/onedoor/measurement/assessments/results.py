"""What is published of assessments: the value, how far the two agreed, and each indicator with its evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from uuid import UUID

from django.db.models import QuerySet

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
from onedoor.store.rows import Rows, fetch

COUNT = "SELECT count(*) FROM measurement_assessment WHERE published_at IS NOT NULL"
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
class Result:
    """A published assessment."""

    row: Assessment
    pair: Pair
    list: FeatureList

    @cached_property
    def unit(self) -> Unit | None:
        """Return the unit as it was when the assessment was opened."""
        country = nation.current()
        try:
            return country.units.unit(self.row.unit, country.calendar.local(self.row.opened_at).date())
        except UnknownUnit:
            return None

    @property
    def name(self) -> Text | str:
        """Return what the unit was called."""
        return (self.unit.full_name or self.unit.name) if self.unit else self.row.unit

    @cached_property
    def present(self) -> int:
        """Return how many indicators are there."""
        return sum(self.pair.settled.values())

    @property
    def value(self) -> Fraction:
        """Return the share of indicators that are there (UN E-Government Survey 2022, annex: 1 where found, else 0)."""
        return Fraction(self.present, len(self.row.codes))

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


def published() -> QuerySet[Assessment]:
    """Return the published assessments, the last first."""
    return Assessment.objects.filter(published_at__isnull=False).order_by("-published_at", "id")


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
    return Result(row, found, definition.listed(row.list))
