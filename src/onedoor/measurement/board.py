"""The board of stages: each service on each scale, by definition and as a run proved it; what real cases show."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property, lru_cache

from onedoor.kernel import nation
from onedoor.kernel.nation import Nation
from onedoor.kernel.text import Text, pick
from onedoor.measurement import proving
from onedoor.measurement.models import Run
from onedoor.procedures import service as procedures
from onedoor.procedures.service import Scale, Service, Standing
from onedoor.store.rows import fetch, fetch_each

LAST_PASSED = "SELECT max(entry) FROM measurement_run WHERE passed"
LAST_ENDED = """
SELECT id, passed FROM measurement_run WHERE service = %s AND passed IS NOT NULL ORDER BY ended_at DESC, id DESC LIMIT 1
"""
DAYS = "SELECT day, away, ended FROM measurement_ended WHERE service = %s ORDER BY day DESC LIMIT %s"
SHARES = "SELECT service, sum(away), sum(ended) FROM measurement_ended WHERE service = ANY(%s) GROUP BY service"


@dataclass(frozen=True, slots=True)
class Share:
    """Of the real cases that ended, how many did without a visit."""

    away: int = 0
    ended: int = 0

    @property
    def percent(self) -> Decimal | None:
        """Return the share of hundred, to a tenth; nothing where no case ended."""
        return (Decimal(100 * self.away) / self.ended).quantize(Decimal("0.1")) if self.ended else None


NO_CASE = Share()


@dataclass(frozen=True)
class Row:
    """A service on a scale; ``run`` passed last on this definition; ``earlier``: one passed, but only on another.

    ``results`` are the kinds that any run on this definition delivered.
    """

    service: Service
    digest: str
    standing: Standing
    run: Run | None
    earlier: bool
    results: frozenset[str]

    @property
    def shown(self) -> Sequence[str]:
        """Return the conditions that the run showed."""
        return self.run.shown if self.run else ()

    @cached_property
    def proved(self) -> int:
        """Return the level that the run proved, 0 without one."""
        return proving.proved(self.standing.scale, self.standing.level, self.shown)

    @property
    def proved_name(self) -> Text:
        """Return the name of the proved level."""
        return level_name(self.standing.scale, self.proved)

    @cached_property
    def unshown(self) -> tuple[str, ...]:
        """Return the conditions that hold by definition and that the run did not show."""
        return proving.unshown(self.standing.scale, self.standing.level, self.shown)


def level_name(scale: Scale, level: int) -> Text:
    """Return what a level of a scale is called; 0 is below the lowest."""
    return scale.levels[level - 1].name if level else scale.below


@dataclass(frozen=True, slots=True)
class Counted:
    """How many services stand on the highest level of a scale, by definition and proved, of all."""

    scale: Scale
    all: int
    highest: int
    proved: int


@dataclass(frozen=True)
class Board:
    """The rows in the order of the services' titles in one language, and what they come to on each scale."""

    rows: tuple[Row, ...]
    counted: tuple[Counted, ...]
    passed: str
    """What `last_passed` said when it was made."""


def board(on: date, scales: Iterable[Scale], language: str) -> Board:
    """Return every service in force on a day on each of *scales*, with what proves it; kept until a run passes."""
    return _board(str(nation.current().path), on, tuple(scale.id for scale in scales), language, last_passed())


def last_passed() -> str:
    """Return the ledger's entry of the run that was judged last to have passed: when it changes, so may the board."""
    ((entry,),) = fetch(LAST_PASSED, [])
    return entry or ""


@lru_cache(maxsize=32)
def _board(_files: str, on: date, wanted: tuple[str, ...], language: str, passed: str) -> Board:
    found = sorted(_rows(on, wanted), key=lambda row: (pick(row.service.title, language), row.service.id))
    scales = [scale for scale in procedures.scales() if scale.id in wanted]
    return Board(tuple(found), tuple(_counted(scale, found) for scale in scales), passed)


def _counted(scale: Scale, every: Sequence[Row]) -> Counted:
    own = [row for row in every if row.standing.scale.id == scale.id]
    proved = sum(row.proved == len(scale.levels) for row in own)
    return Counted(scale, len(own), sum(row.standing.highest for row in own), proved)


def _rows(on: date, wanted: Sequence[str]) -> list[Row]:
    found = [one for one in nation.current().once(_standings) if one[0].in_force(on)]
    passed = Run.objects.filter(passed=True)
    proofs: dict[str, list[Run]] = defaultdict(list)
    for run in passed.filter(digest__in=[digest for _, digest, _ in found]):
        proofs[run.digest].append(run)
    ran = set(passed.order_by().values_list("service", flat=True).distinct())
    return [
        _row(service, digest, standing, proofs.get(digest, []), ran=service.id in ran)
        for service, digest, standings in found
        for standing in standings
        if standing.scale.id in wanted
    ]


def _row(service: Service, digest: str, standing: Standing, runs: Sequence[Run], *, ran: bool) -> Row:
    results = frozenset(kind for run in runs for kind in run.results)
    return Row(service, digest, standing, runs[-1] if runs else None, ran and not runs, results)


def _standings(_country: Nation) -> list[tuple[Service, str, list[Standing]]]:
    """Return what never changes while a nation's files do not: every version's digest and place on every scale."""
    scales = procedures.scales()
    return [
        (one, procedures.digest(one), [procedures.standing(scale, one) for scale in scales])
        for one in procedures.versions()
    ]


def shares(services: Iterable[str]) -> Mapping[str, Share]:
    """Return the achieved share of each of *services* over all days; `NO_CASE` stands for what is not there."""
    return {service: Share(away, ended) for service, away, ended in fetch(SHARES, [list(set(services))])}


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of a service beside its definition: its last run, its real cases, in all and by their last days."""

    passed: str
    run: tuple[str, bool] | None
    share: Share
    days: tuple[tuple[date, Share], ...]


def told(service_id: str, most: int) -> Told:
    """Return what is known of a service, with *most* days at most: one look at the database."""
    own = [service_id]
    ((passed,),), run, share, days = fetch_each(
        (LAST_PASSED, []), (LAST_ENDED, own), (SHARES, [own]), (DAYS, [service_id, most])
    )
    shares = [Share(away, ended) for _, away, ended in share] or [NO_CASE]
    by_day = tuple((day, Share(away, ended)) for day, away, ended in days)
    return Told(passed or "", (str(run[0][0]), run[0][1]) if run else None, shares[0], by_day)


def last_run(service_id: str) -> Run | None:
    """Return the last run of a service that ended, passed or not."""
    return Run.objects.filter(service=service_id, passed__isnull=False).order_by("ended_at", "id").last()
