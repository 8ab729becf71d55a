"""Kinds of questions: from what a person typed to a value, or a sentence that says what to change."""

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any, TypeAlias

from onedoor.kernel.errors import BadInput
from onedoor.kernel.nation import Shape
from onedoor.kernel.text import Text
from onedoor.procedures.questions import Field

Raw: TypeAlias = str | Sequence[str] | bool | None
Value: TypeAlias = Any

LONGEST_NAME = 120
LONGEST_TEXT = 2000
PARTS_OF_DATE = 3
YES = frozenset({"yes", "true", "on", "1"})
NO = frozenset({"no", "false", "off", "0"})
DAY_FIRST = re.compile(r"(\d{1,2})[/.\- ](\d{1,2})[/.\- ](\d{4})")
NAME_SIGNS = frozenset(" -'’")
NAME_LETTERS = re.compile(r"[A-Za-zÀ-ƚƜ-ɏ\u0300-\u0331Ḁ-ỿ]")
"""Letters of names and the marks on them; those of phonetic writing look like others, and fonts lack them."""


class AnswerFault(BadInput):
    """Please answer this question."""

    kind = "required"
    own: Text = MappingProxyType({})
    """The sentence of the service itself, where its YAML has one for this kind of fault."""


class NameHasDigit(AnswerFault):
    """A name cannot contain a digit. Change “{wrong}”."""

    kind = "digit"


class NameHasSign(AnswerFault):
    """A name has letters only. Change “{wrong}”."""

    kind = "sign"


class NameTooShort(AnswerFault):
    """Write the family name and the given name: two words or more."""

    kind = "short"


class TooLong(AnswerFault):
    """This is too long. Please use at most {most} letters."""

    kind = "long"


class NoSuchChoice(AnswerFault):
    """Choose one of the answers on this page."""

    kind = "choice"


class NotADate(AnswerFault):
    """Write the day, month and year in numbers, such as 28/11/2026."""

    kind = "date"


class TooLate(AnswerFault):
    """The date cannot be after {most}. Check the day, month and year."""

    kind = "late"


class NotAPersonNumber(AnswerFault):
    """“{wrong}” is not a personal identification number. {shape} Check each sign."""

    kind = "number"


class WrongKindOfFile(AnswerFault):
    """We can read {kinds} files. Please choose another file than “{name}”."""

    kind = "file"


class FileTooLarge(AnswerFault):
    """The file may have at most {most} MB. Please choose a smaller one."""

    kind = "size"


def read(field: Field, raw: Raw, choices: Collection[str], most: str = "") -> Value:
    """Return the value of *raw* for *field*, or None for nothing; raise an `AnswerFault` in the field's own words.

    *choices* are the values that can be chosen now, *most* is the latest day allowed (ISO) or empty.
    """
    try:
        value = KINDS[field.kind](raw, choices)
        if most and isinstance(value, str) and value > most:
            raise TooLate(most=f"{date.fromisoformat(most):%d/%m/%Y}")
    except AnswerFault as fault:
        raise in_own_words(fault, field) from None
    return value


def in_own_words(fault: AnswerFault, field: Field) -> AnswerFault:
    """Return *fault* with the sentence that the service has for it, if any."""
    fault.own = field.errors.get(fault.kind, {})
    return fault


def read_text(raw: Raw, _: Collection[str] = ()) -> str | None:
    """Return a text without needless spaces and without signs that nobody sees."""
    plain = "".join(sign for sign in " ".join(_one(raw).split()) if sign.isprintable())
    text = unicodedata.normalize("NFC", plain)
    if len(text) > LONGEST_TEXT:
        raise TooLong(most=LONGEST_TEXT)
    return text or None


