"""The portal asks for its person: sends requests to agencies, and shows what became of them at every one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from typing import Any

from onedoor.exchange import service as exchange
from onedoor.exchange.service import Call, Reason
from onedoor.identity import service as identity
from onedoor.kernel import clock, nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.settings import current as settings
from onedoor.kernel.text import Text
from onedoor.privacy import rights
from onedoor.privacy.requests import definition
from onedoor.privacy.requests.definition import PURPOSE
from onedoor.privacy.requests.errors import NoSuchRequest, RequestEnded, RequestKeyUsed
from onedoor.privacy.requests.keeping import SERVICE

WAIT = 5.0


@dataclass(frozen=True, slots=True)
class Agency:
    """A system that takes requests, by its id and the name people know."""

    system: str
    name: Text


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of one request, as its agency answers now."""

    agency: Agency
    code: str
    right: str
    purpose: Text
    state: str
    asked: datetime
    due: datetime
    extended: bool
    complete_on: date | None
    article: str
    answer: str
    reason: str


@dataclass(frozen=True, slots=True)
class Everything:
    """All requests of a person, newest first, and the agencies that did not answer."""

    requests: tuple[Asked, ...]
    silent: tuple[Text, ...]


def agencies() -> list[Agency]:
    """Return the systems of which a person may ask something through this portal."""
    purpose = rights.purposes().get(PURPOSE)
    here = settings().subsystem
    members = {one.subsystem: one.name for one in nation.current().members.values()}
    decide = definition.current().decided_by
    grants = purpose.grants if purpose else ()
    found = dict.fromkeys(
        one.provider
        for one in grants
        if one.service == SERVICE and one.provider in decide and one.reader not in decide and here in ("", one.reader)
    )
    return [Agency(one, members[one]) for one in found]


def send(actor: Actor, system: str, said: Mapping[str, str], key: str) -> None:
    """Send a request to *system*: right, purpose, words; raise `RequestKeyUsed` when the form was sent before."""
    body = {"person": identity.person_number(actor.person), **said}
    _ask(system, "ask", body, actor, key)


def lift(actor: Actor, system: str, code: str) -> None:
    """Take back a request; raise `NoSuchRequest` or `RequestEnded`."""
    _ask(system, "lift", {"person": identity.person_number(actor.person), "code": code}, actor)


def everything(actor: Actor) -> Everything:
    """Ask every agency what became of what who acts has asked."""
    asked = agencies()
    whose = {"person": identity.person_number(actor.person)}
    calls = [_call(one.system, "asked", whose, actor) for one in asked]
    found: list[Asked] = []

    def take(agency: Agency, told: Any) -> None:  # noqa: ANN401 - what another system answered
        found.extend([_line(agency, one) for one in told["requests"]])

    silent = exchange.take_each(asked, calls, take, timeout=WAIT)
    newest = sorted(found, key=lambda one: one.asked, reverse=True)
    return Everything(tuple(newest), tuple(agency.name for agency in silent))


def _ask(system: str, path: str, body: Mapping[str, Any], actor: Actor, key: str = "") -> None:
    (answer,) = exchange.ask_each([_call(system, path, body, actor, key)], timeout=WAIT)
    if isinstance(answer, exchange.ProviderError) and answer.answer.status == HTTPStatus.CONFLICT:
        raise RequestKeyUsed if key else RequestEnded
    if isinstance(answer, exchange.ProviderError) and answer.answer.status == HTTPStatus.NOT_FOUND:
        raise NoSuchRequest
    if isinstance(answer, OnedoorError):
        raise answer


def _call(system: str, path: str, body: Mapping[str, Any], actor: Actor, key: str = "") -> Call:
    reason = Reason(PURPOSE, next(iter(rights.purposes()[PURPOSE].basis)))
    return Call(f"{system}/{SERVICE}", path, body, reason=reason, user=actor.person, key=key)


def _line(agency: Agency, one: Mapping[str, Any]) -> Asked:
    known = rights.purposes().get(one["purpose"])
    return Asked(
        agency=agency,
        code=str(one["code"]),
        right=str(one["right"]),
        purpose=known.text if known else {},
        state=str(one["state"]),
        asked=clock.moment_of(one["asked"]),
        due=clock.moment_of(one["due"]),
        extended=bool(one["extended"]),
        complete_on=date.fromisoformat(one["complete_on"]) if one["complete_on"] else None,
        **{name: str(one[name]) for name in ("article", "answer", "reason")},
    )
