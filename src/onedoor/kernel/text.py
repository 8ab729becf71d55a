"""Texts in several languages, and folding for searches."""

import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache

LANGUAGES = ("vi", "en", "fr")
"""The languages of the engine's own texts; a nation's texts are in the nation's."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
Text = Mapping[str, str]
"""One text in several languages, such as ``{"vi": …, "en": …, "fr": …}``."""


def pick(text: Text, language: str) -> str:
    """Return *text* in *language*, or in the first language it has."""
    return text.get(language) or next(iter(text.values()), "")


def semicolons(texts: Iterable[str], language: str) -> str:
    """Return *texts* one after another, with a semicolon as *language* sets it: French keeps it off the word."""
    return ("\u202f; " if language == "fr" else "; ").join(texts)


def colon(language: str) -> str:
    """Return the colon between two texts as *language* sets it: French keeps it off the word."""
    return "\u202f: " if language == "fr" else ": "


def cell(text: str) -> str:
    """Return *text* for a cell of a table: what a spreadsheet would take for a formula stays a text."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def gettext_noop(key: str) -> str:
    """Return *key* as it is; it is translated where it is said."""
    return key


def fold(text: str) -> str:
    """Return *text* for comparison: accents go, ``đ`` becomes ``d``, case and spaces are evened.

    Used alike on write and on query; ``fold("Nguyễn  Thị Đào") == "nguyen thi dao"``. Folding twice changes nothing.
    """
    return " ".join(" ".join(_bare(word) for word in text.split()).split())


@lru_cache(maxsize=10_000)
def _bare(word: str) -> str:
    """Return one *word* without accents and case; a language has few syllables, and a nation many names."""
    lowered = unicodedata.normalize("NFKD", word).casefold().replace("đ", "d")
    return "".join(c for c in unicodedata.normalize("NFKD", lowered) if not unicodedata.combining(c))