def read_person_name(raw: Raw, _: Collection[str] = ()) -> str | None:
    """Return a person's name: words of Latin letters with their marks, two at least."""
    name = read_text(raw)
    if name is None:
        return None
    for word in name.split():
        if any(sign.isdigit() for sign in word):
            raise NameHasDigit(wrong=word[:40])
        if not all(_name_sign(sign) for sign in word) or not any(sign.isalpha() for sign in word):
            raise NameHasSign(wrong=word[:40])
    if len(name.split()) < 2:  # noqa: PLR2004 - a family name and a given name
        raise NameTooShort
    if len(name) > LONGEST_NAME:
        raise TooLong(most=LONGEST_NAME)
    return name


def read_choice(raw: Raw, choices: Collection[str] = ()) -> str | None:
    """Return one of *choices*."""
    value = _one(raw).strip()
    if value and value not in choices:
        raise NoSuchChoice
    return value or None


def read_yesno(raw: Raw, _: Collection[str] = ()) -> bool | None:
    """Return yes or no as a truth value."""
    word = ("yes" if raw else "no") if isinstance(raw, bool) else _one(raw).strip().lower()
    if word and word not in YES | NO:
        raise NoSuchChoice
    return word in YES if word else None


def read_consent(raw: Raw, _: Collection[str] = ()) -> bool | None:
    """Return True for a consent given; one not given is no answer."""
    return read_yesno(raw) or None


def read_date(raw: Raw, _: Collection[str] = ()) -> str | None:
    """Return an ISO date from ``28/11/2026``, ``2026-11-28`` or the three parts day, month and year."""
    parts = [part.strip() for part in raw] if isinstance(raw, list | tuple) and len(raw) == PARTS_OF_DATE else None
    text = "/".join(parts) if parts and any(parts) else "" if parts else _one(raw).strip()
    if not text:
        return None
    found = DAY_FIRST.fullmatch(text)
    iso = f"{found[3]}-{int(found[2]):02}-{int(found[1]):02}" if found else text
    try:
        return date.fromisoformat(iso).isoformat()
    except ValueError:
        raise NotADate from None


def read_person_number(raw: Raw, _: Collection[str] = ()) -> str | None:
    """Return a personal identification number; spaces, dots and hyphens within do not matter."""
    return re.sub(r"[\s.\-]", "", _one(raw)) or None


def check_person_number(asked: Field, number: str, shape: Shape) -> None:
    """Raise `NotAPersonNumber` unless *number* has the shape of the nation's personal numbers."""
    if not shape.fits(number):
        raise in_own_words(NotAPersonNumber(wrong=number[:20], shape=shape.text), asked)


def check_file(field: Field, name: str, size: int) -> None:
    """Raise an `AnswerFault` unless a file of this *name* and *size* in bytes may answer *field*."""
    ending = name.rpartition(".")[2].lower().replace("jpeg", "jpg")
    if ending not in field.files:
        kinds = ", ".join(kind.upper() for kind in field.files)
        raise in_own_words(WrongKindOfFile(kinds=kinds, name=name[:60]), field)
    if size > field.max_mb * 1024 * 1024:
        raise in_own_words(FileTooLarge(most=field.max_mb), field)


def _one(raw: Raw) -> str:
    if isinstance(raw, list | tuple):
        return str(raw[0]) if raw else ""
    return "" if raw is None or isinstance(raw, bool) else str(raw)


def _name_sign(sign: str) -> bool:
    return sign in NAME_SIGNS or bool(NAME_LETTERS.fullmatch(sign) and (sign.isalpha() or unicodedata.combining(sign)))


KINDS: Mapping[str, Callable[[Raw, Collection[str]], Value]] = {
    "text": read_text,
    "person_name": read_person_name,
    "person_number": read_person_number,
    "date": read_date,
    "yesno": read_yesno,
    "consent": read_consent,
    "choice": read_choice,
    "code": read_choice,
    "pick": read_choice,
    "record": read_choice,
    "file": read_text,
}
"""Every kind of question; a file's answer is the id that `cases` gave the stored file."""
CHOSEN = frozenset({"choice", "code", "pick", "record"})
