"""Who follows a register is told of each new version of a record: which one, which fields; never what they say.

The follower reads what it needs by the record's id, through the gate. It hears of every version at least once and keeps
it once for each purpose; the order is not promised, the number of the version tells it.
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction

from onedoor.exchange import service as exchange
from onedoor.kernel import clock
from onedoor.kernel.actor import Actor
from onedoor.kernel.ids import uuid7
from onedoor.kernel.said import said
from onedoor.kernel.settings import current
from onedoor.privacy import service as privacy
from onedoor.privacy.service import Reader
from onedoor.registers import storage, tasks
from onedoor.registers.definition import registers
from onedoor.registers.errors import BadQuestion
from onedoor.registers.events import FollowedRecordChanged
from onedoor.registers.models import HeardChange, Record
from onedoor.store import outbox

SERVICE = "changes"
log = structlog.get_logger("onedoor.registers")


def tell_all(row: Record, first: UUID, fields: Iterable[str], *, ended: bool = False) -> None:
    """Have everybody told who follows one of *fields*, once the write of *row* is committed.

    *first* is the id of the record's first version.
    """
    for one in privacy.followers(row.register):
        if followed := sorted(one.fields.intersection(fields)):
            body = {"register": row.register, "record": str(first), "version": row.version}
            tasks.tell_change.defer(
                client=one.client,
                purpose=one.purpose,
                basis=one.basis,
                body=body | {"fields": followed, "ended": ended},
            )


def tell(client: str, purpose: str, basis: str, body: dict[str, Any]) -> None:
    """Tell *client* of a new version; its answer says that it is kept there."""
    register = registers().get(body["register"])
    followers = privacy.followers(body["register"]) if register else []
    known = (one for one in followers if (one.client, one.purpose, one.basis) == (client, purpose, basis))
    fields = sorted(next((one.fields for one in known), frozenset()).intersection(body["fields"]))
    if register is None or not fields:
        return  # no longer followed
    if privacy.purpose(purpose).objection and privacy.stopped(
        purpose, storage.persons_of(register, UUID(body["record"]), body["version"])
    ):
        return  # its person has stopped this purpose
    key = f"change:{body['record']}:{body['version']}:{purpose}:{basis}"
    reason = exchange.Reason(purpose, basis)
    try:
        exchange.call(
            f"{client}/{SERVICE}", "told", body | {"fields": fields}, reason=reason, user=register.subsystem, key=key
        )
    except exchange.ProviderError as error:
        if error.answer.status != HTTPStatus.BAD_REQUEST:
            raise
        log.warning("a follower does not know what it was told of", client=client, register=register.id)


def hear(owner: Reader, body: dict[str, Any]) -> None:
    """Keep what *owner* tells of its register and state it, once; raise `NotPermitted` or `BadQuestion`."""
    register = registers().get(body["register"])
    if register is None or register.subsystem != owner.client:
        raise BadQuestion(what=said("it is about no register of the system that sends it"))
    privacy.permit_notice(owner, register=register.id, follower=current().subsystem, fields=body["fields"])
    which = {name: body[name] for name in ("register", "record", "version")}
    how = {"fields": body["fields"], "ended": body["ended"]}
    why = {"purpose": owner.purpose, "basis": owner.basis}
    with transaction.atomic():
        _, new = HeardChange.objects.get_or_create(
            **which, **why, defaults={"id": uuid7(), "heard": clock.now(), **how}
        )
        if new:
            by = Actor(agency=owner.client)
            outbox.state(FollowedRecordChanged(by=by, **which, fields=tuple(body["fields"]), ended=body["ended"]))


def heard(register: str = "", after: UUID | None = None, *, most: int = 1000) -> list[HeardChange]:
    """Return what owners told this system, the oldest first: of *register*, and what came *after* the id of another."""
    found = HeardChange.objects.all()
    if register:
        found = found.filter(register=register)
    if after:
        found = found.filter(id__gt=after)
    return list(found.order_by("id")[:most])
