"""The inbox."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_POST, require_safe

from onedoor.kernel.access import PERSON, access, acting
from onedoor.kernel.text import pick
from onedoor.notices import service

LONG = 7
"""Digits of a page's number that leads nowhere."""


@dataclass(frozen=True, slots=True)
class Line:
    """A notice in words, ready for the page."""

    id: str
    words: str
    about: str
    told: datetime
    unread: bool
    leads: bool


@access(PERSON)
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """Show what the person was told, newest first."""
    actor = acting(request)
    number = request.GET.get("page", "1")
    found = service.inbox(actor.person, int(number) if number.isdecimal() and len(number) < LONG else 1)
    lines = [_line(notice) for notice in found.notices]
    return render(request, "notices/inbox.html", {"notices": found.page, "lines": lines})


@access(PERSON)
@require_POST
def opened(request: HttpRequest, notice: UUID) -> HttpResponse:
    """Note that a notice was opened and go where it leads."""
    actor = acting(request)
    link = service.mark_read(actor.person, notice)
    return HttpResponseRedirect(f"/{get_language()}/{link}" if link else reverse("notices:inbox"))


@access(PERSON)
@require_POST
def all_read(request: HttpRequest) -> HttpResponse:
    """Note that the whole inbox was seen."""
    actor = acting(request)
    service.mark_all_read(actor.person)
    return HttpResponseRedirect(reverse("notices:inbox"))


def _line(notice: service.NoticeView) -> Line:
    language = get_language() or "en"
    facts = {name: value if isinstance(value, str) else pick(value, language) for name, value in notice.facts.items()}
    words = gettext(notice.text).format_map(facts)
    return Line(notice.id, words, notice.about, notice.told, notice.unread, bool(notice.link))
