"""Dates, times and limits as people write them in each language."""

import datetime as dt
from functools import lru_cache
from typing import Literal

from babel import Locale
from babel.dates import format_date, format_time, get_day_names
from babel.numbers import format_decimal
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

NARROW = "\u202f"
HARD = "\u00a0"


def language() -> str:
    """Return the two letters of the page's language."""
    return (get_language() or "en")[:2]


@lru_cache
def _locale(code: str) -> Locale:
    return Locale.parse(code)


def date(day: dt.date) -> str:
    """Write a day: 08/12/2026, 8 December 2026, 8 décembre 2026."""
    code = language()
    if code == "vi":
        return f"{day:%d/%m/%Y}"
    text = format_date(day, "d MMMM y", locale=_locale(code))
    return "1er" + text[1:] if code == "fr" and day.day == 1 else text


def weekday(day: dt.date, width: Literal["wide", "abbreviated"] = "wide") -> str:
    """Write the day of the week in running text: thứ Ba, Tuesday, mardi; *width* may be ``abbreviated``."""
    code = language()
    if code == "vi":
        return "Chủ nhật" if day.weekday() == 6 else f"thứ {('Hai', 'Ba', 'Tư', 'Năm', 'Sáu', 'Bảy')[day.weekday()]}"  # noqa: PLR2004
    return str(get_day_names(width, locale=_locale(code))[day.weekday()])


def time(moment: dt.time | dt.datetime) -> str:
    """Write a time of day: 17:00, 5 pm, 17 h."""
    clock, code = local(moment) if isinstance(moment, dt.datetime) else moment, language()
    if code == "fr":
        return f"{clock.hour}{HARD}h" + (f"{HARD}{clock.minute:02}" if clock.minute else "")
    if code == "en":
        pattern = "h:mm" if clock.minute else "h"
        return format_time(clock, pattern, locale="en") + HARD + ("am" if clock.hour < 12 else "pm")  # noqa: PLR2004
    return f"{clock:%H:%M}"


def moment(value: dt.datetime) -> str:
    """Write a moment: 17:00 thứ Ba 08/12/2026; 8 December 2026, 5 pm; 8 décembre 2026, 17 h."""
    here = local(value)
    if language() == "vi":
        return f"{time(here)} {weekday(here)} {date(here)}"
    return f"{date(here)}, {time(here)}"


def local(value: dt.datetime) -> dt.datetime:
    """Return *value* in the nation's zone."""
    from django.utils import timezone

    return timezone.localtime(value) if value.tzinfo else value


def limit(text: str) -> str:
    """Write a limit such as ``3wd``, ``24h`` or ``10min`` in words."""
    amount, unit = int("".join(c for c in text if c.isdigit())), "".join(c for c in text if c.isalpha())
    if not amount:
        return _("the same day")
    words = {
        "min": ngettext("%(n)s minute", "%(n)s minutes", amount),
        "h": ngettext("%(n)s hour", "%(n)s hours", amount),
        "wh": ngettext("%(n)s working hour", "%(n)s working hours", amount),
        "wd": ngettext("%(n)s working day", "%(n)s working days", amount),
        "d": ngettext("%(n)s day", "%(n)s days", amount),
    }
    return words[unit] % {"n": amount}


def number(value: float) -> str:
    """Write a number with the language's own signs: 1,5 or 1.5."""
    return format_decimal(value, locale=_locale(language()))


def size(count: int) -> str:
    """Write the size of a file: 96 KB."""
    return _("%(n)s KB") % {"n": max(1, round(count / 1024))}
