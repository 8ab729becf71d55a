"""What services of the exchange are, for the catalogue: what the own gateway lists, and how each describes itself.

Descriptions are asked of every provider through the exchange, in a thread beside the pages: no page waits long for a
provider that is away, and one that was read stays until a newer one is.
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast
from urllib.parse import quote

import structlog
from django.conf import settings

from onedoor.exchange import identifiers, openapi
from onedoor.exchange import service as exchange
from onedoor.exchange.service import Answer, Call, Reason, Refused, ServiceUnavailable
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.openapi import NAMES
from onedoor.kernel.text import Text

FRESH, RENEWED, RETRIED = 60.0, 900.0, 60.0
"""Seconds after which the list, what was described and what was not are asked for again."""
WITHIN = 2.0
"""Seconds a page waits for descriptions that nobody has asked for yet."""
AT_ONCE = 32
LONGEST, MOST = 300, 200
"""Signs of one text that is shown, and endpoints."""
LARGEST = 2**20
"""Bytes of a description."""
log = structlog.get_logger("onedoor.exchange")


@dataclass(frozen=True, slots=True)
class Description:
    """How a service describes itself: title, version, what it is, and its endpoints (method and path)."""

    title: Text
    version: str
    about: str
    endpoints: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Right:
    """Whom the nation's rights let ask a service, and for which purposes (``*`` for any)."""

    client: str
    purposes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Offered:
    """A service: its identifier, the names of member and subsystem, ``REST`` or ``OPENAPI``, who may ask, itself."""

    id: str
    member: str
    subsystem: str
    kind: str
    rights: tuple[Right, ...]
    description: Description | None

    @property
    def code(self) -> str:
        """Return its code."""
        return self.id.rpartition("/")[2]

    @property
    def title(self) -> Text | str:
        """Return what it is called, in the languages its provider says it in, or its code."""
        return (self.description and self.description.title) or self.code

    @property
    def provider(self) -> str:
        """Return the subsystem that offers it."""
        return self.id.rpartition("/")[0]

    @property
    def words(self) -> str:
        """Return what a search looks in."""
        described = (*self.description.title.values(), self.description.about) if self.description else ()
        return " ".join([self.id, self.member, self.subsystem, *described])


class Shelf:
    """What this process knows of the services."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: Mapping[str, Any] | None = None
        self._asked = 0.0
        self._known: dict[str, tuple[float, Description | None]] = {}
        self._asking: threading.Thread | None = None

    def services(self) -> tuple[int, Sequence[Offered]]:
        """Return the serial number of the configuration and its services; raise `ServiceUnavailable`."""
        now = time.monotonic()
        with self._lock:
            told = self._told
            due = told is None or now - self._asked > FRESH
            if due:
                self._asked = now  # the others show what is known
        if told is None or due:
            told = self._renew(told)
        with self._lock:
            asking = self._describe(told, now)
        if asking:
            asking.join(WITHIN)
        return told["serial"], tuple(self._offered(told))

    def _renew(self, before: Mapping[str, Any] | None) -> Mapping[str, Any]:
        """Return the list, asked for anew; while the gateway is away, the one of *before*."""
        try:
            self._told = found = exchange.own_gateway("/catalogue")
        except ServiceUnavailable:
            if before is None:
                raise
            return before
        return cast("Mapping[str, Any]", found)

    def _describe(self, told: Mapping[str, Any], now: float) -> threading.Thread | None:
        """Ask for the descriptions that are due, beside; return what a page waits for: what was never asked."""
        if self._asking and self._asking.is_alive():
            return None
        due = [one for one in _described(told) if now > self._known.get(one, (0.0, None))[0]]
        if not due:
            return None
        new = any(one not in self._known for one in due)
        self._asking = threading.Thread(target=self._ask, args=(due,), name="descriptions", daemon=True)
        self._asking.start()
        return self._asking if new else None

    def _ask(self, due: Sequence[str]) -> None:
        from django.db import connections

        try:
            for start in range(0, len(due), AT_ONCE):
                self._take(due[start : start + AT_ONCE])
        finally:
            connections.close_all()

    def _take(self, part: Sequence[str]) -> None:
        """Ask for the descriptions of *part*; what is not told now is asked for again later, whatever the reason."""
        told: dict[str, tuple[float, Description | None]] = dict.fromkeys(part, (RETRIED, None))
        try:
            answers = exchange.ask_each([_question(one) for one in part], timeout=5.0)
            for service, answer in zip(part, answers, strict=True):
                found = _read(answer)
                told[service] = (RENEWED if found or isinstance(answer, Refused) else RETRIED, found)
        except Exception:
            log.exception("descriptions cannot be read")
        for service, (wait, found) in told.items():
            before = self._known.get(service, (0.0, None))[1]
            self._known[service] = (time.monotonic() + wait, found or before)

    def _offered(self, told: Mapping[str, Any]) -> Iterator[Offered]:
        for member in told["members"]:
            for subsystem in member["subsystems"]:
                for one in subsystem["services"]:
                    id_ = f"{subsystem['id']}/{one['code']}"
                    rights = tuple(Right(two["client"], tuple(two["purposes"])) for two in one["rights"])
                    described = self._known.get(id_, (0.0, None))[1]
                    yield Offered(id_, member["name"], subsystem["name"], one["kind"], rights, described)


def _described(told: Mapping[str, Any]) -> Iterator[str]:
    """Yield the services that have a description."""
    for member in told["members"]:
        for subsystem in member["subsystems"]:
            for one in subsystem["services"]:
                if one["kind"] == "OPENAPI":
                    yield f"{subsystem['id']}/{one['code']}"


def _question(service: str) -> Call:
    provider, _, code = service.rpartition("/")
    target = f"{identifiers.write_identifier(provider)}/getOpenAPI?serviceCode={quote(code, safe='')}"
    return Call(target, "", reason=Reason("", ""), user="", method="GET", most=LARGEST)


def _read(answer: Answer | OnedoorError) -> Description | None:
    """Return what a provider said of a service, cut to a length; nothing when it said nothing that can be read."""
    if isinstance(answer, OnedoorError):
        return None
    try:
        found = openapi.held(answer.body) if isinstance(answer.body, dict) else openapi.read(answer.body)
        info = found.data.get("info")
        told = info if isinstance(info, dict) else {}
        version, about = (str(told.get(name) or "")[:LONGEST] for name in ("version", "description"))
        endpoints = tuple((method, path[:LONGEST]) for method, path in islice(found.endpoints(), MOST))
        return Description(_title(told), version, about, endpoints)
    except (OnedoorError, AttributeError, TypeError, ValueError):
        return None


def _title(info: Mapping[str, Any]) -> Text:
    """Return the title in those of our languages that *info* says it in; for all others, first, the one of none."""
    names = info.get(NAMES)
    said = names if isinstance(names, dict) else {}
    told = {"": info.get("title"), **{language: said.get(language) for language, _ in settings.LANGUAGES}}
    return {language: str(text)[:LONGEST] for language, text in told.items() if text}


shelf = Shelf()
