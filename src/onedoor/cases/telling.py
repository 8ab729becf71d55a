"""How a node tells the portal what came of a task, on record first, until it is acknowledged."""

import base64
from typing import Any

from onedoor.cases import held, words
from onedoor.cases.errors import NotSealed, SealRefused
from onedoor.cases.held import SERVICE, Given
from onedoor.cases.models import IssuedResult, Task
from onedoor.cases.reasons import reason
from onedoor.cases.working import verify_url
from onedoor.exchange import service as exchange
from onedoor.exchange.service import ProviderError
from onedoor.kernel.errors import OnedoorError
from onedoor.procedures.service import pinned


def tell(task_id: str, number: int) -> None:
    """Send outcome *number* of a task; an error is kept for the officer to see, and raised so that it is sent again."""
    task = Task.objects.get(pk=task_id)
    if task.told >= number:
        return
    message = _message(task, task.read("work"), number)
    _record(task, message)
    try:
        exchange.call(
            f"{task.origin}/{SERVICE}",
            "outcome",
            message,
            reason=reason(SERVICE, task.case),
            user=task.decided_by,
            key=f"{task.key}:outcome:{number}",
        )
    except OnedoorError as error:
        Task.objects.filter(pk=task.pk).update(trouble=words.keep(_told(error)))
        raise
    Task.objects.filter(pk=task.pk, told__lt=number).update(told=number, trouble="")


def _record(task: Task, message: dict[str, Any]) -> None:
    """Put on record that the portal is given the outcome, once however often it is sent."""
    service, payload = pinned(task.service, task.version, task.digest), task.read("payload")
    given = held.outcome(service, task.step, payload, message)
    moment = task.acts.filter(kind=message["kind"]).latest("moment").moment
    what = Given(task.case, task.service, payload["applicant"], *given)
    held.give(held.member_of(task.origin), what, since=moment)


def _told(error: OnedoorError) -> OnedoorError:
    """Return what the officer reads of *error*: that the portal found no valid seal, or the error itself."""
    body = error.answer.body if isinstance(error, ProviderError) and error.answer else None
    refused = isinstance(body, dict) and str(body.get("type")).endswith(f":{NotSealed.__name__}")
    return SealRefused(what="result") if refused else error


def _message(task: Task, work: dict[str, Any], number: int) -> dict[str, Any]:
    outcome = dict(work["outcomes"][number - 1])
    head = {
        "case": task.case,
        "step": task.step,
        "round": task.round,
        "agency": task.agency,
        "by": outcome.pop("by", task.decided_by),
    }
    if outcome["kind"] == "done":
        outcome |= {"records": work.get("records", {}), "result": _result(task)}
    return head | outcome


def _result(task: Task) -> dict[str, Any] | None:
    row = IssuedResult.objects.filter(task=task).first()
    if row is None:
        return None
    return {
        "id": str(row.pk),
        "kind": row.kind,
        "issued_at": row.issued_at.isoformat(),
        "sha256": row.sha256,
        "verify_url": verify_url(str(row.pk)),
        "file": base64.b64encode(row.content()).decode(),
        **row.read(),
    }
