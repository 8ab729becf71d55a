"""What commands say, in the language of the person at the terminal; without Django, which a gateway never loads.

``--language`` goes before ``LC_ALL``, ``LC_MESSAGES`` and ``LANG``; what no catalogue knows is said in English.
"""

import argparse
import gettext
import os
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

from onedoor.kernel.text import LANGUAGES, gettext_noop

__all__ = ["add_argument", "gettext_noop", "language", "text", "use"]

SOURCE = Path(__file__).parents[1]
ENGLISH = "en"
OPTION = "--language"
VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
_chosen: list[str] = []


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--language``."""
    about = "language of the messages (else that of LC_ALL or LANG)"
    parser.add_argument(OPTION, choices=LANGUAGES, default=argparse.SUPPRESS, help=about)


def asked_for(arguments: Sequence[str]) -> str | None:
    """Return the language that a command line asks for, before it is read as a whole."""
    words = [word for one in arguments for word in one.split("=", 1)]
    found = next((after for word, after in pairwise(words) if word == OPTION), None)
    return found if found in LANGUAGES else None


def use(language: str | None) -> None:
    """Say everything in *language* from now on; in that of the environment when none is given."""
    _chosen[:] = [language] if language else []


def language() -> str:
    """Return the language that is spoken: ``vi``, ``en`` or ``fr``."""
    if _chosen:
        return _chosen[0]
    wanted = next((value for name in VARIABLES if (value := os.environ.get(name))), "")
    spoken = wanted[:2].lower()
    return spoken if spoken in LANGUAGES and not wanted[2:3].isalpha() else ENGLISH


def text(key: str, **facts: object) -> str:
    """Return the English sentence *key* in the language that is spoken, its ``{names}`` filled from *facts*."""
    said = _catalogue(language()).gettext(key)
    return said.format(**facts) if facts else said


@cache
def _catalogue(spoken: str) -> gettext.NullTranslations:
    """Return the texts of all rooms in one language; the first room that knows a text says it."""
    found = gettext.NullTranslations()
    for path in sorted(SOURCE.glob(f"*/locale/{spoken}/LC_MESSAGES/django.mo")):
        with path.open("rb") as file:
            found.add_fallback(gettext.GNUTranslations(file))
    return found
