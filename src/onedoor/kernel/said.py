"""Sentences about faults: English where they are made, in another language where somebody reads them."""

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from onedoor.kernel.errors import OnedoorError

Translate: TypeAlias = Callable[[str], str]
"""A gettext function: gives an English sentence in another language, its ``{names}`` still to fill."""


class Said(str):
    """An English sentence that keeps what it was made from: the key, the facts, and whether all of it is said."""

    __slots__ = ("facts", "key", "whole")
    key: str
    facts: Mapping[str, object]
    whole: bool


def said(key: str, /, **facts: object) -> Said:
    """Return the sentence *key*, a gettext key, its ``{names}`` filled from *facts*, which may be such sentences."""
    return _made(key, facts, whole=True)


def quoted(sentence: str) -> Said:
    """Return a *sentence* that stands elsewhere, such as in a schema, as one that a catalogue may know."""
    return _made(sentence, {}, whole=True)


def verbatim(word: str) -> Said:
    """Return a *word* that is the same in every language, such as the value of a setting."""
    return _made("{word}", {"word": word}, whole=True)


def listed(sentences: Iterable[Said]) -> Said:
    """Return *sentences*, at least one, one after another, with semicolons as the reader's language sets them."""
    return reduce(lambda one, other: said("{one}; {other}", one=one, other=other), sentences)


def either(words: Iterable[Said]) -> Said:
    """Return *words*, at least one, as those of which one is wanted."""
    return reduce(lambda one, other: said("{one} or {other}", one=one, other=other), words)


def first_of(error: "OnedoorError") -> Said:
    """Return the first sentence of what *error* says."""
    return _made(error.key(), error.facts, whole=False)


def spoken(sentence: str, translate: Translate) -> str:
    """Return *sentence* in the language of *translate*; what was not made here stays as it is."""
    if not isinstance(sentence, Said):
        return sentence
    facts = {name: spoken(one, translate) if isinstance(one, str) else one for name, one in sentence.facts.items()}
    return _filled(translate(sentence.key), facts, whole=sentence.whole)


def _made(key: str, facts: Mapping[str, object], *, whole: bool) -> Said:
    made = Said(_filled(key, facts, whole=whole))
    made.key, made.facts, made.whole = key, facts, whole
    return made


def _filled(sentence: str, facts: Mapping[str, object], *, whole: bool) -> str:
    filled = sentence.format_map(facts) if facts else sentence
    return filled if whole else filled.partition(". ")[0].rstrip(".")
