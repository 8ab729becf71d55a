"""The plots of a page: what each shows, said in words too, and its picture wide and narrow."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from onedoor.kernel.text import pick, semicolons
from onedoor.measurement import drawing, plots
from onedoor.measurement.comparing import Development, development
from onedoor.measurement.measured import Measured
from onedoor.measurement.pages import words
from onedoor.measurement.pages.asking import Question, is_ranked
from onedoor.measurement.plots import NARROW, WIDE, Bar, Point, Spec, Square, Step
from onedoor.measurement.rules.sensitivity import Factor

BANDS = 4
KINDS = ("wide", "narrow")
SHOWN = 0.005
"""The share of the rank's variance below which a factor is not drawn."""


@dataclass(frozen=True)
class Plot:
    """A plot by its name: its title, what it shows in words, and its specification for a width."""

    name: str
    title: str
    said: str
    spec: Callable[[int], Spec]


@dataclass(frozen=True, slots=True)
class Needed:
    """What a part alone must become: from, to, and between which ends that lies in 5 % and 95 % of the fields.

    ``ends`` are what it must become, what it is, and the two ends, as shares of its scale.
    """

    name: str
    before: str
    after: str
    low: str
    high: str
    ends: tuple[Fraction, ...]


@dataclass(frozen=True)
class Figure:
    """A plot with its pictures; none when they cannot be drawn now."""

    plot: Plot
    pictures: Sequence[SafeString]


def drawn(found: Sequence[Plot]) -> Mapping[str, Figure]:
    """Return the figure of each of the plots *found*, by its name."""
    svgs = drawing.svgs([one.spec(width) for one in found for width in (WIDE, NARROW)])
    pairs = [(one, svgs[2 * place : 2 * place + 2]) for place, one in enumerate(found)]
    return {
        one.name: Figure(one, [_inline(one, svg, kind) for svg, kind in zip(two, KINDS, strict=True) if svg])
        for one, two in pairs
    }


def _inline(one: Plot, svg: str, kind: str) -> SafeString:
    opened = f'<svg class="drawn plot--{kind}" role="img" aria-labelledby="{one.name}-title {one.name}-said" '
    return mark_safe(svg.replace("<svg ", opened, 1))  # noqa: S308 - drawn by us, its texts made safe there


def history(asked: Question) -> Plot | None:
    """Return the plot of the country's ranks over the editions; None where it never had one."""
    points = []
    for year, measured in asked.shelf.editions.items():
        if is_ranked(measured, asked.code):
            row = measured.row(measured.table.places[asked.code])
            interval = asked.shelf.intervals(year).get(row.country)
            ends = (interval.low, interval.high) if interval else (None, None)
            points.append(Point(str(year), row.rank or 0, *ends))
    if not points:
        return None
    told = (_("{edition}: place {rank}").format(edition=one.label, rank=one.rank)
            + (f" ({one.low}–{one.high})" if one.low else "") for one in points)  # fmt: skip
    title = _("{country}: its rank over time, and how sure it is (5–95 %)").format(country=named(asked))
    return Plot("history", title, semicolons(told, words.language()), lambda width: plots.history(points, width))


def changes(asked: Question, before: Measured) -> tuple[Plot, Development]:
    """Return the waterfall from the edition *before* to this one, and the development it shows."""
    found = development(before, asked.measured, asked.code)
    pieces = list(_pieces(asked.measured, found))
    title = _("{country}: from {before} to {after}").format(
        country=named(asked), before=before.edition.edition, after=asked.year
    )
    said = semicolons((words.pair(label, told) for label, told, _amount in pieces), words.language())
    return Plot(
        "waterfall", title, said, lambda width: plots.waterfall(list(_steps(asked, before, found)), width)
    ), found


def _pieces(measured: Measured, found: Development) -> Iterator[tuple[str, str, Fraction]]:
    """Yield what a development is made of: its name, its amount as written and as it is."""
    for one in found.parts:
        name = words.part(measured, one.part)
        yield name, written(measured, one.value), one.value
        if one.weight:
            yield _("weight of {part}").format(part=name), written(measured, one.weight), one.weight
    if words.exactly(found.rounding, _digits(measured)):
        yield _("rounding"), written(measured, found.rounding), found.rounding


def written(measured: Measured, amount: Fraction) -> str:
    """Return *amount* of change with the digits of the published values."""
    return words.signed(words.exactly(amount, _digits(measured)))


