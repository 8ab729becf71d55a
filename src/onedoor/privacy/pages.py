"""A person's pages at the portal: who read my data, at any agency, and the proof of each read."""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from onedoor.kernel import nation
from onedoor.kernel.access import IDENTIFIED, PUBLIC, access, acting
from onedoor.kernel.errors import NotFound, Unavailable
from onedoor.kernel.ids import BadCaseCode, read_case_code, read_id
from onedoor.kernel.settings import current as settings
from onedoor.kernel.text import pick
from onedoor.privacy import asking, exporting, rights
from onedoor.privacy.asking import HeldRead
from onedoor.privacy.own import MOST, Proof, Wanted
from onedoor.privacy.words import basis_of, post_of
from onedoor.store import ledger

UNPROCESSABLE = 422
FILTERS = ("agency", "purpose", "case", "since", "until", "looks")
TEXT = "text/plain; charset=utf-8"
DAY_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
NO_DAY = {
    "since": gettext_noop("Enter the first day as in 31/12/2026."),
    "until": gettext_noop("Enter the last day as in 31/12/2026."),
}
FIRST_YEAR, LAST_YEAR = 1900, 9000
MINUTE = 60
ROUNDS = 10
"""Questions to each agency that one export asks at most: it holds `MOST` reads of each."""


class ProofNotYet(Unavailable):
    """This read is not under a signed checkpoint of {holder} yet. That takes about a second. Please try again."""


class DetailsNotAlone(NotFound):
    """What was entered of this read names other people as well, and cannot be given in part. Its proof can be."""


@access(IDENTIFIED)
@require_safe
def reads(request: HttpRequest) -> HttpResponse:
    """Show who read which of the person's data, why and when; the page is begun while the agencies answer."""
    typed = _typed(request)
    wanted, wrong = _wanted(typed, request.GET.get("before", ""))
    wanted = replace(wanted, language=get_language() or "")
    kept = {name: value for name, value in typed.items() if value}
    context = {
        "asked": (lambda _write: asking.OwnReads((), ())) if wrong else asking.ask(acting(request), wanted),
        "by_day": _days,
        "typed": typed,
        "wrong": wrong,
        "filtered": bool(kept),
        "later": bool(wanted.before),
        "query": urlencode(kept),
        "next_page": lambda found: urlencode({**kept, "before": found.next}),
        "agencies": nation.current().agencies.values(),
        "purposes": rights.purposes().values(),
        "basis_of": basis_of,
        "post_of": post_of,
    }
    return render(request, "privacy/reads.html", context, status=UNPROCESSABLE if wrong else 200)


@access(IDENTIFIED)
@require_safe
def read(request: HttpRequest, system: str, record: UUID) -> HttpResponse:
    """Show one read of the person's data and where its proof is."""
    held = _held(request, system, record)
    context = {"held": held, "read": held.view, "at": system, "basis": basis_of(held.view), "post": post_of(held.view)}
    return render(request, "privacy/read.html", context)


@access(IDENTIFIED)
@require_safe
def proof(request: HttpRequest, system: str, record: UUID) -> HttpResponse:
    """Give the proof that a read stands in its agency's ledger, as a C2SP tlog-proof file."""
    return _file(_proof(request, system, record).proof, f"{record}.tlog-proof")


@access(IDENTIFIED)
@require_safe
def details(request: HttpRequest, system: str, record: UUID) -> HttpResponse:
    """Give what was entered of a read, as far as it is the person's, to be held against the proof."""
    found = _proof(request, system, record)
    if not found.details:
        raise DetailsNotAlone
    return _file(found.details, f"{record}.details")


@access(IDENTIFIED)
@require_safe
def key(request: HttpRequest, system: str, record: UUID) -> HttpResponse:
    """Give the public key of the system that holds a read, to compare with the one got in another way."""
    found = asking.proof(acting(request), _held(request, system, record))
    return _file(f"{found.key}\n", f"{system}.key")


