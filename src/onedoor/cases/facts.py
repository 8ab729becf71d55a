"""Facts the State already holds, asked of its registers over the exchange: each once, several at the same time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from onedoor.cases.directory import holder
from onedoor.exchange import service as exchange
from onedoor.exchange.service import Answer, Call, Reason
from onedoor.kernel import clock
from onedoor.kernel.errors import OnedoorError
from onedoor.procedures.service import Found, Query


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What a register answers that is asked for records: these, and under which id the read is on record there."""

    records: tuple[dict[str, Any], ...]
    read: UUID


@dataclass
class Asker:
    """Asks registers for one person's draft; what does not answer is kept in ``failed`` with the reason.

    The sources in ``skip`` did not answer before and are asked again only when the person wants it.
    """

    case: str
    user: str
    skip: frozenset[str] = frozenset()
    failed: dict[str, str] = field(default_factory=dict)

    def __call__(self, queries: Sequence[Query]) -> Mapping[str, Found]:
        """Return what was found, by source; a source that does not answer is left out."""
        now = [query for query in queries if query.source.id not in self.skip]
        answers = exchange.call_many([self._call(query) for query in now])
        found = {}
        for query, answer in zip(now, answers, strict=True):
            if isinstance(answer, OnedoorError):
                self.failed[query.source.id] = str(answer)
            else:
                found[query.source.id] = self._found(query, answer)
        return found

    def _call(self, query: Query) -> Call:
        source = query.source
        return Call(
            f"{holder(source.register)}/{source.register}",
            "lookup",
            {"by": dict(query.by)},
            reason=Reason(source.purpose, source.basis, self.case),
            user=self.user,
            answered=LookedUp,
        )

    def _found(self, query: Query, answer: Answer) -> Found:
        looked: LookedUp = answer.body
        note = {"record": str(looked.read), "moment": clock.now().isoformat()}
        return Found(query.by, looked.records, note)
