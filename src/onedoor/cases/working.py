"""What follows an officer's yes: registers written, the result rendered, sealed and kept; each once, however often run.

The decision is recorded first. Every write goes out under a key of its own and its answer is kept before the next;
only the last transaction makes the result: what a killed process leaves is taken up where it stood.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from onedoor.cases import journal, queue, rules, seals, words
from onedoor.cases.context import received
from onedoor.cases.directory import holder
from onedoor.cases.events import ResultIssued, TaskMoved
from onedoor.cases.intake import subject_of
from onedoor.cases.models import IssuedResult, Task
from onedoor.exchange import service as exchange
from onedoor.exchange.service import Reason
from onedoor.kernel import nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.errors import OnedoorError, Unavailable
from onedoor.kernel.settings import current as settings
from onedoor.privacy.service import Reader
from onedoor.procedures import service as procedures
from onedoor.procedures.service import Result, Service, Write, pinned
from onedoor.registers import service as registers
from onedoor.signing import pdf
from onedoor.store import sealed

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Written:
    """What a register answers that a record was written into: the record as it stands there."""

    record: Record


def work(task_id: str) -> None:
    """Do what was decided; what an agency refuses goes to the officer, all else is told there and tried again later."""
    task = Task.objects.get(pk=task_id)
    if task.state != rules.DECIDING:
        return
    try:
        _work(task)
    except Exception as error:
        told = words.keep(error if isinstance(error, OnedoorError) else OnedoorError())
        if isinstance(error, OnedoorError) and not isinstance(error, Unavailable):
            _stick(task, told)
            return
        Task.objects.filter(pk=task.pk, state=rules.DECIDING).update(trouble=told)
        raise


def service_of(task: Task) -> Service:
    """Return the definition a task began with, from this database."""
    return pinned(task.service, task.version, task.digest)


def _work(task: Task) -> None:
    service = service_of(task)
    step = service.steps[task.step]
    payload, done = task.read("payload"), task.read("work")
    records: Record = done.setdefault("records", {})
    for write in step.writes:
        if write.name not in records:
            context = received(service, payload, records, done["issue"])
            records[write.name] = _write(task, write, procedures.values_of(write, context))
            _keep(task, done, payload)
    made = None
    if step.issues:
        result = service.results[step.issues]
        context = received(service, payload, records, done["issue"])
        made = _document(task, result, procedures.document(result, context), done["issue"])
    _finish(task, service, made)


def _keep(task: Task, done: Record, payload: Mapping[str, Any]) -> None:
    task.write("work", done, subject=subject_of(payload))
    Task.objects.filter(pk=task.pk, state=rules.DECIDING).update(work=task.work)


def _write(task: Task, write: Write, values: Record) -> Record:
    """Write one record: here when this system holds the register, else over the exchange; return the record."""
    key, home = f"{task.key}:{write.name}", nation.current().agencies[task.agency].subsystem
    if holder(write.register) == home:
        reader = Reader(
            client=home,
            user=task.decided_by,
            purpose=write.purpose,
            basis=write.basis,
            case=task.case,
        )
        return dict(registers.write(write.register, values, reader=reader, key=key))
    answer = exchange.call(
        f"{holder(write.register)}/{write.register}",
        "records",
        values,
        reason=Reason(write.purpose, write.basis, task.case),
        user=task.decided_by,
        key=key,
        answered=Written,
    )
    return dict(answer.body.record)


def verify_url(result_id: str) -> str:
    """Return the address of the page where anybody verifies a result of this system."""
    return f"{settings().public_url}/{nation.current().languages[0]}/verify/{result_id}"


def _document(task: Task, result: Result, data: Record, issue: Mapping[str, Any]) -> tuple[bytes, Record]:
    """Return the sealed document and its data; the same data whenever it is made again."""
    language = nation.current().languages[0]
    agency = nation.current().agencies[task.agency]
    case = {"id": issue["result"], "case": task.case, "verify_url": verify_url(issue["result"])}
    full = procedures.layout_data(result, data, issue, agency, language, **case)
    template = procedures.template(task.digest, result)
    plain = pdf.render(template, full, lang=language, moment=datetime.fromisoformat(issue["at"]))
    return seals.seal(plain, task.agency, name=agency.name[language], reason=result.title[language]), full


def _finish(task: Task, service: Service, made: tuple[bytes, Record] | None) -> None:
    """Keep the result, end the task and queue its outcome, in one transaction and once."""
    with transaction.atomic():
        task = Task.objects.select_for_update().get(pk=task.pk)
        if task.state != rules.DECIDING:
            return
        task.state, task.trouble = rules.move_task(task.state, "done"), ""
        payload, done = task.read("payload"), task.read("work")
        by = Actor(person=task.decided_by, post=task.decided_by, agency=task.agency)
        if made:
            _issue(task, service, made, subject_of(payload), by)
        done.setdefault("outcomes", []).append({"kind": "done"})
        task.write("work", done, subject=subject_of(payload))
        task.save()
        event = TaskMoved(by=by, case=task.case, step=task.step, agency=task.agency, kind="done", state=task.state)
        journal.act(task, "done", event)
        queue.tell(task, len(done["outcomes"]))


def _issue(task: Task, service: Service, made: tuple[bytes, Record], subject: str, by: Actor) -> IssuedResult:
    content, data = made
    row = IssuedResult(
        id=data["id"],
        task=task,
        kind=data["kind"],
        title=dict(service.results[data["kind"]].title),
        agency=task.agency,
        issued_at=datetime.fromisoformat(data["issued_at"]),
        sha256=seals.digest(content),
        lasts_until=seals.check(content, twice=False).lasts_until,
    )
    row.body = sealed.seal({"number": data["number"], "data": data}, subject=subject, place=row.place("body"))
    row.file = sealed.seal_bytes(content, subject=subject, place=row.place("file"))
    row.entry = journal.issued(row)
    row.save(force_insert=True)
    journal.state(
        ResultIssued(by=by, result=str(row.pk), kind=row.kind, agency=row.agency, case=task.case, sha256=row.sha256)
    )
    return row


def _stick(task: Task, why: str) -> None:
    """Give the task back to its officer with the reason; what was done is kept and not done again."""
    with transaction.atomic():
        task = Task.objects.select_for_update().get(pk=task.pk)
        if task.state != rules.DECIDING:
            return
        task.state, task.trouble = rules.move_task(task.state, "stick"), why
        task.save()
        by = Actor(person=task.decided_by, post=task.decided_by, agency=task.agency)
        event = TaskMoved(by=by, case=task.case, step=task.step, agency=task.agency, kind="stick", state=task.state)
        journal.act(task, "stick", event)
