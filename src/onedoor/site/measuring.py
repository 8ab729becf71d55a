"""What ``onedoor measure`` says to people, in their language."""

import os
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from onedoor.kernel.text import pick, semicolons
from onedoor.measurement.goal import PartChange
from onedoor.measurement.rules.sensitivity import Factor
from onedoor.measurement.service import Certainty, Goal, Interval, Measured, Row, Way
from onedoor.measurement.world import Group
from onedoor.site.measuring_json import lies
from onedoor.site.messages import gettext_noop, language
from onedoor.site.messages import text as _

NO_TERMINAL = 120
NOTHING = "–"
AT_LOW, AT_HIGH = "5 %", "95 %"
SOURCES = {
    "weights": gettext_noop("weights, each by up to a quarter"),
    "normalisation": gettext_noop("normalisation: as published, min-max, z-score, rank"),
    "aggregation": gettext_noop("aggregation: arithmetic, geometric, harmonic mean"),
    "rounding": gettext_noop("rounding of what was published"),
}
FACTORS = {
    "weight": gettext_noop("weight of {part}"),
    "rounding": gettext_noop("rounding of {part}"),
    "normalisation": gettext_noop("normalisation"),
    "aggregation": gettext_noop("aggregation"),
}


def undecided(measured: Measured, rows: Sequence[Row]) -> Iterator[str]:
    """Yield a sentence for each rank that the data cannot decide."""
    for row in rows:
        if row.rank != row.worst:
            yield _(
                "{edition}: ranks stand on values that were not published; {country} has one from {best} to {worst}, "
                "its values to {digits} decimals do not decide which.",
                edition=measured.edition.edition,
                country=row.country,
                best=row.rank,
                worst=row.worst,
                digits=len(str(measured.figures.scale // measured.figures.step)) - 1,
            )


def show_rows(measured: Measured, rows: Sequence[Row], group: Group | None, places: Mapping[str, int]) -> None:
    """Print the table of *rows*, with the *places* that members have in their *group*."""
    columns = [_("rank"), *([_said(group.name)] if group else []), _("country"), _("recomputed")]
    columns += [_("published"), _("published rank"), _("agree")]
    table = Table(title=_title(measured))
    for column, name in enumerate(columns):
        table.add_column(name, justify="left" if name in (_("country"), _("agree")) and column else "right")
    for row in rows:
        place = [str(places.get(row.country, NOTHING))] if group else []
        table.add_row(
            _range(row), *place, Text(row.country), _number(row.value), _number(row.published_value),
            str(row.published_rank or NOTHING), _yes(row.agrees), style="bold" if row.agrees is False else "",
        )  # fmt: skip
    _console().print(table)
    differ, silent = sum(row.agrees is False for row in rows), sum(row.agrees is None for row in rows)
    told = [_("Rows: {n}; not in agreement with what was published: {differ}.", n=len(rows), differ=differ)]
    if silent:
        told.append(_("Not assessed, as the index is 0 beside parts that are not, or left blank: {n}.", n=silent))
    _say(*told, *undecided(measured, rows), _source(measured))


def show_goal(measured: Measured, goal: Goal) -> None:
    """Print what it takes."""
    of_group = f" ({_said(goal.group.name)})" if goal.group else ""
    told = [
        _(
            "{country}, {edition}: place {now}{group} with {value}.",
            country=goal.country,
            edition=measured.edition.edition,
            now=goal.now,
            group=of_group,
            value=_number(goal.value),
        )
    ]
    if goal.year:
        told.append(_("Rivals move on their trend to {year}.", year=goal.year))
        if not goal.measured:
            told.append(
                _("Two editions do not show how far a trend misses: how differently countries moved stands for it.")
            )
    if goal.reached:
        _say(*told, _("Place {place} is reached without a change.", place=goal.place), _source(measured))
        return
    told.append(
        _("Place {place} takes {needed}. Each of these reaches it:", place=goal.place, needed=_number(goal.needed))
    )
    ways = [*goal.alone, *([goal.together] if goal.together else [])]
    told += [f"- {_way(measured, way)}" for way in ways]
    told += [
        _(
            "{part} alone does not reach it: at its highest it gives place {most}.",
            part=_part(measured, one.part),
            most=one.most,
        )
        for one in goal.blocked
    ]
    _say(*told, _source(measured))


def show_interval(measured: Measured, found: Certainty, moved: Sequence[Factor] | None) -> None:
    """Print the interval, each source of uncertainty alone, and what moves the rank."""
    table = Table(_("what is uncertain"), AT_LOW, _("median"), AT_HIGH, title=f"{found.country}: {_title(measured)}")
    table.add_row(_("all of it"), *_interval(found.interval))
    for source, one in found.alone.items():
        table.add_row(_(SOURCES[source]), *_interval(one))
    _console().print(table)
    told = [_("{draws} draws, seed {seed}.", draws=found.draws, seed=found.seed)]
    where = {
        "inside": gettext_noop("The published rank, {rank}, lies inside the interval."),
        "better": gettext_noop("The published rank, {rank}, is better than the interval."),
        "worse": gettext_noop("The published rank, {rank}, is worse than the interval."),
    }
    if place := lies(found):
        told.append(_(where[place], rank=found.published_rank))
    _say(*told, _source(measured))
    if moved is not None:
        _show_factors(measured, moved)


def _show_factors(measured: Measured, moved: Sequence[Factor]) -> None:
    if not moved:
        _say(_("Nothing of it moves the rank."))
        return
    table = Table(_("what moves the rank"), _("alone"), _("in all"), title=_("Sobol indices"))
    for one in moved:
        name = _(FACTORS[one.kind], part=_part(measured, one.part)) if one.part else _(FACTORS[one.kind])
        table.add_row(name, _float(one.first), f"{_float(one.total)} ± {_float(one.error)}")
    _console().print(table)


def _way(measured: Measured, way: Way) -> str:
    parts = semicolons((_change(measured, one) for one in way.parts), language())
    told = _("{changes}: {value}, place {rank}.", changes=parts, value=_number(way.value), rank=way.rank)
    if way.chance is None:
        return told
    chance = _("It is enough in {share} of the fields drawn around the trend.", share=f"{100 * way.chance:.0f} %")
    if len(way.parts) > 1:
        return f"{told} {chance}"
    spread = _(
        "From {low} ({at_low}) to {high} ({at_high}).",
        at_low=AT_LOW,
        at_high=AT_HIGH,
        low=_number(way.low) if way.low is not None else _("out of reach"),
        high=_number(way.high) if way.high is not None else _("out of reach"),
    )
    return f"{told} {chance} {spread}"


def _change(measured: Measured, one: PartChange) -> str:
    facts = {"part": _part(measured, one.part), "before": _number(one.before), "after": _number(one.after)}
    if one.features is None:
        return _("{part} from {before} to {after} (+{change})", change=_number(one.after - one.before), **facts)
    return _("{part} from {before} to {after} (+{n} of {of} features)", n=one.features, of=one.of, **facts)


def _title(measured: Measured) -> str:
    return f"{_said(measured.definition.data['name'])} {measured.edition.edition}"


def _source(measured: Measured) -> str:
    source = measured.definition.editions[measured.edition.edition].get("source")
    whole = measured.definition.data.get("source")
    if not (source and whole):
        return _("Source: none, the definition is illustrative.")
    return _("Source: {source}.", source=f"{whole.partition(',')[0]}, {source}")


def _part(measured: Measured, part: str) -> str:
    return _said(measured.definition.name_of(part))


def _said(text: Mapping[str, str]) -> str:
    return pick(text, language())


def _range(row: Row) -> str:
    if row.rank is None:
        return NOTHING
    return str(row.rank) if row.rank == row.worst else f"{row.rank}–{row.worst}"


def _yes(agrees: bool | None) -> str:
    return NOTHING if agrees is None else _("yes") if agrees else _("no")


def _number(value: Decimal | None) -> str:
    """Return *value* as people of the language write it: with a comma but in English."""
    if value is None:
        return NOTHING
    return str(value) if language() == "en" else str(value).replace(".", ",")


def _float(value: float) -> str:
    return _number(Decimal(f"{value:.2f}") + 0)  # no minus before nothing


def _interval(one: Interval) -> tuple[str, str, str]:
    return str(one.low), str(one.median), str(one.high)


def _console() -> Console:
    return Console(width=None if os.isatty(1) else NO_TERMINAL)


def _say(*sentences: str) -> None:
    for sentence in sentences:
        print(sentence)
