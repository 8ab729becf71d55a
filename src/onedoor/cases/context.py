"""What is known of a case, as plain data (sealed, or sent to an authority) and as the names that expressions use."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from onedoor.kernel.text import Text, fold
from onedoor.procedures import service as procedures
from onedoor.procedures.service import Context, Field, Found, Inputs, Service, Source

Plain = dict[str, Any]


def inputs_of(body: Mapping[str, Any]) -> Inputs:
    """Return what the portal knows of a case from its plain data."""
    return Inputs(
        today=body["today"],
        session=body["session"],
        found={key: Found(**found) for key, found in body["found"].items()},
        answers=body["answers"],
        disputed=frozenset(body["disputed"]),
        case=body.get("case"),
        written=body.get("records", {}),
    )


def found_plain(found: Mapping[str, Found]) -> Plain:
    """Return what registers answered as plain data."""
    return {
        key: {"by": dict(one.by), "records": [dict(record) for record in one.records], "note": one.note}
        for key, one in found.items()
    }


def known(service: Service, body: Mapping[str, Any]) -> Context:
    """Return the names that expressions of *service* use at the portal."""
    return procedures.context(service, inputs_of(body))


def counting(service: Service, body: Mapping[str, Any]) -> tuple[Plain, Context]:
    """Return the answers that count, and what is known by them: what the form asks no longer is not said any more."""
    answers: Plain = dict(body["answers"])
    while True:
        context = known(service, {**body, "answers": answers})
        asked = procedures.counting(service, context)
        left = {name: value for name, value in answers.items() if name in asked}
        if left == answers:
            return answers, context
        answers = left


def handed(service: Service, step: str, body: Mapping[str, Any]) -> Plain:
    """Return what the authority of *step* needs to know for it, and nothing else."""
    definition = service.steps[step]
    names = dict(procedures.handed(service, definition, known(service, body)))
    names["disputed"] = [fact for fact in body["disputed"] if fact in definition.shows]
    return {"today": body["today"], "case": body["case"], "names": names}


def reused(service: Service, steps: Iterable[str], known: Context) -> int:
    """Return how many values that registers hold the authorities of *steps* are handed instead of asked anew."""
    return len({(name, field) for step in steps for name, field, _source in _reused(service, step, known)})


def registers_behind(service: Service, step: str, body: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the registers whose values the authority of *step* is handed instead of asking anew, by name."""
    return tuple(sorted({source.register for _, _, source in _reused(service, step, known(service, body))}))


def _reused(service: Service, step: str, known: Context) -> Iterator[tuple[str, str, Source]]:
    """Yield each value of a register that the authority of *step* is handed: its name, field and source."""
    for name, record in procedures.handed(service, service.steps[step], known).items():
        if isinstance(record, Mapping) and (source := source_behind(service, name)):
            yield from ((name, field, source) for field, value in record.items() if value not in (None, "", [], {}))


def received(
    service: Service,
    payload: Mapping[str, Any],
    records: Mapping[str, Any] | None = None,
    issue: Mapping[str, Any] | None = None,
) -> Context:
    """Return the names that expressions use at an authority: what came, what this step wrote, who issues when."""
    came = payload["context"]
    empty = Inputs(today=came["today"], session=payload["applicant"], case=came["case"], issue=issue)
    return procedures.received(service, {**came["names"], **(records or {})}, empty)


def source_behind(service: Service, name: str) -> Source | None:
    """Return the source that *name* stands for: its own, or the first of those whose record a question binds to it."""
    if name in service.data:
        return service.data[name]
    of = next((field.of for field in service.fields.values() if field.binds == name), ())
    return service.data[of[0]] if of else None


def about(service: Service, body: Mapping[str, Any]) -> str:
    """Return the name of whom the case is about (see `asked_about`), or nothing."""
    asked = asked_about(service, body)
    return str(body["answers"][asked.id]) if asked else ""


def asked_about(service: Service, body: Mapping[str, Any]) -> Field | None:
    """Return the question whose answer is the name of whom the case is about: the first that an officer is shown.

    A name by which the form finds a record is none of those.
    """
    shown = {name for step in service.steps.values() for name in step.shows}
    fields = (one for one in service.fields.values() if one.kind == "person_name" and one.id in shown)
    return next((one for one in fields if body["answers"].get(one.id)), None)


def named(body: Mapping[str, Any]) -> dict[str, str]:
    """Return the persons named in a case by role: the numbers of those whom a register was asked for by their own."""
    people = {}
    for role, found in body["found"].items():
        records, number = found["records"], found["by"].get("number")
        if set(found["by"]) == {"number"} and len(records) == 1 and records[0].get("number") == number:
            people[role] = str(number)
    return people


def matches(query: str, *texts: str) -> bool:
    """Return whether every word of *query* stands in one of *texts*, folded alike."""
    there = " ".join(fold(text) for text in texts)
    return all(word in there for word in fold(query).split())


def everywhere(word: str, languages: tuple[str, ...]) -> Text:
    """Return *word* as a text that is the same in all *languages*."""
    return dict.fromkeys(languages, word)
