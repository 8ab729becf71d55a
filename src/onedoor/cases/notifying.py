"""What a person is told of their dossier and their corrections, in the portal's inbox."""

from collections.abc import Mapping

from django.utils.translation import gettext_noop

from onedoor.cases import directory
from onedoor.cases.journey import service_of
from onedoor.cases.models import Dossier
from onedoor.kernel import nation
from onedoor.kernel.text import Text
from onedoor.notices import service as notices
from onedoor.registers.events import CorrectionAnswered

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
CORRECTED = gettext_noop("{agency} has corrected what you said is wrong: {field} (request {code}).")
NOT_CORRECTED = gettext_noop(
    "{agency} has not corrected what you said is wrong: {field} (request {code}). "
    "The reason is on the page of corrections."
)


def notify(code: str, kind: str, step: str, key: str) -> None:
    """Tell the applicant of *code* once for each *key* (the id of the transition)."""
    dossier = Dossier.objects.get(code=code)
    service = service_of(dossier)
    facts: dict[str, str | Text] = {"code": code, "title": service.title}
    if step:
        row = dossier.steps.get(ref=step)
        issues = service.steps[step].issues
        facts["agency"] = nation.current().agencies[row.agency].name
        facts["result"] = service.results[issues].title if issues else service.steps[step].title
    notices.tell(dossier.account, TEXTS[kind], facts, key=key, link=f"cases/{code}")


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
