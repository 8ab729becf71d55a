"""Every request in the tests that opens envelopes, and whether a use of the gate is on record for it.

A request counts by its route, beside those that it makes of others meanwhile; what was opened before and is shown again
from memory counts as opened. Which may do it without a record, and why, tests/openings.yaml says.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import local
from typing import Any

import yaml
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, HttpResponseBase

from onedoor.privacy import records
from onedoor.store import sealed
from onedoor.store.keys import Key

FILE = Path(__file__).with_name("openings.yaml")
ANY = "*"
REFUSED, AGAIN = 400, 422
"""From which status on an answer is a page or problem document that says why; but a form that is shown again."""
LANGUAGE = re.compile(r"^[a-z]{2}/")


class Request:
    """What one request opened, by table, and whether it left a record of a use."""

    def __init__(self) -> None:
        self.opened: set[str] = set()
        self.recorded = False


@cache
def declared() -> dict[str, set[str]]:
    """Return by route the tables whose envelopes it may open without a record of that."""
    found: dict[str, set[str]] = {}
    for said in yaml.safe_load(FILE.read_text("utf-8")):
        for route, tables in said["routes"].items():
            found.setdefault(route, set()).update(tables)
    return found


def unlisted(route: str, request: Request) -> list[str]:
    """Return the tables of which *request* opened something without a record, and must not."""
    listed = declared()
    allowed = listed.get(ANY, set()) | listed.get(route, set())
    return [] if request.recorded else sorted(request.opened - allowed)


class Watch:
    """Stands in front of what opens envelopes, records uses and answers requests; notes the *strays* among these."""

    def __init__(self, strays: list[str]) -> None:
        self.strays = strays
        self._running = local()
        self._places: dict[bytes, str] = {}
        self._open, self._seal, self._still = sealed.unseal_bytes, sealed._sealed, sealed.still_opens
        self._record, self._respond = records.row_of, BaseHandler.get_response

    @contextmanager
    def standing(self) -> Iterator[None]:
        """Stand there meanwhile."""
        answered = self.answered

        def respond(handler: BaseHandler, asked: HttpRequest) -> HttpResponseBase:
            return answered(handler, asked)

        self._put(self.opened, self.closed, self.shown_again, self.recorded, respond)
        try:
            yield
        finally:
            self._put(self._open, self._seal, self._still, self._record, self._respond)

    def _put(self, *what: Any) -> None:
        sealed.unseal_bytes, sealed._sealed, sealed.still_opens = what[:3]
        records.row_of, BaseHandler.get_response = what[3:]  # type: ignore[method-assign]

    def opened(self, envelope: bytes, *, place: sealed.Place) -> bytes:
        self._places[bytes(envelope[: sealed.HEAD])] = place.table
        self._now.opened.add(place.table)
        return self._open(envelope, place=place)

    def closed(self, key: Key, data: bytes, place: sealed.Place) -> bytes:
        envelope = self._seal(key, data, place)
        self._places[envelope[: sealed.HEAD]] = place.table
        return envelope

    def shown_again(self, envelope: bytes) -> None:
        if table := self._places.get(bytes(envelope[: sealed.HEAD])):
            self._now.opened.add(table)
        self._still(envelope)

    def recorded(self, *said: Any) -> records.Row:
        self._now.recorded = True
        return self._record(*said)

    @property
    def _now(self) -> Request:
        """The innermost request of this thread; one that nobody looks at where there is none."""
        return next(iter(reversed(getattr(self._running, "requests", []))), Request())

    def answered(self, handler: BaseHandler, asked: HttpRequest) -> HttpResponseBase:
        self._running.requests = [*getattr(self._running, "requests", []), request := Request()]
        try:
            response = self._respond(handler, asked)
        finally:
            self._running.requests.pop()
        route = LANGUAGE.sub("", asked.resolver_match.route) if asked.resolver_match else ""
        tells = response.status_code < REFUSED or response.status_code == AGAIN
        if tells and (found := unlisted(route, request)):
            self.strays.append(f"{asked.method} {route}: {', '.join(found)}")
        return response
