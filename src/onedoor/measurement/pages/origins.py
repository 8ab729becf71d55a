"""How a figure came about: the line that was published, its file, and the rules by which the rest follows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from onedoor.kernel.text import pick
from onedoor.measurement import sheets
from onedoor.measurement import shelf as shelves
from onedoor.measurement.measured import Measured
from onedoor.measurement.pages import words
from onedoor.measurement.pages.asking import Question

SHORT = 12
"""Signs of a digest that tell one file from another."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The cells as published (column, value), where they stand, and what is computed from them by which rules."""

    file: str
    line: int
    cells: Sequence[tuple[str, str]]
    published: str
    note: str
    steps: Sequence[str]
    rules: Sequence[str]
    digests: Sequence[tuple[str, str]]


def origin(asked: Question) -> Origin:
    """Return how the figures of the country in the edition came about."""
    measured, definition = asked.measured, asked.shelf.definition
    line, cells = _line(asked)
    rules = {definition.id, *(group.id for group in asked.own_groups)}
    edition = definition.editions[asked.year]
    return Origin(
        file=measured.table.file.name,
        line=line,
        cells=cells,
        published=words.month(str(edition["published"])),
        note=edition.get("note", ""),
        steps=list(_steps(asked)),
        rules=list(_rules(asked)),
        digests=[
            (file.name, digest[:SHORT])
            for file, digest in asked.shelf.digests.items()
            if file == measured.table.file or file.stem in rules
        ],
    )


def _line(asked: Question) -> tuple[int, list[tuple[str, str]]]:
    """Return the number of the line that holds the country in the edition, and its cells by their columns."""
    measured = asked.measured
    sheet = sheets.read(measured.table.file, asked.shelf.definition, asked.shelf.world)
    wanted = (str(asked.year), measured.table.names[asked.place])
    names = zip(sheet.column("edition"), sheet.column("country"), strict=True)
    row = next(number for number, one in enumerate(names) if one == wanted)
    return sheet.lines[row], list(zip(sheet.header, sheet.rows[row], strict=True))


def _steps(asked: Question) -> Iterator[str]:
    """Yield how the value and the rank of the country are computed."""
    measured, row = asked.measured, asked.measured.row(asked.place)
    if row.value is None:
        yield _("It was not assessed, so nothing is computed.")
    if row.value is not None and measured.edition.root.exact:
        yield f"{_mean(measured, asked.place)} = {words.number(row.value)}"
    if row.agrees is not None:
        told = words.number(row.published_value)
        yield (
            _("Published: {value}. The two agree within the rounding of the parts.").format(value=told)
            if row.agrees
            else _("Published: {value}. The two differ by more than rounding explains.").format(value=told)
        )
    if row.rank is not None:
        above = row.rank - 1
        same = int((measured.standing.best[measured.ranked] == row.rank).sum()) - 1
        yield _("Rank {rank}: {above} of {count} countries have a higher value, {same} others the same.").format(
            rank=words.rank(row), above=above, count=len(measured.ranked), same=same
        )


def _mean(measured: Measured, place: int) -> str:
    figures, weights = measured.figures, measured.edition.weights
    columns = zip(weights, figures.parts[place], figures.steps, strict=True)
    even = len(set(weights)) == 1
    parts = [(weight, words.number(measured.decimal(int(value), step))) for weight, value, step in columns]
    above = " + ".join(value if even else f"{weight} × {value}" for weight, value in parts)
    return f"({above}) / {len(weights) if even else sum(weights)}"


def _rules(asked: Question) -> Iterator[str]:
    measured, edition = asked.measured, asked.measured.edition
    shares = (f"{words.part(measured, one.id)} {one.weight}" for one in edition.root.parts)
    yield _("Weights: {weights}.").format(weights=", ".join(shares))
    digits = len(str(measured.figures.scale // measured.figures.step)) - 1
    exactly = _("Values are rounded to {digits} decimals, halves up; whole numbers, no binary floats.")
    yield exactly.format(digits=digits)
    yield (
        _("Ranks stand on the published values; who has the same value shares the rank (1, 2, 2, 4).")
        if edition.ranked_on == "published"
        else _("Ranks stand on values that were not published: where rounding leaves a rank open, its range is told.")
    )
    if edition.zero_is_unassessed:
        yield _("A value of 0 beside parts that are not 0 means that the country was not assessed.")
    yield _(
        "How sure a rank is: {draws} draws, seed {seed}; weights by up to a quarter, four normalisations, "
        "three means, rounding undone."
    ).format(draws=words.count(shelves.DRAWS), seed=shelves.SEED)
    for group in asked.own_groups:
        members = len(asked.members(group))
        yield _("{group}: {count} members on {day}; {source}.").format(
            group=pick(group.name, words.language()),
            count=members,
            day=words.month(asked.shelf.definition.day(asked.year)),
            source=asked.shelf.world.groups[group.id].source or _("illustrative"),
        )
