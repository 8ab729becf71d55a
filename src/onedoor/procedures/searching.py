"""Services found by the words a person types, with what each was found by."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from onedoor.kernel.text import fold
from onedoor.procedures.definition import Service

WORD = re.compile(r"\w+")
IN_TITLE, IN_WORDS = 4, 2


@dataclass(frozen=True, slots=True)
class Match:
    """A service that was found; ``by`` are the texts that hold what its title and summary do not show."""

    service: Service
    by: tuple[str, ...] = ()


def find(services: Iterable[Service], query: str, language: str) -> list[Match]:
    """Return the services of which every word of *query* begins a word, accents or not, the best first."""
    wanted = WORD.findall(fold(query))
    ranked = [(rank, one) for one in services if (rank := _rank(one, wanted, language))]
    best = sorted(ranked, key=lambda found: (-found[0], found[1].id))
    return [Match(one, tuple(_found_by(one, wanted, language))) for _, one in best]


def _rank(service: Service, wanted: Sequence[str], language: str) -> int:
    if not wanted or not all(any(_holds(text, word) for text in _texts(service, language)) for word in wanted):
        return 0
    title, own = service.title.get(language, ""), service.words.get(language, ())
    in_title = sum(_holds(title, word) for word in wanted)
    return 1 + IN_TITLE * in_title + IN_WORDS * sum(any(_holds(one, word) for one in own) for word in wanted)


def _found_by(service: Service, wanted: Sequence[str], language: str) -> Iterator[str]:
    """Yield, each once, the texts of a service that hold what a person does not see in the list of what was found."""
    shown = service.title.get(language, ""), service.summary.get(language, "")
    unseen = [word for word in wanted if not any(_holds(text, word) for text in shown)]
    yield from dict.fromkeys(next(text for text in _texts(service, language) if _holds(text, word)) for word in unseen)


def _texts(service: Service, language: str) -> Iterator[str]:
    """Yield every text a person may search by, those in *language* first."""
    texts = [service.title, service.life_event, *(one.title for one in service.results.values()), service.summary]
    for code in (language, *(other for other in service.title if other != language)):
        yield from service.words.get(code, ())
        yield from (text[code] for text in texts if code in text)
    yield service.code


def _holds(text: str, word: str) -> bool:
    return any(one.startswith(word) for one in _words(text))


@lru_cache(maxsize=4096)
def _words(text: str) -> tuple[str, ...]:
    return tuple(WORD.findall(fold(text)))
