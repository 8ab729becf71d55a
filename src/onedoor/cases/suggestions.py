"""Services suggested to a person who agreed to it: a register holds a record about them that calls for one."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from onedoor.cases import directory, register_words
from onedoor.cases.views import AnswerView
from onedoor.exchange import service as exchange
from onedoor.exchange.service import Call, Reason
from onedoor.identity import service as identity
from onedoor.kernel import nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.text import Text
from onedoor.privacy import service as privacy
from onedoor.procedures import service as procedures
from onedoor.procedures.service import Service, Suggestion

WAIT = 5.0


@dataclass(frozen=True, slots=True)
class Suggested:
    """A service that a record calls for: its title, why it is suggested, and what the record says."""

    service: str
    title: Text
    why: Text
    facts: tuple[AnswerView, ...]


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What is suggested now, the purposes to which the person has not agreed, and which registers are silent."""

    found: tuple[Suggested, ...]
    unasked: tuple[tuple[str, Text], ...]
    silent: tuple[Text, ...]


def suggestions(actor: Actor) -> Suggestions:
    """Return what is suggested to who acts: registers are asked now where they agreed to it, and record it."""
    person = identity.person_number(actor.person)
    suggesting = [(one, one.suggest) for one in procedures.services(nation.current().today()) if one.suggest]
    agreed = {purpose: privacy.agrees(person, purpose) for purpose in {how.purpose for _, how in suggesting}}
    asked = [(one, how) for one, how in suggesting if agreed[how.purpose]]
    found: list[Suggested] = []

    def take(one: tuple[Service, Suggestion], told: Any) -> None:  # noqa: ANN401 - what another system answered
        found.extend(list(_suggested(*one, told["records"])))

    silent = exchange.take_each(asked, [_call(how, person, actor) for _, how in asked], take, timeout=WAIT)
    names = [(purpose, privacy.purpose(purpose).text) for purpose, yes in sorted(agreed.items()) if not yes]
    return Suggestions(tuple(found), tuple(names), tuple(directory.register_name(how.register) for _, how in silent))


def _suggested(service: Service, how: Suggestion, records: Iterable[dict[str, object]]) -> Iterable[Suggested]:
    for record in records:
        if not record.get(how.unless):
            (facts,) = register_words.told(how.register, [{name: record.get(name) for name in how.shows}])
            yield Suggested(service.id, service.title, how.text, facts)


def _call(how: Suggestion, person: str, actor: Actor) -> Call:
    fields = [*how.shows, *filter(None, [how.unless])]
    body = {"by": {how.by: person}, "fields": fields}
    service = f"{directory.holder(how.register)}/{how.register}"
    return Call(service, "lookup", body, reason=Reason(how.purpose, how.basis), user=actor.person)
