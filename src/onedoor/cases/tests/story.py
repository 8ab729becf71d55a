"""Steps of the story that several tests take."""

from collections.abc import Callable

from onedoor.cases import service
from onedoor.cases.file import DossierView
from onedoor.cases.tests.conftest import HOUSEHOLD, work
from onedoor.cases.views import DraftView
from onedoor.kernel.actor import Actor

SignIn = Callable[[str], Actor]
BIRTH = "vn.birth-linked"
ANSWERS = {
    "relation": "mother",
    "child_name": "Lê Trần An Nhiên",
    "ethnicity": "Kinh",
    "native_place": "01",
    "home": HOUSEHOLD,
    "wants_identity_card": "no",
    "delivery": "electronic",
    "integrate": "no",
    "declaration": "yes",
}


def fill(actor: Actor, **other: str) -> DraftView:
    draft = service.begin(BIRTH, actor)
    for _ in range(len(draft.pages) + 8):
        if not draft.next_page or draft.barred:
            break
        page = draft.page(draft.next_page)
        raw = {}
        for question in page.questions:
            offered = [choice.value for choice in question.choices]
            given = {**ANSWERS, **other}.get(question.name, "")
            raw[question.name] = offered[0] if offered and given not in offered else given
        draft = service.answer(BIRTH, page.id, raw, actor)
        if draft.next_page == page.id and not raw:
            break
    return draft


def submit(actor: Actor, *, key: str = "key-1", **other: str) -> DossierView:
    draft = fill(actor, **other)
    assert draft.ready, (draft.next_page, draft.barred, draft.missing)
    return service.submit(BIRTH, key, actor)


def handed_over(actor: Actor, *, key: str = "key-1", **other: str) -> DossierView:
    dossier = submit(actor, key=key, **other)
    work()
    return service.view(dossier.code, actor, ())


def states(dossier: DossierView) -> dict[str, str]:
    return {step.id: step.state for step in dossier.steps}


def only(actor: Actor) -> str:
    (line,) = service.inbox(actor).lines
    return line.id
