"""What people are told of the dossiers in which they stand and of their corrections, in the portal's inbox."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_noop

from onedoor.cases import directory, dossiers
from onedoor.cases.context import about, named
from onedoor.cases.journey import service_of
from onedoor.cases.models import Dossier
from onedoor.identity import service as identity
from onedoor.kernel import nation
from onedoor.kernel.text import Text
from onedoor.notices import service as notices
from onedoor.privacy import service as privacy
from onedoor.privacy.events import BreachTold, RequestTold
from onedoor.procedures.service import Service
from onedoor.registers.events import CorrectionAnswered, CorrectionLate

TEXTS: Mapping[str, str] = {
    "submitted": gettext_noop("We have received your case {code}: {title}."),
    "done": gettext_noop("{result} is ready. {agency} has signed it."),
    "verify": gettext_noop(
        "{agency} must verify something in case {code}, so the law gives it more time. The reason is in the case."
    ),
    "supplement": gettext_noop(
        "{agency} asks you for something in case {code}. The clock stands still until you answer."
    ),
    "refuse": gettext_noop(
        "{agency} has refused a part of case {code}. The reason and the article of law are in the case."
    ),
    "hand_over": gettext_noop("A part of case {code} was handed over to {agency}, which is in charge."),
    "expire": gettext_noop("No answer came in time: {agency} has stopped a part of case {code}."),
    "withdrawn": gettext_noop("You have withdrawn case {code}."),
}
"""Kind of transition to its English sentence, the gettext key."""
NAMED = gettext_noop("You are named in case {code}: {title}. You can follow it and see its results.")
TEXTS_OF_NAMED: Mapping[str, str] = {
    **{kind: text for kind, text in TEXTS.items() if kind not in {"submitted", "supplement", "withdrawn"}},
    "submitted": NAMED,
    "withdrawn": gettext_noop("Case {code}, in which you are named, was withdrawn."),
}
"""What another person who stands in the case is told; only who applied can answer what an agency asks for."""
CORRECTED = gettext_noop("{agency} has corrected what you said is wrong: {field} (request {code}).")
NOT_CORRECTED = gettext_noop(
    "{agency} has not corrected what you said is wrong: {field} (request {code}). "
    "The reason is on the page of corrections."
)
NOT_DECIDED = gettext_noop(
    "{agency} has not decided in time on what you said is wrong: {field} (request {code}). "
    "It was due by {due}. You need do nothing: the agency sees that it is late, and you are told once it has decided."
)

BREACHED = gettext_noop(
    "{agency}: data about you were read or leaked unlawfully. {words} "
    "Be careful with calls and messages that use such data, and look at who read yours. Whom you can ask: {contact}."
)
OF_REQUESTS: Mapping[str, str] = {
    "asked": gettext_noop("{agency} has received your request: {right} ({code}). It answers by {due}."),
    "extended": gettext_noop(
        "{agency} needs more time for your request: {right} ({code}), until {due}. "
        "The reason is on the page of your rights."
    ),
    "granted": gettext_noop("{agency} has granted your request: {right} ({code})."),
    "erased": gettext_noop("{agency} has erased your data, as you asked ({code}). That is complete on {complete_on}."),
    "refused": gettext_noop(
        "{agency} has refused your request: {right} ({code}). "
        "The article of law and the reason are on the page of your rights."
    ),
}
"""What a person is told of each step of a request about their own data."""


def notify(code: str, kind: str, step: str, key: str) -> None:
    """Tell the applicant of *code*, and whoever else is named in it, once for each *key* (the id of the transition).

    The name of whom it is about is told to the applicant, who wrote it; to others when they open the case, on record.
    """
    dossier = Dossier.objects.get(code=code)
    service, body = service_of(dossier), dossier.read()
    facts: dict[str, str | Text] = {"code": code, "title": service.title}
    if step:
        row = dossier.steps.get(ref=step)
        issues = service.steps[step].issues
        facts["agency"] = nation.current().agencies[row.agency].name
        facts["result"] = service.results[issues].title if issues else service.steps[step].title
    subject = _subject(service, body, code)
    notices.tell(dossier.account, TEXTS[kind], facts, key=key, link=f"cases/{code}", about=subject)
    for account in _others(dossier, body) if kind in TEXTS_OF_NAMED else ():
        own_key = _once_named(code) if kind == "submitted" else key
        notices.tell(account, TEXTS_OF_NAMED[kind], facts, key=own_key, link=f"cases/{code}", about=code)


def notify_of_cases(account: str) -> None:
    """Tell a person who signed in, once for each, in which cases of others they are named."""
    number = identity.person_number(account)
    for dossier in Dossier.objects.filter(parties__person=dossiers.mark(number)).distinct() if number else ():
        if dossier.account != account:
            service, code = service_of(dossier), dossier.code
            facts: dict[str, str | Text] = {"code": code, "title": service.title}
            notices.tell(account, NAMED, facts, key=_once_named(code), link=f"cases/{code}", about=code)


def _others(dossier: Dossier, body: Mapping[str, Any]) -> set[str]:
    """Return the accounts of the persons named in a case, but that of the applicant."""
    return {identity.account_of(number) for number in named(body).values()} - {"", dossier.account}


def _subject(service: Service, body: Mapping[str, Any], code: str) -> str:
    """Return whom a case is about, and its code."""
    name = about(service, body)
    return f"{name} · {code}" if name else code


def _once_named(code: str) -> str:
    return f"named:{code}"


def notify_of_correction(answered: CorrectionAnswered) -> None:
    """Tell the person who asked, once, that a correction is decided; the fact itself stays in its register."""
    facts: dict[str, str | Text] = {
        "code": answered.code,
        "field": directory.fields(answered.register)[answered.field]["name"],
        "agency": directory.systems()[answered.by.agency],
    }
    text = CORRECTED if answered.accepted else NOT_CORRECTED
    key = f"correction:{answered.by.agency}:{answered.code}"
    notices.tell(answered.by.for_whom, text, facts, key=key, link="corrections/")


def notify_of_late_correction(late: CorrectionLate) -> None:
    """Tell the person who asked, once, that a correction is not decided in time."""
    facts: dict[str, str | Text] = {
        "code": late.code,
        "field": directory.fields(late.register)[late.field]["name"],
        "agency": directory.systems()[late.by.agency],
        "due": f"{nation.current().calendar.local(late.due):%d/%m/%Y}",
    }
    key = f"correction:{late.by.agency}:{late.code}:late"
    notices.tell(late.by.for_whom, NOT_DECIDED, facts, key=key, link="corrections/")


def notify_of_breach(told: BreachTold) -> None:
    """Tell a person, once, that a breach touched their data, in the words of the agency where it happened."""
    said = privacy.breach_words(told.telling)
    facts: dict[str, str | Text] = {"agency": said.agency, "words": said.words, "contact": said.contact}
    notices.tell(told.by.for_whom, BREACHED, facts, key=f"breach:{told.telling}", link="reads")


def notify_of_request(told: RequestTold) -> None:
    """Tell the person who asked, once, of a step of a request about their data; what was said stays at the agency."""
    step = "erased" if told.complete_on else told.step
    due = nation.current().calendar.local(told.due)
    facts: dict[str, str | Text] = {
        "code": told.code,
        "right": privacy.right_name(told.right),
        "agency": directory.systems()[told.by.agency],
        "due": f"{due:%d/%m/%Y}",
        "complete_on": f"{told.complete_on:%d/%m/%Y}" if told.complete_on else "",
    }
    key = f"request:{told.by.agency}:{told.code}:{told.step}"
    notices.tell(told.by.for_whom, OF_REQUESTS[step], facts, key=key, link="my-data")
