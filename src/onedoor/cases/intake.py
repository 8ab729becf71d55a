"""What a node takes in from the portal: hand-overs, supplements, and the end of a step; each once."""

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from onedoor.cases import journal, rules
from onedoor.cases.errors import NotPossible, OtherAgency, OtherRules
from onedoor.cases.events import TaskMoved
from onedoor.cases.models import FilePart, Received, Task
from onedoor.exchange.service import Caller
from onedoor.kernel import clock, nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.ids import uuid7
from onedoor.kernel.settings import current as settings
from onedoor.procedures import service as procedures
from onedoor.store import sealed

Message = Mapping[str, Any]


class NotHere(OtherAgency):
    """The authority {agency} does not work on this system."""


def receive(caller: Caller, message: Message) -> dict[str, Any]:
    """Take in a step that was handed over; sent twice, it is one task. The answer leaves after commit."""
    _must_be_here(message["agency"])
    _must_keep_the_same_rules(message["service"])
    with transaction.atomic():
        task, new = _row(caller, message)
        if new:
            subject = subject_of(message)
            task.write("head", {"names": [message["about"], message["applicant"]["name"]]}, subject=subject)
            task.write("payload", dict(message), subject=subject)
            task.save()
            journal.act(task, "receive", _event(task, "receive", _portal(caller)))
    return {"task": str(task.id), "state": task.state}


def supplement(caller: Caller, message: Message) -> dict[str, Any]:
    """Take in what the person answered to a supplement: the clock goes on."""
    with transaction.atomic():
        task = _locked(caller, message)
        if _new(caller, "supplement"):
            _resume(task)
            payload = task.read("payload")
            payload["supplements"] = [*payload.get("supplements", []), message["supplement"]]
            task.due = datetime.fromisoformat(message["due"])
            subject = subject_of(payload)
            task.write("payload", payload, subject=subject)
            task.save()
            words = message["supplement"]["text"]
            journal.act(task, "answer", _event(task, "answer", _portal(caller)), words=words, subject=subject)
    return {"task": str(task.id), "state": task.state}


def file(_caller: Caller, message: Message) -> dict[str, Any]:
    """Take in a part of a file, before the message that belongs to it; sent twice, it is one part."""
    _must_be_here(message["agency"])
    row = FilePart(id=uuid7(), **{key: message[key] for key in ("case", "step", "round", "field", "number")})
    content = base64.b64decode(message["content"], validate=True)
    row.content = sealed.seal_bytes(content, subject=message["applicant"]["number"], place=row.place)
    FilePart.objects.bulk_create([row], ignore_conflicts=True)
    return {"received": True}


def end(caller: Caller, message: Message) -> dict[str, Any]:
    """End a step that no officer has decided yet (``withdraw`` or ``expire``); raise `NotPossible` otherwise."""
    kind: rules.TaskMove = "withdraw" if message["kind"] == "withdraw" else "expire"
    with transaction.atomic():
        task, new = _row(caller, message, state=rules.WITHDRAWN)
        if not new and task.state not in {rules.WITHDRAWN, rules.STOPPED}:
            task = Task.objects.select_for_update().get(pk=task.pk)
            task.state = rules.move_task(task.state, kind)
            task.save()
            journal.act(task, kind, _event(task, kind, _portal(caller)))
    return {"task": str(task.id), "state": task.state}


def subject_of(payload: Message) -> str:
    """Return the personal number under whose key a task is sealed: the applicant's."""
    return str(payload["applicant"]["number"])


def _row(caller: Caller, message: Message, state: str = rules.NEW) -> tuple[Task, bool]:
    """Return the task of *message*; one that comes to be in another *state* than new is at nobody's desk."""
    now, new = clock.now(), state == rules.NEW
    due = datetime.fromisoformat(message["due"]) if "due" in message else now
    return Task.objects.get_or_create(
        case=message["case"],
        step=message["step"],
        round=message["round"],
        defaults={
            "id": uuid7(),
            "origin": caller.client,
            "agency": message["agency"] if new else "",
            "post": message["post"] if new else "",
            "service": message["service"]["id"],
            "version": message["service"]["version"],
            "digest": message["service"]["digest"],
            "state": state,
            "received_at": now,
            "due": due,
            "asked": message.get("asked", 0),
        },
    )


def _locked(caller: Caller, message: Message) -> Task:
    task = (
        Task.objects.select_for_update()
        .filter(case=message["case"], step=message["step"], round=message["round"], origin=caller.client)
        .first()
    )
    if task is None:
        raise NotPossible
    return task


def _resume(task: Task) -> None:
    task.state = rules.move_task(task.state, "answer")
    task.stopped_at = None


def _new(caller: Caller, kind: str) -> bool:
    """Return whether this message comes for the first time, and keep that it came."""
    defaults = {"client": caller.client, "kind": kind, "received_at": clock.now()}
    return Received.objects.get_or_create(key=Received.key_of(caller), defaults=defaults)[1]


def _must_be_here(agency: str) -> None:
    found = nation.current().agencies.get(agency)
    here = settings().subsystem
    if found is None or (here and found.subsystem != here):
        raise NotHere(agency=agency[:40])


def _must_keep_the_same_rules(service: Message) -> None:
    """Raise when this agency's files never defined the service as those do with which the dossier began."""
    if not procedures.knows(service["id"], service["version"], service["digest"]):
        raise OtherRules(service=service["id"], version=service["version"])


def _portal(caller: Caller) -> Actor:
    return Actor(person=caller.user, post=caller.client)


def _event(task: Task, kind: str, by: Actor) -> TaskMoved:
    return TaskMoved(by=by, case=task.case, step=task.step, agency=task.agency, kind=kind, state=task.state)
