"""How transitions, acts, attempts and issued results are written out again, to be held against the ledger.

The newest transition of a dossier and the newest act on a task also say where that stands today: the dossier with its
steps, each in its state, with its dates.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

from django.db import models
from django.db.models import Func, OuterRef, Subquery

from onedoor.cases.journal import act_facts, attempt_facts, content, issued_facts, transition_facts
from onedoor.cases.models import Act, Attempt, IssuedResult, Transition
from onedoor.cases.models.standing import of_dossier, of_task
from onedoor.store import details

M = TypeVar("M", Act, Attempt, IssuedResult, Transition)
J = TypeVar("J", Act, Transition)


def _register(kind: str, rows: "models.QuerySet[M]", facts: Callable[[M], Mapping[str, object]]) -> None:
    def written(row: M) -> bytes:
        envelope = getattr(row, "detail", None)
        return content(facts(row), bytes(envelope) if envelope else None)

    details.register(kind, lambda entry: details.behind(rows, entry, written))


def _digest(column: str) -> Func:
    """Return the SHA-256 of a column in hex, which the database computes: a whole file is never fetched."""
    return Func(column, template="encode(sha256(%(expressions)s), 'hex')", output_field=models.TextField())


def _issued(row: IssuedResult) -> Mapping[str, object]:
    """Return what was entered of a result; nothing of one in the first form that is not as all were then."""
    facts = issued_facts(row, getattr(row, "body_digest"), getattr(row, "file_digest"))  # noqa: B009 - annotated
    return facts if row.form > 1 or row.state == "valid" else {}


def _with_last(model: type[J], of: str) -> "models.QuerySet[J]":
    """Return the rows of *model*, each with the id of the newest of what they are *of*, as ``last``."""
    newest = model._default_manager.filter(**{of: OuterRef(of)}).order_by("-moment", "-id")
    return model._default_manager.select_related(of).annotate(last=Subquery(newest.values("id")[:1]))


def _transition(row: Transition) -> Mapping[str, object]:
    """Return what was entered of a transition; nothing of the newest when its dossier does not stand as it left it."""
    if _newest(row) and (row.state != row.dossier.state or _moved(row.stands, partial(of_dossier, row.dossier))):
        return {}
    return transition_facts(row)


def _act(row: Act) -> Mapping[str, object]:
    """Return what was entered of an act; nothing of the newest when its task does not stand as it left it."""
    if _newest(row) and (row.state != row.task.state or _moved(row.stands, partial(of_task, row.task))):
        return {}
    return act_facts(row)


def _newest(row: Act | Transition) -> bool:
    return bool(row.pk == getattr(row, "last"))  # noqa: B009 - annotated


def _moved(stood: str, stands: Callable[[], str]) -> bool:
    return bool(stood) and stood != stands()


_ISSUED = IssuedResult.objects.defer("file", "body").annotate(body_digest=_digest("body"), file_digest=_digest("file"))
_register("cases.transition", _with_last(Transition, "dossier").prefetch_related("dossier__steps"), _transition)
_register("cases.act", _with_last(Act, "task"), _act)
_register("cases.attempt", Attempt.objects.all(), attempt_facts)
_register("cases.issued", _ISSUED, _issued)
