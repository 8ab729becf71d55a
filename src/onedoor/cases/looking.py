"""An officer's look-up by hand: by a right that names the post, through the gate, for a case of the desk."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from onedoor.cases import directory, journal, naming, register_words, rules, words
from onedoor.cases.desk import full_post, post_of
from onedoor.cases.errors import NoRightToLook, NoSuchLook
from onedoor.cases.facts import LookedUp
from onedoor.cases.views import AskedView, LookedUpView, OfferView, WayView
from onedoor.exchange import service as exchange
from onedoor.kernel import nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.text import Text, pick
from onedoor.privacy import service as privacy
from onedoor.privacy.service import DeskRight, Reader
from onedoor.store.rows import fetch

KIND = "look-up-without-right"
AT_DESK = """
SELECT FROM cases_task WHERE "case" = %s AND agency = %s AND post = %s AND state = ANY(%s) LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Look:
    """What an officer looks up: for which purpose, in which register, by which of its look-ups."""

    purpose: str
    register: str
    way: str


def offers(actor: Actor) -> tuple[OfferView, ...]:
    """Return what the actor's post may look up by hand: by purpose and register, with its ways."""
    if not actor.agency:
        return ()
    return nation.current().daily(_offers, _subsystem(actor), full_post(actor))


def may_look_up(actor: Actor) -> bool:
    """Return whether the actor's post may look anything up by hand."""
    return bool(offers(actor))


def offer(look: Look, actor: Actor) -> OfferView:
    """Return the offer that *look* is part of; raise `NoSuchLook`, or `NoRightToLook` (recorded)."""
    if look.way not in directory.lookups(look.register):
        raise NoSuchLook
    for one in offers(actor):
        if (one.purpose, one.register) == (look.purpose, look.register):
            return one
    with transaction.atomic():
        journal.attempt(KIND, f"{look.purpose}:{look.register}", actor)
    raise NoRightToLook


def at_desk(case: str, actor: Actor) -> bool:
    """Return whether *case* has a task at the actor's desk that gives a reason to look."""
    return bool(fetch(AT_DESK, (case, actor.agency, post_of(actor), list(rules.LOOKED_INTO))))


def look_up(look: Look, by: Mapping[str, str], case: str, actor: Actor) -> LookedUpView:
    """Return the records *by* finds, in the fields of the right, once the read is on record at the register.

    Nothing found is answered alike whoever is asked about, and not before half a second. Raise `NoSuchLook`,
    `NoRightToLook`, or what the gate and the exchange raise.
    """
    with looking_up(look, by, case, actor) as found:
        return found


@contextmanager
def looking_up(look: Look, by: Mapping[str, str], case: str, actor: Actor) -> Iterator[LookedUpView]:
    """As `look_up`; what was found may leave only after the block, at whose end the read is on record, or it raises."""
    began = time.monotonic()
    offered = offer(look, actor)
    reader = Reader(_subsystem(actor), full_post(actor), offered.purpose, offered.basis, case)
    with _found(offered, by, reader) as (records, read):
        if not records:
            naming.wait(max(0.0, began + naming.EVEN - time.monotonic()))
        yield LookedUpView(register_words.told(look.register, records), read)


@contextmanager
def _found(offered: OfferView, by: Mapping[str, str], reader: Reader) -> Iterator[tuple[list[dict[str, Any]], str]]:
    """Ask the register here, or over the exchange the system that holds it; either records the read."""
    from onedoor.registers import service as registers

    if offered.register in registers.names():
        with registers.looking_up(offered.register, by, reader=reader, wanted=offered.fields) as found:
            yield found.records, found.record
        return
    service = f"{directory.holder(offered.register)}/{offered.register}"
    reason = exchange.Reason(reader.purpose, reader.basis, reader.case)
    body = {"by": dict(by), "fields": list(offered.fields)}
    looked = exchange.call(service, "lookup", body, reason=reason, user=reader.user, answered=LookedUp).body
    yield list(looked.records), str(looked.read)


def _offers(client: str, post: str) -> tuple[OfferView, ...]:
    return tuple(map(_offer, privacy.desk_rights(client, post, nation.current().today())))


def _subsystem(actor: Actor) -> str:
    return nation.current().agencies[actor.agency].subsystem


def _offer(right: DeskRight) -> OfferView:
    return OfferView(
        purpose=right.purpose.id,
        purpose_name=right.purpose.text,
        basis=right.basis.id,
        basis_name=right.basis.text,
        law=words.article(right.basis.reference),
        register=right.register,
        register_name=directory.register_name(right.register),
        fields=right.fields,
        ways=tuple(
            WayView(key, tuple(_asked(right.register, one))) for key, one in directory.lookups(right.register).items()
        ),
        needs_case=not right.purpose.without_case,
    )


def _asked(register: str, way: Mapping[str, Any]) -> Iterator[AskedView]:
    fields = directory.fields(register)
    for name, parameter in way.items():
        kind = "number" if parameter.get("person") else parameter.get("as", "text")
        names = [fields[path.partition(".")[0]]["name"] for path in parameter["paths"]]
        yield AskedView(name, _either(names), kind)


def _either(names: list[Text]) -> Text:
    return {language: " / ".join(pick(one, language) for one in names) for language in nation.current().languages}
