"""Tests that play every system in one process with one database: each read is told by one of them alone."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from onedoor.privacy import asking
from onedoor.privacy.views import Reads, ReadView


def of_one_each(answers: Sequence[Any]) -> Iterator[Any]:
    """Yield *answers*, each read left in the last of those that hold it."""
    last = {one.record: number for number, answer in enumerate(answers) for one in _reads(answer)}
    for number, answer in enumerate(answers):
        if found := _reads(answer):
            yield replace(answer, body=Reads(tuple(one for one in found if last[one.record] == number)))
        else:
            yield answer


def tell_nothing_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the portal itself tell no read of a person: the other systems of this process tell all of them."""
    monkeypatch.setattr(asking, "own", SimpleNamespace(reads_of_person=lambda *_: []))


def _reads(answer: Any) -> tuple[ReadView, ...]:
    body = getattr(answer, "body", None)
    return body.reads if isinstance(body, Reads) else ()
