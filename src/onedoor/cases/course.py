"""How a dossier went, by the portal's own record: for who measures services. No name, no answer, no file leaves."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from onedoor.cases import journal, seals
from onedoor.cases.errors import NoSuchCase
from onedoor.cases.models import Dossier, Result, Transition
from onedoor.store import ledger, sealed


@dataclass(frozen=True, slots=True)
class Course:
    """Where a dossier and its steps stand; ``results`` maps steps to the kind of result that the portal holds."""

    code: str
    account: str
    service: str
    version: str
    digest: str
    state: str
    submitted_at: datetime
    ended_at: datetime | None
    steps: Mapping[str, str]
    results: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Passage:
    """One transition: ``recorded`` says whether the ledger holds it as it stands here today."""

    kind: str
    step: str
    by: str
    recorded: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a dossier proves: how much was answered and reused, its passages, the results whose seals hold."""

    answers: int
    reused: int
    passages: tuple[Passage, ...]
    sealed: frozenset[str]


def course(code: str) -> Course:
    """Return how the dossier *code* went; raise `NoSuchCase`."""
    dossier = _dossier(code)
    return Course(
        code=dossier.code,
        account=dossier.account,
        service=dossier.service,
        version=dossier.version,
        digest=dossier.digest,
        state=dossier.state,
        submitted_at=dossier.submitted_at,
        ended_at=dossier.ended_at,
        steps=dict(dossier.steps.values_list("ref", "state")),
        results=dict(dossier.results.values_list("step", "kind")),
    )


def evidence(code: str) -> Evidence:
    """Return what the dossier *code* proves, each seal and each line of the ledger checked now."""
    dossier = _dossier(code)
    try:
        body = dossier.read()
        valid = frozenset(result.kind for result in dossier.results.all() if _holds(result))
    except sealed.KeyDestroyed:
        return Evidence(0, 0, (), frozenset())
    return Evidence(len(body["declared"]), body["reused"], tuple(_passages(dossier)), valid)


def _dossier(code: str) -> Dossier:
    found = Dossier.objects.filter(code=code).first()
    if found is None:
        raise NoSuchCase(code=code)
    return found


def _passages(dossier: Dossier) -> Iterator[Passage]:
    for row in dossier.transitions.select_related("dossier"):
        yield Passage(row.kind, row.step, row.by, _recorded(row))


def _recorded(row: Transition) -> bool:
    entered = journal.content(journal.transition_facts(row), bytes(row.detail) if row.detail else None)
    found = ledger.placed(UUID(row.entry))
    return found is not None and found[0].commitment == sha256(entered).digest()


def _holds(result: Result) -> bool:
    """Return whether the file that is held is the one that came, under a valid seal of the agency of its step."""
    file = result.content()
    verdict = seals.check(file, twice=False)
    return verdict.valid and verdict.agency == result.agency and seals.digest(file) == result.sha256
