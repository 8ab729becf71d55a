"""What of a dossier another system is given: its parts, whose each of them is, and the record of who reads them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_noop

from onedoor.cases import directory, words
from onedoor.cases.context import asked_about, everywhere, known
from onedoor.cases.models import Task
from onedoor.cases.reasons import reason
from onedoor.exchange.service import Reason
from onedoor.kernel import nation
from onedoor.kernel.text import Text
from onedoor.privacy import service as privacy
from onedoor.privacy.service import Held, Reader
from onedoor.procedures import service as procedures
from onedoor.procedures.service import Context, Service
from onedoor.registers import service as registers

Body = Mapping[str, Any]
SERVICE = "cases"
KIND = f"{SERVICE}/"
"""What the name of a dossier begins with in the record of a read; the service's id follows."""
LONGEST = 60
WHOLE = "*"
APPLICANT, ABOUT, SENT = "dossier.applicant", "dossier.about", "dossier.sent"
RESULTS, DECIDED = "dossier.results", "dossier.decided"
CALLED = {
    APPLICANT: gettext_noop("Who applied"),
    ABOUT: gettext_noop("Whom the case is about"),
    SENT: gettext_noop("Sent as a supplement"),
    RESULTS: gettext_noop("Results"),
    DECIDED: gettext_noop("What the authorities decided"),
}
DOSSIER = gettext_noop("Dossier: {service}")


def parts(service: Service, step: str, body: Body, *, results: bool) -> list[str]:
    """Return the names of what the authority of *step* is given (see `procedures.parts`), as far as it is there."""
    definition = service.steps[step]
    given = procedures.handed(service, definition, known(service, body))
    there = [name for name in procedures.parts(service, definition) if _is_there(given, name)]
    also = {APPLICANT: True, ABOUT: asked_about(service, body), SENT: sent(body, step), RESULTS: results}
    return [*sorted(there), *(name for name, is_there in also.items() if is_there)]


def sent(body: Body, step: str) -> list[Mapping[str, Any]]:
    """Return what was sent as supplements of *step*, to whichever authority: each a text, its moment and files."""
    return [one for key, one in body["supplements"].items() if key.rpartition(":")[0] == step]


def _is_there(given: Mapping[str, Any], part: str) -> bool:
    root, _dot, field = part.partition(".")
    if not field:
        return any((given.get(kind) or {}).get(part) not in (None, "") for kind in ("form", "fact"))
    found = given.get(root)
    return found not in (None, "", [], {}) if field == WHOLE else bool(_values(found, field))


def _values(found: Any, field: str) -> list[Any]:  # noqa: ANN401 - a record, or several
    values = [one.get(field) for one in _records(found)]
    return [value for value in values if value not in (None, "", [], {})]


def _records(found: Any) -> list[Mapping[str, Any]]:  # noqa: ANN401 - a record, or several
    return [one for one in (found if isinstance(found, Sequence) else [found]) if isinstance(one, Mapping)]


def persons(service: Service, step: str, body: Body) -> dict[str, list[str]]:
    """Return whom else than the applicant it is about (personal numbers), each with the parts that are their own.

    A part is theirs whose the fields of registers are that it comes from, or that it was written into.
    """
    places = dict(procedures.parts(service, service.steps[step]))
    if about := asked_about(service, body):
        places[ABOUT] = places.get(about.id, set())
    return owners(service, body, places)


def owners(service: Service, body: Body, places: Mapping[str, set[tuple[str, str]]]) -> dict[str, list[str]]:
    """Return as `persons` does whose the parts are that stand in these *places* (records and fields)."""
    context, found = known(service, body), dict[str, list[str]]()
    for part, fields in sorted(places.items()):
        for person in {one for root, field in fields for one in _owners(service, context, body, root, field)}:
            found.setdefault(person, []).append(part[:LONGEST])
    found.pop(body["applicant"]["number"], None)
    return found


def _owners(service: Service, context: Context, body: Body, root: str, field: str) -> list[str]:
    """Return whose a field of the record *root* is: of a source, of what a question binds, or of what was written."""
    records = _records(context.names.get(root))
    register, by = _register(service, root, body, records)
    fields = set(directory.fields(register)) if field == WHOLE else {field}
    return registers.whose(register, records, by, fields) if records and register else []


def _register(service: Service, root: str, body: Body, records: list[Mapping[str, Any]]) -> tuple[str, dict[str, str]]:
    """Return the register that *records* are of, and by what they were found."""
    bound = next((field.of for field in service.fields.values() if field.binds == root), (root,))
    for source in (service.data[name] for name in bound if name in service.data):
        found = body["found"].get(source.id, {})
        if any(record in found.get("records", ()) for record in records):
            return source.register, found["by"]
    written = (write.register for step in service.steps.values() for write in step.writes if write.name == root)
    return next(written, ""), {}


