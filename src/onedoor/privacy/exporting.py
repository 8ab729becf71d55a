"""A person's reads as a file to take along: CSV for a spreadsheet, JSON for a program."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from onedoor.kernel.text import Text, cell, pick
from onedoor.privacy.asking import HeldRead, OwnReads
from onedoor.privacy.words import basis_of, post_of


def as_json(found: OwnReads) -> tuple[str, str]:
    """Return the reads as JSON with the words of every language, and its media type."""
    content = {
        "reads": [_line(held) for held in found.reads],
        "did_not_answer": list(found.silent),
        "continues_before": found.next,
    }
    return json.dumps(content, ensure_ascii=False, indent=1), "application/json"


def as_csv(found: OwnReads) -> tuple[str, str]:
    """Return the reads as CSV in the page's language, and its media type.

    At its end stand who did not answer, and that there are older reads, where one file does not hold them all.
    """
    file = io.StringIO()
    rows = csv.writer(file)
    rows.writerow(
        [_("When"), _("Agency"), _("Post"), _("What was done"), _("Why"), _("Legal basis"), _("Register"),
         _("Which data"), _("Case"), _("Held by"), _("Record")]
    )  # fmt: skip
    for held in found.reads:
        rows.writerow(map(cell, _row(held)))
    for silent in found.silent:
        rows.writerow(["", cell(_words(silent)), "", _("did not answer: its reads are missing here")])
    if found.next:
        rows.writerow(
            ["", "", "", _("older reads are not in this file: give an earlier day as “Until”, and download it again")]
        )
    return "\ufeff" + file.getvalue(), "text/csv; charset=utf-8"


KINDS: Mapping[str, Callable[[OwnReads], tuple[str, str]]] = {"csv": as_csv, "json": as_json}


def _line(held: HeldRead) -> dict[str, Any]:
    read, basis = held.view, basis_of(held.view)
    return {
        "record": read.record,
        "held_by": held.system,
        "moment": read.moment.isoformat(),
        "agency": read.by_agency,
        "agency_text": read.agency_text,
        "post_text": post_of(read),
        "in_your_place": held.own,
        "operation": read.operation,
        "refused": read.refused,
        "purpose": read.purpose,
        "purpose_text": read.purpose_text,
        "law": basis.law,
        "basis_text": basis.text,
        "basis_source": basis.source,
        "basis_illustrative": basis.illustrative,
        "register": read.register,
        "register_text": read.register_text,
        "fields": list(read.fields),
        "field_texts": list(read.field_texts),
        "case": held.case,
    }


def _row(held: HeldRead) -> list[str]:
    read, basis = held.view, basis_of(held.view)
    done = _("Refused") if read.refused else {"write": _("Wrote")}.get(read.operation, _("Read"))
    law = f"{_words(basis.text)} ({basis.law})" if basis.law else _words(basis.text)
    return [
        read.moment.isoformat(timespec="seconds"),
        _words(read.agency_text),
        _words(post_of(read)),
        done,
        _words(read.purpose_text),
        law,
        _words(read.register_text),
        "; ".join(map(_words, read.field_texts)),
        held.case,
        _words(held.holder),
        read.record,
    ]


def _words(text: Text) -> str:
    return pick(text, get_language() or "") if text else ""
