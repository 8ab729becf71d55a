"""Identifiers by the scheme of a register: made, read and compared with a record, purely."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol, Self

from onedoor.kernel.said import said
from onedoor.registers.paths import first

CENTURY_DIGITS = 2
FIRST_CENTURY = 19


class Draw(Protocol):
    """What making an identifier needs from outside."""

    def province_of(self, code: str) -> str:
        """Return the code of the province in which the unit *code* lies."""

    def serial(self, scope: str) -> int:
        """Return the next number of *scope*."""

    def digits(self, count: int) -> str:
        """Return *count* random digits."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an identifier: its kind, what it is made from, its width in signs (0: as it comes)."""

    kind: str
    of: tuple[str, ...] = ()
    width: int = 0
    year: str = ""
    text: str = ""

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """Return the part that a line of the file describes, such as ``{year: born, width: 2}``."""
        kind = next(key for key in KINDS if key in data)
        value = data[kind]
        if kind == "text":
            return cls(kind, text=value)
        if kind == "random":
            return cls(kind, width=value)
        of = tuple(value) if isinstance(value, list) else (value,)
        return cls(kind, of, data.get("width", 0), data.get("year", "") if kind == "serial" else "")

    def scope(self, register: str, record: Mapping[str, Any]) -> str:
        """Return what a serial number counts within, such as ``births:commune-00199:2026``."""
        return ":".join([register, *(str(first(record, path)) for path in self.of), _year(record, self.year)])


@dataclass(frozen=True, slots=True)
class Identifier:
    """The scheme of a register's identifier: the field it stands in and its parts."""

    field: str
    parts: tuple[Part, ...]

    @property
    def drawn(self) -> bool:
        """Return whether chance has a part in it, so that trying again gives another."""
        return any(part.kind == "random" for part in self.parts)

    def make(self, register: str, record: Mapping[str, Any], draw: Draw) -> str:
        """Return a new identifier for *record*; raise ValueError when a part cannot be made from it."""
        return "".join(_MAKE[part.kind](part, record, draw, register) for part in self.parts)

    def agrees(self, record: Mapping[str, Any]) -> bool:
        """Return whether the identifier in *record* is one the scheme could have given to it, if it gives it any."""
        try:
            if all(part.kind in _FIXED or part.width for part in self.parts):
                return self._agrees_by_place(record)
            return self._match(record) is not None
        except ValueError:
            return False

    def _agrees_by_place(self, record: Mapping[str, Any]) -> bool:
        """Return what `agrees` does where every part has its width: no pattern is put together for each record."""
        text, place = str(record.get(self.field, "")), 0
        for part in self.parts:
            if part.kind in _FIXED:
                fixed = _FIXED[part.kind](part, record)
                if not text.startswith(fixed, place):
                    return False
                place += len(fixed)
            else:
                digits = text[place : place + part.width]
                if len(digits) < part.width or not (digits.isascii() and digits.isdigit()):
                    return False
                place += part.width
        return place == len(text)

    def serial_of(self, register: str, record: Mapping[str, Any]) -> tuple[str, int] | None:
        """Return scope and value of the serial number inside the identifier of *record*, if it has one."""
        part = next((part for part in self.parts if part.kind == "serial"), None)
        found = self._match(record) if part else None
        return (part.scope(register, record), int(found["serial"])) if part and found else None

    def _match(self, record: Mapping[str, Any]) -> re.Match[str] | None:
        pattern = "".join(_pattern(part, record) for part in self.parts)
        return re.fullmatch(pattern, str(record.get(self.field, "")))


def century_sex(born: str, sex: str) -> str:
    """Return the digit for century and sex: 0 and 1 for men and women of the 20th century, 2 and 3 for the 21st."""
    digit = 2 * (int(born[:2]) - FIRST_CENTURY) + (sex == "F")
    if digit not in range(10) or sex not in ("M", "F"):
        raise ValueError(said("there is no digit for this century and sex"))
    return str(digit)


def _province(part: Part, record: Mapping[str, Any], draw: Draw, _register: str) -> str:
    code = next((value for path in part.of if (value := first(record, path))), None)
    if code is None:
        raise ValueError(said("one of these must be known: {names}", names=", ".join(part.of)))
    return draw.province_of(str(code)).zfill(part.width)


def _year(record: Mapping[str, Any], path: str) -> str:
    value = str(first(record, path) or "")
    try:
        return str(date.fromisoformat(value[:10]).year)
    except ValueError as error:
        raise ValueError(said("{path} must be a date", path=path)) from error


def _made_year(part: Part, record: Mapping[str, Any], *_: object) -> str:
    return _year(record, part.of[0])[-part.width :]


def _made_century_sex(part: Part, record: Mapping[str, Any], *_: object) -> str:
    born, sex = (str(first(record, path) or "") for path in part.of)
    return century_sex(born, sex)


def _made_serial(part: Part, record: Mapping[str, Any], draw: Draw, register: str) -> str:
    return str(draw.serial(part.scope(register, record))).zfill(part.width)


def _made_field(part: Part, record: Mapping[str, Any], *_: object) -> str:
    return str(first(record, part.of[0]) or "")


def _made_digits_of(part: Part, record: Mapping[str, Any], *_: object) -> str:
    digits = re.sub(r"\D", "", _made_field(part, record))
    if len(digits) < part.width:
        raise ValueError(said("{path} must hold {n} digits", path=part.of[0], n=part.width))
    return digits[-part.width :]


_MAKE: Mapping[str, Callable[[Part, Mapping[str, Any], Draw, str], str]] = {
    "text": lambda part, _record, _draw, _register: part.text,
    "field": _made_field,
    "digits_of": _made_digits_of,
    "province": _province,
    "century_sex": _made_century_sex,
    "year": _made_year,
    "serial": _made_serial,
    "random": lambda part, _record, draw, _register: draw.digits(part.width),
}
KINDS = (*(key for key in _MAKE if key != "year"), "year")
"""The kinds of parts; ``year`` is looked for last, because a serial number also names one."""
_FIXED: Mapping[str, Callable[[Part, Mapping[str, Any]], str]] = {
    "text": lambda part, _record: part.text,
    "field": _made_field,
    "digits_of": _made_digits_of,
    "century_sex": _made_century_sex,
    "year": _made_year,
}


def _pattern(part: Part, record: Mapping[str, Any]) -> str:
    """Return the pattern of a part: what the record fixes as it is, the rest by its shape."""
    if part.kind in _FIXED:
        return re.escape(_FIXED[part.kind](part, record))
    digits = f"[0-9]{{{part.width}}}" if part.width else "[1-9][0-9]*"
    return f"(?P<serial>{digits})" if part.kind == "serial" else digits