@access(IDENTIFIED)
@require_safe
def export(request: HttpRequest, kind: str) -> HttpResponse:
    """Give all reads that the page's filters leave, as a CSV or a JSON file."""
    typed = _typed(request)
    wanted, wrong = _wanted(typed, request.GET.get("before", ""))
    if wrong or kind not in exporting.KINDS:
        raise Http404
    found = _all(request, replace(wanted, most=MOST - 1))
    content, content_type = exporting.KINDS[kind](found)
    name = f"reads-{nation.current().today():%Y-%m-%d}.{kind}"
    return HttpResponse(
        content, content_type=content_type, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@access(PUBLIC)
@require_safe
def check(request: HttpRequest) -> HttpResponse:
    """Say to anybody how the trail can be checked without trusting this site."""
    key, here = str(ledger.verifier()), settings().public_url
    return render(request, "privacy/check.html", {"key": key, "ledger": f"{here}/ledger"})


@access(PUBLIC)
@require_safe
def sealed(request: HttpRequest) -> HttpResponse:
    """Show to anybody how many sealed reads each agency made, month by month, at all systems."""
    return render(request, "privacy/sealed.html", {"found": asking.sealed_counts(int(time.time() // MINUTE))})


def _all(request: HttpRequest, wanted: Wanted) -> asking.OwnReads:
    """Return the reads of many pages as one; what is beyond them begins after ``next``."""
    found = asking.reads(acting(request), wanted)
    for _round in range(ROUNDS - 1):
        if not found.next:
            break
        page = asking.reads(acting(request), replace(wanted, before=found.next))
        silent = tuple({str(one): one for one in (*found.silent, *page.silent)}.values())
        found = asking.OwnReads((*found.reads, *page.reads), silent, page.next)
    return found


def _held(request: HttpRequest, system: str, record: UUID) -> HeldRead:
    """Return a read of who acts by the system that holds it, whose name is written with dots in an address."""
    name = system.replace(".", "/")
    if not asking.known(name):
        raise Http404
    return asking.one_read(acting(request), name, record)


def _proof(request: HttpRequest, system: str, record: UUID) -> Proof:
    held = _held(request, system, record)
    found = asking.proof(acting(request), held)
    if not found.proof:
        raise ProofNotYet(holder=pick(held.holder, get_language() or ""))
    return found


def _file(content: str, name: str) -> HttpResponse:
    return HttpResponse(content, content_type=TEXT, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _typed(request: HttpRequest) -> dict[str, str]:
    """Return what stands in the filters; the database has no sign for a zero."""
    return {name: request.GET.get(name, "").replace("\0", "").strip()[:120] for name in FILTERS}


def _wanted(typed: Mapping[str, str], before: str) -> tuple[Wanted, dict[str, str]]:
    """Return what was asked for, and what is wrong with it by field."""
    wrong: dict[str, str] = {}
    days = {"since": "", "until": ""}
    for name in days:
        try:
            days[name] = day_of(typed[name])
        except ValueError:
            wrong[name] = _(NO_DAY[name])
    if days["until"] and days["since"] > days["until"]:
        wrong["until"] = _("The last day is before the first one.")
    case = typed["case"]
    try:
        case = read_case_code(case) if case else ""
    except BadCaseCode as error:
        wrong["case"] = error.text(_)
    looks, agency, purpose = bool(typed["looks"]), typed["agency"][:60], typed["purpose"][:80]
    chosen = Wanted(read_id(before), agency=agency, purpose=purpose, case=case, looks=looks)
    return replace(chosen, since=days["since"], until=days["until"]), wrong


def day_of(text: str) -> str:
    """Return a day in ISO form, or nothing for nothing; raise ValueError."""
    if found := DAY_FIRST.fullmatch(text):
        text = date(int(found[3]), int(found[2]), int(found[1])).isoformat()
    if text and not FIRST_YEAR <= date.fromisoformat(text).year <= LAST_YEAR:
        raise ValueError(text)
    return text and date.fromisoformat(text).isoformat()


def _days(found: Sequence[HeldRead]) -> list[tuple[Any, list[HeldRead]]]:
    """Return the reads by the day they were made, in the order they have."""
    return [(day, list(held)) for day, held in groupby(found, attrgetter("day"))]
