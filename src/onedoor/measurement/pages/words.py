"""Names, numbers and dates as people of the page's language write them."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from onedoor.kernel.text import pick
from onedoor.measurement.measured import Measured, Row
from onedoor.measurement.rules.sensitivity import Factor
from onedoor.measurement.world import World

NOTHING = "–"
MINUS = "\N{MINUS SIGN}"
NARROW = "\N{NARROW NO-BREAK SPACE}"
ENGLISH = "en"
MONTH = 7
"""Letters of a month such as 2018-07."""


def language() -> str:
    """Return the two letters of the page's language."""
    return (get_language() or ENGLISH)[:2]


def country(world: World, code: str) -> str:
    """Return the name of the country *code* as the page's language has it; in English the one of the United Nations."""
    own = world.countries.names.get(code, code)
    return own if language() == ENGLISH else _territories(language()).get(code, own)


@lru_cache
def _territories(code: str) -> dict[str, str]:
    return dict(Locale.parse(code).territories)


def pair(name: str, said: str) -> str:
    """Return what is *said* of a *name*, the colon set as the language sets it."""
    return f"{name}{NARROW if language() == 'fr' else ''}: {said}"


def number(value: Decimal | None) -> str:
    """Write *value* with all its digits."""
    if value is None:
        return NOTHING
    return str(value) if language() == ENGLISH else str(value).replace(".", ",")


def signed(value: Decimal) -> str:
    """Write a change with its sign."""
    return f"{MINUS if value < 0 else '+'}{number(abs(value))}"


def exactly(value: Fraction, digits: int) -> Decimal:
    """Return *value* to so many *digits*, halves to even."""
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(Decimal(1).scaleb(-digits)) + 0


def count(whole: int) -> str:
    """Write a whole number, its thousands set off."""
    return str(format_decimal(whole, locale=language()))


def percent(share: float) -> str:
    """Write *share* in whole percent."""
    return f"{100 * share:.0f}" + (f"{NARROW}%" if language() == "fr" else "%")


def rank(row: Row) -> str:
    """Write a rank, or the range it lies in."""
    if row.rank is None:
        return NOTHING
    return str(row.rank) if row.rank == row.worst else f"{row.rank}–{row.worst}"


def month(published: str) -> str:
    """Write a month or day such as 2018-07."""
    if len(published) > MONTH:
        return format_date(dt.date.fromisoformat(published), "long", locale=language())
    return format_date(dt.date.fromisoformat(f"{published}-01"), "LLLL y", locale=language())


def index(measured: Measured) -> str:
    """Return what the index is called."""
    return pick(measured.definition.data["name"], language())


def part(measured: Measured, name: str) -> str:
    """Return what a part of the index is called."""
    return pick(measured.definition.name_of(name), language())


def factor(measured: Measured, one: Factor) -> str:
    """Return what a factor of the rank's uncertainty is called."""
    name = part(measured, one.part) if one.part else ""
    return {
        "weight": _("weight of {part}"),
        "rounding": _("rounding of {part}"),
        "normalisation": _("normalisation"),
        "aggregation": _("aggregation"),
    }[one.kind].format(part=name)


def source(measured: Measured) -> str:
    """Return the sentence that names where the figures of an edition come from."""
    whole = measured.definition.data.get("source")
    edition = measured.definition.editions[measured.edition.edition].get("source")
    if not (whole and edition):
        return _("Source: none, the definition is illustrative.")
    return _("Source: {source}.").format(source=f"{whole.partition(',')[0]}, {edition}")
