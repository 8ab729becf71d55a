"""What a register holds, in words: a field's JSON Schema names by ``codes`` what its values are codes of."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from onedoor.cases import directory, words
from onedoor.cases.context import everywhere
from onedoor.cases.views import AnswerView
from onedoor.kernel import clock, nation
from onedoor.kernel.nation import UnknownItem, UnknownUnit
from onedoor.kernel.text import Text, pick, semicolons

UNITS, AGENCIES = "units", "agencies"
Schema = Mapping[str, Any]
FORMATS = {"date": "%d/%m/%Y", "date-time": "%d/%m/%Y %H:%M"}


def told(register: str, records: Iterable[Mapping[str, Any]]) -> tuple[tuple[AnswerView, ...], ...]:
    """Return what each of *records* says, field by field in the register's order; what is empty is left out."""
    fields = directory.fields(register)
    return tuple(tuple(_lines(fields, record)) for record in records)


def _lines(fields: Mapping[str, Any], record: Mapping[str, Any]) -> Iterator[AnswerView]:
    for name, field in fields.items():
        said = say(field["schema"], record.get(name))
        if any(said.values()):
            yield AnswerView(name, field["name"], said, {})


def say(schema: Schema, value: Any) -> Text:  # noqa: ANN401 - what a register holds
    """Return *value* in words, in every language of the nation; empty for nothing."""
    if isinstance(value, Mapping):
        parts = schema.get("properties", {})
        return _joined(_commas, (say(part, value.get(name)) for name, part in parts.items()))
    if isinstance(value, list):
        return _joined(semicolons, (say(schema.get("items", {}), one) for one in value))
    if "codes" in schema and value:
        return _code(schema["codes"], str(value))
    if schema.get("format") in FORMATS and value:
        return everywhere(_moment(schema["format"], str(value)), nation.current().languages)
    return words.say("text", value)


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
        return directory.agency_name(code)
    try:
        return _unit(code) if of == UNITS else nation.current().list(of).item(code).name
    except (UnknownItem, UnknownUnit):
        return everywhere(code, nation.current().languages)


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
