"""What a register holds, in words: a field's JSON Schema names by ``codes`` what its values are codes of."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext, gettext_noop, override

from onedoor.kernel import clock, nation
from onedoor.kernel.nation import AGENCIES, UNITS, UnknownItem, UnknownUnit
from onedoor.kernel.text import Text, fold, pick, semicolons

Schema = Mapping[str, Any]
FORMATS = {"date": "%d/%m/%Y", "date-time": "%d/%m/%Y %H:%M"}
LOCAL = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?")
"""A moment in the nation's own time, for which JSON Schema has no format."""
YES, NO = gettext_noop("Yes"), gettext_noop("No")


def say(schema: Schema, value: Any) -> Text:  # noqa: ANN401 - what a register holds
    """Return *value* in words, in every language of the nation; empty for nothing."""
    if isinstance(value, Mapping):
        parts = schema.get("properties", {})
        return _joined(_commas, (say(part, value.get(name)) for name, part in parts.items()))
    if isinstance(value, list):
        return _joined(semicolons, (say(schema.get("items", {}), one) for one in value))
    if "codes" in schema and value:
        return _code(schema["codes"], str(value))
    form = "date-time" if LOCAL.fullmatch(str(value)) else schema.get("format")
    if form in FORMATS and value:
        return _everywhere(_moment(form, str(value)))
    if isinstance(value, bool):
        return _translated(YES if value else NO)
    return _everywhere("" if value is None else str(value))


def code_of(schema: Schema, words: str) -> str:
    """Return the code that *words* name in the list of *schema*, in any language, accents or not; else *words*."""
    listed = schema.get("codes", UNITS)
    if listed in (UNITS, AGENCIES):
        return words
    names = ((code, map(fold, item.name.values())) for code, item in nation.current().list(listed).items.items())
    return next((code for code, said in names if fold(words) in said), words)


def _everywhere(word: str) -> Text:
    return dict.fromkeys(nation.current().languages, word)


def _translated(key: str) -> Text:
    said = {}
    for language in nation.current().languages:
        with override(language):
            said[language] = gettext(key)
    return said


def _joined(join: Callable[[Iterable[str], str], str], parts: Iterable[Text]) -> Text:
    known = list(parts)
    return {
        language: join(filter(None, (pick(one, language) for one in known)), language)
        for language in nation.current().languages
    }


def _commas(texts: Iterable[str], _language: str) -> str:
    return ", ".join(texts)


def _code(of: str, code: str) -> Text:
    if of == AGENCIES:
        found = nation.current().agencies.get(code)
        return found.name if found else _everywhere(code)
    try:
        return _unit(code) if of == UNITS else nation.current().list(of).item(code).name
    except (UnknownItem, UnknownUnit):
        return _everywhere(code)


def _unit(code: str) -> Text:
    """Return the full name of a unit and of those above it."""
    today = nation.current().calendar.local(clock.now()).date()
    names, above = [], code
    while above:
        unit = nation.current().units.unit(above, today)
        names.append(unit.full_name)
        above = unit.parent
    return _joined(_commas, names)


def _moment(form: str, value: str) -> str:
    read = date.fromisoformat(value) if form == "date" else datetime.fromisoformat(value)
    return read.strftime(FORMATS[form])
