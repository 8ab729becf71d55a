"""What an officer types about a breach, read: the notice, and which reads touched whom."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.http import QueryDict
from django.utils.translation import gettext as _

from onedoor.kernel import clock, nation
from onedoor.kernel.nation.layers import united
from onedoor.kernel.text import Text
from onedoor.privacy import rights
from onedoor.privacy.breaches.touched import Scope

LONGEST: Final = 4000
MINUTE = timedelta(minutes=1)
"""A minute that is typed as the last one counts as a whole."""
FIRST_YEAR, LAST_YEAR = 1900, 9000
DAY_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?:[ ,T]+(\d{1,2})[:h](\d{2}))?")
TEXTS: Final = ("found", "from", "until", "what", "persons", "consequences", "measures", "contact", "why_late")
SCOPE: Final = ("client", "user", "purpose", "since", "to")


@dataclass(slots=True)
class Form:
    """What was typed, what it says, and what is wrong with it by field."""

    typed: dict[str, Any]
    said: dict[str, Any] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)


def typed(posted: QueryDict) -> dict[str, Any]:
    """Return what stands in the form of a notice, cut to what is kept."""
    found: dict[str, Any] = {name: _plain(posted.get(name, "")) for name in TEXTS}
    return found | {"kinds": [_plain(one)[:130] for one in posted.getlist("kinds")[:500]]}


def found_at(form: Form) -> datetime | None:
    """Return when the breach was found; note what is wrong with it."""
    moment = _moment(form, "found", last=False)
    if moment and moment > clock.now():
        form.wrong["found"] = _("This is still to come. Enter when the breach was found.")
        return None
    return moment


def read(form: Form, *, kinds: Collection[str], late: bool) -> None:
    """Read what is needed to send a notice; note what is wrong or missing."""
    words = form.typed
    found = found_at(form)
    if not words["found"]:
        form.wrong["found"] = _("Enter when the breach was found: the clock runs since then.")
    begins, ends = _moment(form, "from", last=False), _moment(form, "until", last=True)
    if found and begins and begins > found:
        form.wrong["from"] = _("It cannot have begun after it was found.")
    if begins and ends and ends < begins:
        form.wrong["until"] = _("It ends before it begins.")
    needed = {
        "what": _("Say what happened."),
        "consequences": _("Say what it may lead to for the persons."),
        "measures": _("Say what was done, or is being done."),
        "contact": _("Say whom one can ask."),
    }
    form.wrong |= {name: text for name, text in needed.items() if not words[name]}
    if not [one for one in words["kinds"] if one in kinds]:
        form.wrong["kinds"] = _("Choose at least one kind of data.")
    if not words["persons"].isascii() or not words["persons"].isdigit() or len(words["persons"]) > 10:  # noqa: PLR2004
        form.wrong["persons"] = _("Enter about how many persons, in digits.")
    if late and not words["why_late"]:
        form.wrong["why_late"] = _("The limit has passed. Say why the notice is late.")
    form.said = {name: words[name] for name in TEXTS if name not in ("found", "from", "until")}
    form.said |= {"from": begins.isoformat() if begins else "", "until": ends.isoformat() if ends else ""}
    form.said["kinds"] = [one for one in words["kinds"] if one in kinds]


def kinds_of(system: str) -> dict[str, dict[str, Text]]:
    """Return by register of *system* the kinds of personal data it holds: ``births.child_name`` and its name."""
    found: dict[str, dict[str, Text]] = {}
    for document in nation.current().documents("register"):
        if document.data["subsystem"] == system:
            name, fields = document.data["register"], united(document.data, "fields")
            found[name] = {f"{name}.{key}": one["name"] for key, one in fields.items() if one.get("personal")}
    return found


def kind_names() -> dict[str, Text]:
    """Return the name of every kind of data in any register, by its id."""
    names: dict[str, Text] = {}
    for document in nation.current().documents("register"):
        fields = united(document.data, "fields")
        names |= {f"{document.data['register']}.{key}": one["name"] for key, one in fields.items()}
    return names


def register_names() -> dict[str, Text]:
    """Return the names of the registers by their ids."""
    return {one.data["register"]: one.data["name"] for one in nation.current().documents("register")}


def scope(form: Form, counted: str = "") -> Scope | None:
    """Return which reads were named, none later than when they were *counted* (ISO); note what is wrong."""
    words = form.typed
    if words["client"] not in readers():
        form.wrong["client"] = _("Choose the system that read.")
    if words["purpose"] and words["purpose"] not in rights.purposes():
        form.wrong["purpose"] = _("Choose a purpose, or none.")
    since, until = _moment(form, "since", last=False), _moment(form, "to", last=True)
    if not words["since"]:
        form.wrong["since"] = _("Enter from when on.")
    if since and until and until < since:
        form.wrong["to"] = _("It ends before it begins.")
    if form.wrong or since is None:
        return None
    now = clock.now()
    try:
        seen = datetime.fromisoformat(counted) if counted else now
        end = min(until + MINUTE if until else now, now, seen)
    except (TypeError, ValueError):  # no moment, or one without a zone
        return None
    return Scope(words["client"], words["user"], words["purpose"], since, end)


def scope_typed(posted: Mapping[str, str], kept: Mapping[str, str]) -> dict[str, Any]:
    """Return what stands in the form that names reads; *kept* where nothing was posted."""
    source = posted or kept
    return {name: _plain(source.get(name, ""))[:120] for name in SCOPE}


def readers() -> dict[str, Text]:
    """Return by id the systems that may have read, with their names."""
    return {one.subsystem: one.name for one in nation.current().members.values()}


def written(moment: datetime) -> str:
    """Return a moment as it is typed."""
    return f"{nation.current().calendar.local(moment):%d/%m/%Y %H:%M}"


def _moment(form: Form, name: str, *, last: bool) -> datetime | None:
    """Return the moment that was typed as *name*, of a day alone its first or *last* one; nothing for nothing."""
    text = form.typed[name]
    if not text:
        return None
    try:
        return _read_moment(text, last=last)
    except (ValueError, OverflowError):
        form.wrong[name] = _("Enter day and time as in 31/12/2026 14:30.")
        return None


def _read_moment(text: str, *, last: bool) -> datetime:
    zone = nation.current().zone
    end = (23, 59) if last else (0, 0)
    if found := DAY_FIRST.fullmatch(text):
        day, month, year, hour, minute = (int(one) if one else None for one in found.groups())
        at = (hour, minute or 0) if hour is not None else end
        moment = datetime(year or 0, month or 0, day or 0, *at, tzinfo=zone)
    else:
        moment = datetime.fromisoformat(text)
        if "T" not in text and " " not in text:
            moment = moment.replace(hour=end[0], minute=end[1])
        moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(text)
    return moment.astimezone(UTC)


def _plain(text: str) -> str:
    """Return what was typed without the sign that no text has, cut to the longest."""
    return text.replace("\0", "").strip()[:LONGEST]
