"""An index of agencies as plain data, for programs: what JSON and CSV hold, in one language."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from onedoor.kernel.text import Text, gettext_noop, pick
from onedoor.measurement import counted
from onedoor.measurement.levels import AGENCY, NAMES, UNIT, Whose
from onedoor.measurement.national import PERCENT, Group, Indicator, Live, illustrative
from onedoor.measurement.rules import points
from onedoor.measurement.rules.points import Score

NOT_YET = gettext_noop("Nothing was counted then yet.")
NOTHING = gettext_noop("There was nothing to count.")
COLUMNS = (
    *("index", "edition", "rule", "agency", "administrative_unit", "level", "from", "on", "as_known_on"),
    *("group", "item", "id", "name", "value", "unit", "points", "of", "threshold"),
    *("numerator", "numerator_count", "denominator", "denominator_count"),
    *("measured", "why_not", "illustrative", "source"),
)
Translate = Callable[[str], str]
Plain = dict[str, Any]


def whose_name(whose: Whose, language: str, translate: Translate) -> str:
    """Return what the agency, unit or level is called."""
    return pick(whose.name, language) or translate(NAMES.get(whose.id, whose.id))


def why_not(indicator: Indicator) -> Text | str:
    """Return why an indicator is not measured: a text of its definition, or the key of a sentence of ours."""
    return indicator.data.get("unmeasured") or (NOT_YET if indicator.counts is None else NOTHING)


def measure_name(measure: str, translate: Translate) -> str:
    """Return what a measure counts, with the register it is narrowed to."""
    name, _, register = measure.partition(".")
    said = translate(counted.MEASURES[name])
    return f"{said} ({register})" if register else said


def plain(live: Live, language: str, translate: Translate) -> Plain:
    """Return the whole index; decimals are texts, what is not measured is null."""
    question, data = live.question, live.question.definition.data
    edition = question.definition.editions[question.year]
    return {
        "index": question.definition.id,
        "name": pick(data["name"], language),
        "edition": question.year,
        "rule": points.VERSION,
        "source": edition.get("source") or data.get("source"),
        "confidence": data.get("confidence"),
        "agency": question.whose.id if question.whose.kind == AGENCY else None,
        "administrative_unit": question.whose.id if question.whose.kind == UNIT else None,
        "level": question.whose.level,
        "whose": whose_name(question.whose, language, translate),
        "from": question.start.isoformat(),
        "on": question.on.isoformat(),
        "as_known_on": question.known.isoformat(),
        "counted_since": live.since.isoformat() if live.since else None,
        **_score(live, live.score),
        "illustrative": [pick(name, language) for name in illustrative(live)],
        "groups": [_group(live, group, language, translate) for group in live.groups],
    }


def _score(live: Live, score: Score) -> Plain:
    given = live.rounded(score.points) if score.measured else None
    return {"points": _decimal(given), "of_measured": score.measured, "of": score.most}


def _decimal(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def _group(live: Live, group: Group, language: str, translate: Translate) -> Plain:
    return {
        **_named(group.data, language),
        **_score(live, group.score),
        "indicators": [_indicator(live, one, language, translate) for one in group.indicators],
    }


def _named(data: Mapping[str, Any], language: str) -> Plain:
    return {"id": data["id"], "item": data.get("item"), "name": pick(data["name"], language)}


def _indicator(live: Live, one: Indicator, language: str, translate: Translate) -> Plain:
    data, why = one.data, None if one.measured else why_not(one)
    decimals = live.question.edition.decimals + (0 if one.is_time else len(str(PERCENT)) - 1)
    return {
        **_named(data, language),
        "value": None if one.value is None else str(points.rounded(one.value, decimals)),
        "unit": "minutes" if one.is_time else "share",
        "points": _decimal(live.rounded(one.score.points)) if one.measured and one.part.weight else None,
        "of": one.part.weight,
        "threshold": None if one.part.goal is None else str(one.part.goal),
        "numerator": _count(one, 0),
        "denominator": _count(one, 1),
        "measured": one.measured,
        "why_not": translate(why) if isinstance(why, str) else pick(why, language) if why else None,
        "formula": pick(data.get("formula", {}), language) or None,
        "note": pick(data.get("note", {}), language) or None,
        "illustrative": "illustrative" in data,
        "source": data.get("source"),
    }


def _count(one: Indicator, place: int) -> Plain | None:
    if "numerator" not in one.data:
        return None
    measure = one.data[("numerator", "denominator")[place]]
    return {"measure": measure, "count": None if one.counts is None else one.counts[place]}


def csv_text(whole: Plain) -> str:
    """Return `plain` data as CSV, a line for each indicator."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(_lines(whole))
    return out.getvalue()


def _lines(whole: Plain) -> Iterator[Plain]:
    shared = {key: whole[key] for key in COLUMNS[: COLUMNS.index("group")]}
    for group in whole["groups"]:
        for one in group["indicators"]:
            own = {key: one[key] for key in COLUMNS if key in one}
            for key in ("numerator", "denominator"):
                found = one[key] or {"measure": None, "count": None}
                own |= {key: found["measure"], f"{key}_count": found["count"]}
            yield {**shared, "group": group["id"], **own}
