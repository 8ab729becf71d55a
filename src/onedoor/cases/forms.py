"""Forms of the room's pages: which control asks a question, and what was typed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from onedoor.cases.views import DraftView, PageView, Question
from onedoor.kernel.text import Text

MOST_RADIOS = 6
PARTS = ("year", "month", "day")
CONTROLS: Mapping[str, str] = {
    "date": "date",
    "file": "file",
    "yesno": "yesno",
    "yes_no": "yesno",
    "boolean": "yesno",
    "consent": "check",
    "note": "area",
    "long_text": "area",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on a page: its control, what stands in it, and what is wrong with that."""

    question: Question
    id: str
    control: str
    value: str
    wrong: Text | None


def control(question: Question) -> str:
    """Return how *question* is asked: by ``radios``, a ``select`` or one of `CONTROLS`; else by a line of ``text``."""
    if question.choices:
        return "radios" if len(question.choices) <= MOST_RADIOS else "select"
    return CONTROLS.get(question.type, "text")


def closing(draft: DraftView) -> PageView | None:
    """Return the last page when it asks only for consents: the review asks them, beside what is consented to."""
    last = draft.pages[-1]
    consents = last.questions and all(control(question) == "check" for question in last.questions)
    return last if consents and not last.facts and not last.missing else None


def asked(
    questions: Sequence[Question], typed: Mapping[str, Any] | None = None, errors: Mapping[str, Text] | None = None
) -> Sequence[Asked]:
    """Return *questions* as the page asks them, with what was typed and the errors in it."""
    return [
        Asked(
            question=question,
            id="q-" + question.name.replace(".", "-"),
            control=control(question),
            value=_shown(typed[question.name] if typed and question.name in typed else question.value),
            wrong=(errors or {}).get(question.name),
        )
        for question in questions
    ]


def typed(request: HttpRequest, questions: Sequence[Question]) -> dict[str, str | list[str]]:
    """Return what was typed for *questions*; a date of three parts as ``y-m-d``."""
    return {question.name: _typed(request, question) for question in questions if control(question) != "file"}


def files(request: HttpRequest) -> dict[str, tuple[str, bytes]]:
    """Return the files that were sent: field to name and bytes."""
    return {name: (sent.name or "", sent.read()) for name, sent in request.FILES.items() if not isinstance(sent, list)}


def _typed(request: HttpRequest, question: Question) -> str:
    if control(question) != "date" or question.name in request.POST:
        return request.POST.get(question.name, "").strip()
    parts = [request.POST.get(f"{question.name}-{part}", "").strip() for part in PARTS]
    if not any(parts):
        return ""
    return "-".join((parts[0], parts[1].zfill(2), parts[2].zfill(2)))


def _shown(value: object) -> str:
    if value is None:
        return ""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
