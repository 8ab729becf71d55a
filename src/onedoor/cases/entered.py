"""How transitions, acts, attempts and issued results are written out again, to be held against the ledger."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from django.db import models
from django.db.models.functions import Collate

from onedoor.cases.journal import act_facts, attempt_facts, content, issued_facts, transition_facts
from onedoor.cases.models import Act, Attempt, IssuedResult, Transition
from onedoor.store import details

M = TypeVar("M", Act, Attempt, IssuedResult, Transition)


def _register(kind: str, rows: "models.QuerySet[M]", facts: Callable[[M], dict[str, str]]) -> None:
    def entered(entry: str) -> Iterator[tuple[str, bytes]]:
        found = rows.filter(entry=entry) if entry else rows.all()
        for row in found.order_by(Collate("entry", "C")).iterator(chunk_size=details.AT_ONCE):
            envelope = getattr(row, "detail", None)
            yield row.entry, content(facts(row), bytes(envelope) if envelope else None)

    details.register(kind, entered)


_register("cases.transition", Transition.objects.select_related("dossier"), transition_facts)
_register("cases.act", Act.objects.select_related("task"), act_facts)
_register("cases.attempt", Attempt.objects.all(), attempt_facts)
_register("cases.issued", IssuedResult.objects.defer("file", "body"), issued_facts)