def _digits(measured: Measured) -> int:
    return len(str(measured.figures.scale // measured.figures.step)) - 1


def _steps(asked: Question, before: Measured, found: Development) -> Iterator[Step]:
    old, new = _settled(before, asked.code), _settled(asked.measured, asked.code)
    yield Step(str(before.edition.edition), words.number(old), float(old), float(old), whole=True)
    now = Fraction(old)
    for label, said, amount in _pieces(asked.measured, found):
        yield Step(label, said, float(now), float(now + amount))
        now += amount
    yield Step(str(asked.year), words.number(new), float(new), float(new), whole=True)


def _settled(measured: Measured, code: str) -> Decimal:
    return measured.value(int(measured.standing.settled[measured.table.places[code]]))


def sensitivity(asked: Question, factors: Sequence[Factor]) -> Plot:
    """Return the plot of what moves the rank."""
    shown = [one for one in factors if one.total >= SHOWN]
    bars = [
        Bar(
            words.factor(asked.measured, one),
            words.percent(one.total),
            one.total,
            max(0.0, one.first),
            max(0.0, one.total - one.error),
            one.total + one.error,
        )
        for one in shown
    ]
    said = semicolons((words.pair(one.label, one.said) for one in bars), words.language())
    title = _("{country}, {edition}: what moves the rank").format(country=named(asked), edition=asked.year)
    return Plot("sensitivity", title, said, lambda width: plots.bars(bars, width))


def ways(asked: Question, place: int, found: Sequence[Needed]) -> Plot:
    """Return the plot of what each part alone must become for a *place*, and between which ends that lies."""
    bars = [Bar(one.name, one.after, *map(float, one.ends)) for one in found]
    told = (words.pair(one.name, f"{one.before} → {one.after} ({one.low}–{one.high})") for one in found)
    said = semicolons(told, words.language())
    title = _("{country}: what each part alone takes for place {place}").format(country=named(asked), place=place)
    return Plot("goal", title, said, lambda width: plots.bars(bars, width))


def tiles(asked: Question) -> Plot | None:
    """Return the plot of the map, whose width is what it needs; None where none of those ranked stands on one."""
    in_group = set() if asked.group is None else set(asked.members(asked.group))
    known = asked.shelf.tiles
    left = _offsets(asked)
    squares = [
        Square(
            left[tile.panel] + tile.column - 1,
            tile.row - 1,
            code,
            band(asked.measured, place),
            place in in_group,
            place == asked.place,
        )
        for code, place in asked.measured.table.places.items()
        if (tile := known.get(code))
    ]
    if not squares:
        return None
    group = f", {pick(asked.group.name, words.language())}" if asked.group else ""
    title = f"{words.index(asked.measured)}, {asked.year}{group}"
    return Plot("map", title, "", lambda _width: plots.tiles(squares, legend(asked.measured)))


def _offsets(asked: Question) -> Mapping[int, int]:
    """Return the columns left of each panel: they stand side by side, one column apart."""
    panels = sorted({tile.panel for tile in asked.shelf.tiles.values()})
    offsets, left = {}, 0
    for panel in panels:
        offsets[panel] = left
        left += max(tile.column for tile in asked.shelf.tiles.values() if tile.panel == panel) + 1
    return offsets


def band(measured: Measured, place: int) -> int:
    """Return in which quarter of the scale a country's value lies, from 1; 0 without a rank."""
    if not measured.standing.ranked[place]:
        return 0
    low, high = _ends(measured)
    value = measured.value(int(measured.standing.settled[place]))
    return min(BANDS, 1 + int(BANDS * (value - low) / (high - low)))


def legend(measured: Measured) -> list[tuple[int, str]]:
    """Return the bands, the highest first, with what they stand for."""
    low, high = _ends(measured)
    ends = [low + (high - low) * one / BANDS for one in range(BANDS + 1)]
    told = [f"{words.number(one.normalize())}–{words.number(two.normalize())}" for one, two in pairwise(ends)]
    found = [(one, told[one - 1]) for one in range(BANDS, 0, -1)]
    return found if measured.standing.ranked.all() else [*found, (0, _("no rank"))]


def _ends(measured: Measured) -> tuple[Decimal, Decimal]:
    root = measured.edition.root
    return root.minimum or Decimal(0), root.maximum or Decimal(1)


def named(asked: Question) -> str:
    """Return the country's name."""
    return words.country(asked.shelf.world, asked.code)
