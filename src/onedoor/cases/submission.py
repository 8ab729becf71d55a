"""From a finished draft to a dossier, once for each key."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from onedoor.cases import dossiers, exclusive, journal, queue, rules
from onedoor.cases.context import named, reused
from onedoor.cases.drafts import service_of
from onedoor.cases.errors import Barred, NoDraft, NotReady
from onedoor.cases.events import DossierSubmitted
from onedoor.cases.file import DossierView
from onedoor.cases.journey import begin
from onedoor.cases.models import Attachment, Dossier, Draft, Party, Step
from onedoor.cases.paper import Paper, today
from onedoor.kernel import clock
from onedoor.kernel.actor import Actor
from onedoor.kernel.errors import BadInput
from onedoor.kernel.ids import uuid7
from onedoor.procedures import service as procedures
from onedoor.procedures.service import Service

KEY = re.compile(r"[A-Za-z0-9-]{1,64}")


def submit(service: str, key: str, actor: Actor) -> DossierView:
    """Open a dossier from the draft; *key* (from the review page) makes sending twice one dossier.

    What is returned tells nothing of what was declared: that is a read, see `dossiers.view`.
    """
    if not KEY.fullmatch(key):
        raise BadInput(what=gettext("the request is malformed"))
    with transaction.atomic():
        draft = Draft.objects.select_for_update().filter(account=actor.person, service=service, submitted_as="").first()
        done = Dossier.objects.filter(account=actor.person, key=key, service=service).first()
        if draft and not done:
            done = _open(draft, key, actor)
    if done is None:
        raise NoDraft
    return dossiers.view(done.code, actor, ())


def _open(draft: Draft, key: str, actor: Actor) -> Dossier:
    body = {**draft.read(), "today": today()}
    paper = Paper(draft, service_of(draft), body)
    view = paper.view
    if view.barred:
        raise Barred
    if not view.ready:
        raise NotReady
    dossier = _dossier(draft, paper, key)
    rows = list(_steps(dossier, paper))
    Step.objects.bulk_create(rows)
    exclusive.claim(dossier, paper, actor)
    Party.objects.bulk_create(_parties(dossier, body))
    Attachment.objects.filter(holder=draft.pk).exclude(field__in=list(paper.answers)).delete()
    Attachment.objects.filter(holder=draft.pk).update(holder=dossier.pk)
    draft.submitted_as = dossier.code
    draft.write({})
    draft.save()
    journey = begin(dossier, paper.service, rows, actor)
    event = DossierSubmitted(**journey.facts, version=dossier.version)
    row = journal.transition(dossier, "submit", event)
    queue.notify(dossier.code, "submitted", "", str(row.id))
    return dossier


def _dossier(draft: Draft, paper: Paper, key: str) -> Dossier:
    """Return the dossier with the version it begins with, its clock, and all that was declared."""
    service, now = paper.service, clock.now()
    started = procedures.start(service, now)
    body = {
        **paper.body,
        "answers": paper.answers,
        "case": {"code": draft.code, "submitted": paper.body["today"]},
        "applicant": {"name": paper.body["session"]["name"], "number": paper.body["session"]["number"]},
        "declared": [_plain(line) for line in paper.declared],
        "reused": reused(service, (step.id for step in procedures.steps_of(service, paper.known)), paper.known),
        "records": {},
        "supplements": {},
    }
    dossier = Dossier(
        id=uuid7(),
        code=draft.code,
        account=draft.account,
        key=key,
        service=service.id,
        version=service.version,
        digest=draft.digest or procedures.pin(service),
        state=rules.WORKING,
        submitted_at=now,
        counted_from=started,
        due=procedures.whole_due(service, started),
        limit=service.clock.total,
    )
    dossier.write(body)
    dossier.save(force_insert=True)
    return dossier


def _plain(line: Any) -> dict[str, Any]:  # noqa: ANN401 - a line of the declaration
    texts = {"label": dict(line.label), "value": dict(line.value), "source": dict(line.source)}
    return {"name": line.name, **texts, "disputed": line.disputed}


def _steps(dossier: Dossier, paper: Paper) -> Iterator[Step]:
    """Yield every step of the definition; one that this case does not take is skipped from the start."""
    service: Service = paper.service
    taken = {step.id for step in procedures.steps_of(service, paper.known)}
    for position, step in enumerate(service.steps.values()):
        yield Step(
            id=uuid7(),
            dossier=dossier,
            ref=step.id,
            position=position,
            agency=procedures.owner(step, paper.known) if step.id in taken else "",
            state=rules.WAITING if step.id in taken else rules.SKIPPED,
            limit=step.within,
        )


def _parties(dossier: Dossier, body: Mapping[str, Any]) -> Iterator[Party]:
    for role, number in named(body).items():
        yield Party(dossier=dossier, role=role, person=dossiers.mark(number))
