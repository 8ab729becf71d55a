"""What the pages of an index show in rows: each a small record of texts as people read them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from onedoor.kernel.text import fold, pick
from onedoor.measurement import comparing
from onedoor.measurement.comparing import Development
from onedoor.measurement.measured import Measured, Row
from onedoor.measurement.pages import asking, downloads, pictures, words
from onedoor.measurement.pages.asking import Question
from onedoor.measurement.rules.sensitivity import Factor

RANK, COUNTRY, VALUE = "rank", "country", "value"
LAST = 10**6
NEAR = 6
"""The most columns of a map in large."""


@dataclass(frozen=True, slots=True)
class Line:
    """A country in a table."""

    code: str
    name: str
    row: Row
    rank: str
    place: str
    parts: Sequence[str]
    own: bool


@dataclass(frozen=True, slots=True)
class Edition:
    """A country in one edition."""

    year: int
    row: Row
    rank: str
    interval: str
    places: Sequence[str]


@dataclass(frozen=True, slots=True)
class MapTile:
    """A country on the map of a page."""

    code: str
    said: str
    rank: str
    look: str


def headline(asked: Question) -> str:
    """Return the answer to where the country stands."""
    row = asked.measured.row(asked.place)
    facts = {"country": pictures.named(asked), "edition": asked.year, "count": len(asked.measured.ranked)}
    if row.rank is None:
        return _("{country} has no rank in {edition}").format(**facts)
    return _("{country}: place {rank} of {count} in {edition}").format(rank=words.rank(row), **facts)


def key_figures(asked: Question) -> Iterator[tuple[str, str]]:
    """Yield the figures that matter most, each with what it is."""
    row, shelf = asked.measured.row(asked.place), asked.shelf
    yield words.number(row.published_value), _("{index}, published").format(index=words.index(asked.measured))
    if interval := shelf.intervals(asked.year).get(row.country):
        told = f"{interval.low}–{interval.high}"
        yield told, _("how sure the rank is (5–95 %)")
    for group in asked.own_groups:
        members = asked.members(group)
        if place := asked.measured.group_ranks(members).get(row.country):
            name = pick(group.name, words.language())
            yield str(place), _("place in {group}, of {count}").format(group=name, count=len(members))


def history(asked: Question) -> Iterator[Edition]:
    """Yield the country in each edition that has it, the latest first."""
    shelf = asked.shelf
    for year, measured in reversed(list(shelf.editions.items())):
        place = measured.table.places.get(asked.code)
        if place is None:
            continue
        row = measured.row(place)
        interval = shelf.intervals(year).get(row.country)
        ranks = [measured.group_ranks(shelf.groups(year).get(group.id, [])) for group in asked.own_groups]
        yield Edition(
            year,
            row,
            words.rank(row),
            f"{interval.low}–{interval.high}" if interval else words.NOTHING,
            [str(one.get(row.country, words.NOTHING)) for one in ranks],
        )


def orders(measured: Measured) -> list[str]:
    """Return the columns that a table can be sorted by; with a dash before it from the other end."""
    names = [RANK, COUNTRY, VALUE, *measured.edition.indicators]
    return [*names, *(f"-{one}" for one in names)]


def columns(measured: Measured) -> list[tuple[str, str]]:
    """Return the columns that a table can be sorted by and what each is called."""
    found = [(RANK, _("rank")), (COUNTRY, _("country")), (VALUE, _("published"))]
    return [*found, *((one, words.part(measured, one)) for one in measured.edition.indicators)]


def lines(asked: Question, order: str, searched: str) -> list[Line]:
    """Return the countries that are shown and whose name holds what is *searched*, in their *order*."""
    measured = asked.measured
    places = asking.shown(asked)
    ranks = measured.group_ranks(places) if asked.group else {}
    meant = asking.meant(measured, searched) if searched else None
    found = [(_line(asked, place, ranks), place) for place in places]
    kept = [one for one in found if not searched or searched in fold(one[0].name) or one[0].code == meant]
    kept.sort(key=lambda one: _order(measured, order.lstrip("-"), *one), reverse=order.startswith("-"))
    return [line for line, _place in kept]


def _line(asked: Question, place: int, ranks: Mapping[str, int]) -> Line:
    measured = asked.measured
    row, code = measured.row(place), measured.table.codes[place]
    return Line(
        code,
        words.country(asked.shelf.world, code),
        row,
        words.rank(row),
        str(ranks.get(row.country, words.NOTHING)),
        [_written(one) for one in downloads.parts(measured, place).values()],
        place == asked.place,
    )  # fmt: skip


def _written(value: str | None) -> str:
    if value is None:
        return words.NOTHING
    return value if words.language() == words.ENGLISH else value.replace(".", ",")


def _order(measured: Measured, name: str, line: Line, place: int) -> tuple[Any, ...]:
    """Return by what a line is sorted: values from the highest, everything else from the first."""
    if name == COUNTRY:
        return (fold(line.name),)
    if name == VALUE:
        return (-(line.row.published_value or 0), fold(line.name))
    if name == RANK:
        return (line.row.rank or LAST, fold(line.name))
    return (-int(measured.figures.parts[place, measured.edition.indicators.index(name)]), fold(line.name))


def countries(asked: Question) -> list[tuple[str, str]]:
    """Return the code and name of every country of the edition, by name."""
    codes = asked.measured.table.codes
    found = ((code, words.country(asked.shelf.world, code)) for code in codes)
    return sorted(found, key=lambda one: fold(one[1]))


def squares(asked: Question) -> list[list[MapTile]]:
    """Return the panels of the map, each with its tiles; of a group alone its members."""
    measured, tiles = asked.measured, asked.shelf.tiles
    shown = set(asking.shown(asked))
    panels: dict[int, list[MapTile]] = {}
    for code, place in measured.table.places.items():
        if tile := tiles.get(code):
            member = " is-member" if asked.group and place in shown else ""
            panels.setdefault(tile.panel, []).append(_tile(asked, place, f"x{tile.column} y{tile.row}{member}"))
    return [panels[one] for one in sorted(panels)]


def near(asked: Question) -> list[MapTile]:
    """Return the tiles of a group's members alone, for a map of it in large; none where they stand far apart."""
    codes = asked.measured.table.codes
    tiles = ((place, asked.shelf.tiles.get(codes[place])) for place in asking.shown(asked))
    known = [(place, tile) for place, tile in tiles if tile]
    if asked.group is None or len({tile.panel for _place, tile in known}) != 1:
        return []
    left, top = (min(ends) - 1 for ends in zip(*((tile.column, tile.row) for _place, tile in known), strict=True))
    if max(tile.column for _place, tile in known) - left > NEAR:
        return []
    return [_tile(asked, place, f"x{tile.column - left} y{tile.row - top}") for place, tile in known]


