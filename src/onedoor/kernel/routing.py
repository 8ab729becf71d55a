"""Addresses of a listener without Django, as data: what stands in its table of routes is all that it answers."""

import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from onedoor.kernel.access import Access

EVERY = "*"


@dataclass(frozen=True, slots=True)
class Route:
    """What *answer* does at *path*, for whom *rule* says; *method* is ``GET`` or another, or `EVERY`.

    The path is written as Django does: ``<name>`` is one segment, ``<path:name>`` all that follow.
    """

    method: str
    path: str
    rule: Access
    answer: Callable[..., Any]

    @property
    def about(self) -> str:
        """Return what it does, in one sentence."""
        return inspect.cleandoc(self.answer.__doc__ or "").split("\n\n", maxsplit=1)[0].replace("\n", " ")

    def takes(self, method: str) -> bool:
        """Return whether *method* may be used here."""
        return self.method in (EVERY, method)


def route_of(routes: Iterable[Route], path: str) -> Route | None:
    """Return the first of *routes* that *path* (without its query) belongs to."""
    return next((one for one in routes if _pattern(one.path).fullmatch(path)), None)


@cache
def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"<(?:(path):)?\w+>", path)
    kinds = (".+" if kind else "[^/]+" for kind in parts[1::2])
    return re.compile("".join(f"{re.escape(text)}{kind}" for text, kind in zip(parts[::2], [*kinds, ""], strict=True)))