def outcome(service: Service, step: str, payload: Body, told: Body) -> tuple[list[str], dict[str, list[str]]]:
    """Return the parts of what the authority of *step* tells the portal, and whom else they are about, as `persons`.

    *payload* is what it was handed; *told* has the ``records`` it wrote and the ``result`` it issued, if any.
    """
    writes = {write.name: write for write in service.steps[step].writes}
    written = {name: record for name, record in told.get("records", {}).items() if name in writes}
    given, about = [DECIDED], dict[str, list[str]]()
    for name, record in written.items():
        for field in record:
            part = f"{name}.{field}"[:LONGEST]
            given.append(part)
            for person in registers.whose(writes[name].register, [record], {}, {field}):
                about.setdefault(person, []).append(part)
    if told.get("result"):
        given.append(RESULTS)
        kind, own = told["result"]["kind"], payload.get("persons", {})
        shown = {part[:LONGEST] for part in _parts_on(service, step, kind)}
        for person in {*own, *about}:
            if not shown.isdisjoint([*own.get(person, ()), *about.get(person, ())]):
                about.setdefault(person, []).append(RESULTS)
    about.pop(payload["applicant"]["number"], None)
    return given, about


def _parts_on(service: Service, step: str, kind: str) -> set[str]:
    """Return which of the parts that *step* was handed or wrote stand on a result of this *kind*."""
    places = procedures.stands_on(service, kind)
    handed = procedures.parts(service, service.steps[step]).items()
    return {f"{root}.{field}" for root, field in places} | {part for part, stands in handed if stands & places}


def reason_of(service: Service, task: Task) -> Reason:
    """Return why its authority reads a task: as it writes into a register, its own first, else as it is handed over."""
    home = nation.current().agencies[task.agency].subsystem
    writes = sorted(service.steps[task.step].writes, key=lambda write: directory.holder(write.register) != home)
    return Reason(writes[0].purpose, writes[0].basis, task.case) if writes else reason(SERVICE, task.case)


def at_desk(task: Task, service: Service, payload: Body, post: str, seen: Sequence[str]) -> Held:
    """Return that the officer at *post* reads the parts *seen* of a task."""
    why = reason_of(service, task)
    client = nation.current().agencies[task.agency].subsystem
    reader = Reader(client, post, why.purpose, why.basis, task.case)
    return _held(reader, task.service, payload["applicant"], payload.get("persons", {}), seen)


@dataclass(frozen=True, slots=True)
class Given:
    """What of a dossier goes to another system: its parts, and whom else than the applicant they are about."""

    case: str
    service: str
    applicant: Body
    parts: Sequence[str]
    persons: Mapping[str, Sequence[str]]


def give(to: str, given: Given, *, since: datetime | None = None) -> None:
    """Return once it is on record that the system of agency *to* is given something: it reads it from now on.

    Where just this is on record *since* then, it is only sent again: that is no other read.
    """
    if since and _was_given(to, given, since):
        return
    why = reason(SERVICE, given.case)
    reader = Reader(nation.current().agencies[to].subsystem, to, why.purpose, why.basis, given.case)
    privacy.permit_held(_held(reader, given.service, given.applicant, given.persons, given.parts))


def _was_given(to: str, given: Given, since: datetime) -> bool:
    return any(
        (one.register, one.by_user, one.fields) == (KIND + given.service, to, tuple(given.parts))
        and one.moment >= since
        and not one.refused
        for one in privacy.reads_of_case(given.case)
    )


def member_of(system: str) -> str:
    """Return the agency that runs *system*."""
    return next(one.id for one in nation.current().agencies.values() if one.is_member and one.subsystem == system)


def use(reader: Reader, service: str, seen: Sequence[str], about: Mapping[str, Sequence[str] | None]) -> Held:
    """Return that *reader* reads the parts *seen* of a dossier; *about* says whose they are (None: all of them)."""
    return Held(reader, KIND + service, seen, {one: own for one, own in about.items() if _any(own, seen)})


def _any(own: Sequence[str] | None, seen: Sequence[str]) -> bool:
    return own is None or not set(own).isdisjoint(seen)


def _held(
    reader: Reader, service: str, applicant: Body, about: Mapping[str, Sequence[str]], seen: Sequence[str]
) -> Held:
    return use(reader, service, seen, {applicant["number"]: None, **about})


def called(what: str, names: Sequence[str]) -> tuple[Text, list[Text]] | None:
    """Return in words what dossier *what* is, and its parts *names*; None for what is no dossier."""
    kind, _, id_ = what.rpartition("/")
    versions = [one for one in procedures.versions() if one.id == id_]
    if f"{kind}/" != KIND or not versions:
        return None
    title = versions[-1].title
    said = {language: text.format(service=title[language]) for language, text in words.in_all(DOSSIER).items()}
    return said, [_part(versions, name) for name in names]


def _part(versions: Iterable[Service], name: str) -> Text:
    if name in CALLED:
        return words.in_all(CALLED[name])
    return next(
        (text for service in versions for text in _labels(service, name)), everywhere(name, nation.current().languages)
    )


def _labels(service: Service, name: str) -> Iterator[Text]:
    """Yield what a part is called in *service*: an answer, a fact, or a field with whose record it is in."""
    if name in service.fields:
        yield service.fields[name].called
    if name in service.facts:
        yield service.facts[name].label
    root, _dot, field = name.partition(".")
    source = service.data.get(root)
    if bound := next((one for one in service.fields.values() if one.binds == root), None):
        source, label = service.data[bound.of[0]], bound.called
    elif source:
        label = source.called
    written = (write for step in service.steps.values() for write in step.writes if write.name == root)
    write = next(written, None)
    register = source.register if source else write.register if write else ""
    if field and register:
        fields = directory.fields(register)
        holder = label if source else directory.register_name(register)
        own = fields[field]["name"] if field in fields else {}
        yield {language: f"{word} – {own[language]}" if own else word for language, word in holder.items()}