def _tile(asked: Question, place: int, where: str) -> MapTile:
    row, code = asked.measured.row(place), asked.measured.table.codes[place]
    value, rank = words.number(row.published_value), words.rank(row)
    own = " is-own" if place == asked.place else ""
    said = words.pair(words.country(asked.shelf.world, code), f"{value}, {rank}")
    return MapTile(code, said, rank, f"{where} b{pictures.band(asked.measured, place)}{own}")


def change(asked: Question, found: Development) -> Mapping[str, Any]:
    """Return what a change is made of, as rows."""
    measured = asked.measured
    return {
        "before": found.before,
        "after": found.after,
        "parts": [
            (words.part(measured, one.part), *(pictures.written(measured, by) for by in (one.value, one.weight)))
            for one in found.parts
        ],
        "rounding": pictures.written(measured, found.rounding),
        "weights": any(one.weight for one in found.parts),
    }  # fmt: skip


def peers(asked: Question) -> Mapping[str, Any]:
    """Return who stands nearest, who is above in every part, and who has the best of each."""
    found = comparing.peers(asked.measured, asked.code)
    codes = dict(zip(asked.measured.table.names, asked.measured.table.codes, strict=True))

    def line(row: Row) -> Line:
        return _line(asked, asked.measured.table.places[codes[row.country]], {})

    return {
        "nearest": [_line(asked, asked.place, {}), *map(line, found.nearest)],
        "above": [line(row) for row in found.above],
        "best": [(words.part(asked.measured, part), line(row)) for part, row in found.best.items()],
        "at_frontier": found.at_frontier,
        "parts": [words.part(asked.measured, one) for one in asked.measured.edition.indicators],
    }


def factors(asked: Question, found: Sequence[Factor]) -> Iterator[tuple[str, str, str, str]]:
    """Yield what moves the rank: its name, its share alone, in all it works with, and how far that may be off."""
    for one in found:
        if one.total >= pictures.SHOWN:
            shares = (words.percent(max(0.0, share)) for share in (one.first, one.total, one.error))
            yield (words.factor(asked.measured, one), *shares)  # type: ignore[misc]
