"""What is wrong in a service file, by file and line, and what to write instead."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property, reduce
from typing import Any

from onedoor.kernel.nation import Document, Fault, FileKind, Nation, nearest
from onedoor.kernel.nation.layers import laid_over
from onedoor.kernel.nation.schemas import schema_faults
from onedoor.kernel.said import Said, said
from onedoor.procedures import example_records, limits, reading
from onedoor.procedures.definition import Law, Service, Step
from onedoor.procedures.rights import Rights, right_faults
from onedoor.procedures.schema import WHOLE
from onedoor.procedures.scopes import ISSUED, Keys, Scopes
from onedoor.procedures.values import Values

TEXT = re.compile(r"'([^'\\]*)'")
"""A text alone, as an expression."""
VERSION = FileKind("service version", "", schema=WHOLE)


def check(document: Document, nation: Nation) -> Iterator[Fault]:
    """Yield the faults of a service file that its schema cannot see."""
    if document.data["service"] != (meant := f"{nation.id.lower()}.{document.path.stem}"):
        told = said(
            "the service “{service}” stands in the file {name}",
            service=document.data["service"],
            name=document.path.name,
        )
        yield document.fault(("service",), told, said("write {meant} or rename the file", meant=meant))
    yield from _codes(document, nation)
    yield from _validity(document)
    for number, plain in enumerate(reading.versions(document.data)):
        version = laid_over(document, number, {k: v for k, v in plain.items() if k not in {"examples", "place"}})
        wrong = list(schema_faults(version, VERSION))
        service = None if wrong else reading.read(plain)
        yield from _Check(version, service, nation).all() if service else wrong
        yield from _examples(document, service, nation) if service else ()
    yield from example_records.faults(document, nation)


def check_scale(document: Document, _nation: Nation) -> Iterator[Fault]:
    """Yield the faults of a scale that its schema cannot see."""
    data = document.data
    if data["scale"] != document.path.stem:
        wrong = said("the scale “{scale}” stands in the file {name}", scale=data["scale"], name=document.path.name)
        yield document.fault(("scale",), wrong, said("write {meant} or rename the file", meant=document.path.stem))
    if data.get("valid_until", data["valid_from"]) < data["valid_from"]:
        wrong = said("this scale ends before it begins")
        yield document.fault(("valid_until",), wrong, said("correct one of the dates"))
    if data["law"].get("confidence") == "memory" and not data["law"].get("illustrative"):
        wrong = said("this rule of law was read in no source")
        yield document.fault(("law",), wrong, said("name one you read, or add illustrative: true"))


def _codes(document: Document, nation: Nation) -> Iterator[Fault]:
    shape = nation.service_code
    for number, version in enumerate(document.data["versions"]):
        if not shape.fits(version["code"]):
            wrong = said("“{code}” does not have the form of a service's code", code=version["code"])
            yield document.fault(
                ("versions", number, "code"), wrong, said("write one such as {example}", example=shape.example)
            )


def _validity(document: Document) -> Iterator[Fault]:
    spans: list[tuple[date, date, int]] = []
    names: list[str] = []
    for number, version in enumerate(document.data["versions"]):
        keys = ("versions", number)
        first = date.fromisoformat(version["valid_from"])
        last = date.fromisoformat(version["valid_until"]) if "valid_until" in version else date.max
        if version["version"] in names:
            yield document.fault(
                (*keys, "version"),
                said("there are two versions “{version}”", version=version["version"]),
                said("rename one"),
            )
        if last < first:
            yield document.fault(
                (*keys, "valid_until"), said("this version ends before it begins"), said("correct one of the dates")
            )
        for other_first, other_last, other in spans:
            if first <= other_last and other_first <= last:
                other_name = document.data["versions"][other]["version"]
                wrong = said("this version is in force together with “{other_name}”", other_name=other_name)
                yield document.fault((*keys, "valid_from"), wrong, said("end the earlier one on the day before"))
        spans.append((first, last, number))
        names.append(version["version"])
    for number, example in enumerate(document.data.get("examples", [])):
        if example["version"] not in names:
            wrong = said("there is no version “{version}”", version=example["version"])
            yield document.fault(("examples", number, "version"), wrong, nearest(example["version"], names))
    for number, name in enumerate(names):
        if not any(example["version"] == name for example in document.data.get("examples", [])):
            wrong = said("no example shows version “{name}”", name=name)
            yield document.fault(("versions", number), wrong, said("add one under examples: it is run as a test"))


def _examples(document: Document, service: Service, nation: Nation) -> Iterator[Fault]:
    """Find what the examples of a version give that it does not ask for."""
    registers = [one.data["register"] for one in nation.documents("register")]
    writes = [write.name for step in service.steps.values() for write in step.writes]
    rules, pages = [one.id for one in service.eligible], [one.id for one in service.pages]
    known: Sequence[tuple[Keys, Said, Collection[str]]] = (
        (("answers",), said("field"), service.fields),
        (("disputed",), said("fact"), service.facts),
        (("registers",), said("register"), registers),
        (("assigned",), said("record that a step writes"), writes),
        (("issue",), said("field"), ISSUED),
        (("expect", "owners"), said("step"), service.steps),
        (("expect", "due"), said("step"), [*service.steps, "whole"]),
        (("expect", "written"), said("record that a step writes"), writes),
        (("expect", "documents"), said("result"), service.results),
        (("expect", "results"), said("result"), service.results),
        (("expect", "facts"), said("fact"), service.facts),
        (("expect", "barred"), said("rule of eligibility"), rules),
        (("expect", "pages"), said("page"), pages),
        (("expect", "looked_up"), said("source"), service.data),
        *((("expect", key), said("field"), service.fields) for key in ("asked", "missing", "refused")),
    )
    for number, example in enumerate(document.data.get("examples", ())):
        for keys, what, names in known if example["version"] == service.version else ():
            for place, name in _named(reduce(lambda one, key: one.get(key, {}), keys, example)):
                yield from _unknown(document, ("examples", number, *keys, place), what, name, names)


def _named(given: Any) -> Iterable[tuple[str | int, str]]:  # noqa: ANN401 - plain YAML
    """Return the names in a map or a list, each with its key in the file."""
    if isinstance(given, Mapping):
        return ((name, name) for name in given)
    return enumerate(given) if isinstance(given, list) else ()


def _unknown(document: Document, keys: Keys, what: Said, name: str, known: Collection[str]) -> Iterator[Fault]:
    """Yield a fault when *name* is none of the *known* ones."""
    if name not in known:
        yield document.fault(
            keys, said("there is no {what} “{name}”", what=what, name=name), nearest(name, sorted(known))
        )


class _Check:
    """The check of one version."""

    def __init__(self, document: Document, service: Service, nation: Nation) -> None:
        self.document, self.service, self.nation = document, service, nation
        self.rights = Rights(nation)
        self.values = Values(service, nation)

    def all(self) -> Iterator[Fault]:
        yield from self.laws()
        yield from self.steps()
        yield from self.results()
        yield from self.fees()
        yield from self.forms()
        cycles = list(self.order())
        yield from cycles or self.path()
        yield from self.pages()
        yield from self.sources()
        yield from self.suggestion()
        yield from self.written()
        if not cycles:
            for scoped in Scopes(self.service, self.rights.fields).all():
                yield from scoped.faults(self.document)
                yield from self.values.foreign(scoped, self.document)
            yield from right_faults(self.document, self.service, self.rights)

    def unknown(self, keys: Keys, what: Said, name: str, known: Collection[str]) -> Iterator[Fault]:
        """Yield a fault when *name* is none of the *known* ones."""
        yield from _unknown(self.document, keys, what, name, known)

    def laws(self) -> Iterator[Fault]:
        """Find references to a rule of law that the file does not name, and rules read nowhere that do not say so."""
        for law in self.law.values():
            if law.confidence == "memory" and not law.illustrative:
                wrong = said("this rule of law was read in no source")
                yield self.document.fault(("law", law.id), wrong, said("name one you read, or add illustrative: true"))
        for keys, law in _values(self.document.data, "law"):
            if isinstance(law, str) and keys != ("law",) and keys[0] != "law":
                yield from self.unknown(keys, said("rule of law"), law, self.law)

    @cached_property
    def law(self) -> dict[str, Law]:
        return dict(self.service.law)

    @cached_property
    def rules(self) -> set[str]:
        return {rule.id for rule in self.service.eligible}

    def pages(self) -> Iterator[Fault]:
        """Find fields and facts that lean on what is not there."""
        pages = [page.id for page in self.service.pages]
        for rule in self.service.eligible:
            if rule.after:
                yield from self.unknown(("eligible", rule.id, "after"), said("page"), rule.after, pages)
        for page in self.service.pages:
            for field in page.fields:
                keys: Keys = ("form", page.id, "fields", field.id)
                yield from self.listed((*keys, "list"), field.list if field.kind == "code" else "")
                for source in field.of:
                    yield from self.unknown((*keys, "of"), said("source"), source, self.service.data)
                if field.corrects:
                    yield from self.unknown((*keys, "corrects"), said("fact"), field.corrects, self.service.facts)
                yield from self.complete(keys, field.kind)
                if field.exclusive and not (field.kind == "record" and field.of):
                    wrong = said("only a chosen record can stand in one open case")
                    yield self.document.fault((*keys, "exclusive"), wrong, said("write kind: record with of: and key:"))
            for fact in page.facts:
                keys = ("form", page.id, "facts", fact.id)
                yield from self.listed((*keys, "list"), fact.list if fact.kind == "code" else "")
                if fact.correct:
                    yield from self.unknown((*keys, "correct"), said("field"), fact.correct, self.service.fields)
                known = {*self.service.data, *(field.binds for field in self.service.fields.values() if field.binds)}
                yield from self.unknown((*keys, "source"), said("source"), fact.source, known)

    def complete(self, keys: Keys, kind: str) -> Iterator[Fault]:
        """Find what a field of this kind lacks."""
        needed = {"record": ("of", "key", "binds"), "pick": ("values",), "choice": ("options",), "code": ("list",)}
        written = self.document.data["form"][keys[1]]["fields"][keys[3]]
        for key in (*needed.get(kind, ()), *(("files", "max_mb") if kind == "file" else ())):
            if key not in written:
                yield self.document.fault(
                    keys, said("a {kind} field needs “{name}”", kind=kind, name=key), said("add {name}: …", name=key)
                )

    def listed(self, keys: Keys, name: str) -> Iterator[Fault]:
        """Find a code list that the nation lacks."""
        if name:
            lists = {document.data["list"] for document in self.nation.documents("list")}
            yield from self.unknown(keys, said("list"), name, lists)

    def sources(self) -> Iterator[Fault]:
        """Find sources that no register answers."""
        for source in self.service.data.values():
            keys: Keys = ("data", source.id)
            yield from self.unknown((*keys, "register"), said("register"), source.register, self.rights.fields)
            for rule in source.once:
                yield from self.unknown((*keys, "once"), said("rule of eligibility"), rule, self.rules)
            ways = self.rights.lookups.get(source.register, ())
            if ways and frozenset(source.by) not in ways:
                known = sorted(", ".join(sorted(way)) for way in ways)
                wrong = said(
                    "the register {register} has no look-up by {names}",
                    register=source.register,
                    names=", ".join(sorted(source.by)),
                )
                yield self.document.fault((*keys, "by"), wrong, nearest(", ".join(sorted(source.by)), known))
            if source.fallback == "stop" and not source.missing:
                yield self.document.fault(
                    keys, said("this source stops the form but does not say why"), said("add missing: …")
                )

    def suggestion(self) -> Iterator[Fault]:
        """Find a suggestion that could not be made: no such register, look-up, field or right."""
        suggest, rights = self.service.suggest, self.rights
        if suggest is None:
            return
        keys: Keys = ("suggest",)
        yield from self.unknown((*keys, "register"), said("register"), suggest.register, rights.fields)
        ways = [next(iter(way)) for way in rights.lookups.get(suggest.register, ()) if len(way) == 1]
        yield from self.unknown((*keys, "by"), said("look-up"), suggest.by, ways)
        yield from self.unknown((*keys, "purpose"), said("purpose"), suggest.purpose, rights.bases)
        yield from self.unknown((*keys, "basis"), said("basis"), suggest.basis, rights.bases.get(suggest.purpose, ()))
        granted = rights.granted(suggest.purpose, suggest.register, "read")
        for number, name in enumerate(suggest.shows):
            yield from self.unknown((*keys, "shows", number), said("field that the right opens"), name, granted)
        if suggest.unless:
            yield from self.unknown((*keys, "unless"), said("field that the right opens"), suggest.unless, granted)

    def order(self) -> Iterator[Fault]:
        """Find steps that wait for one another, or for nothing there is."""
        steps, done = self.service.steps, set[str]()
        for step in steps.values():
            for other in step.after:
                yield from self.unknown(("steps", step.id, "after"), said("step"), other, steps)
        while ready := [step.id for step in steps.values() if step.id not in done and set(step.after) <= done]:
            done.update(ready)
        for step in steps.values():
            if step.id not in done and set(step.after) <= set(steps):
                wrong = said(
                    "the step “{id}” waits for itself through {names}", id=step.id, names=", ".join(step.after)
                )
                yield self.document.fault(("steps", step.id, "after"), wrong, said("take one step out of the circle"))

    def path(self) -> Iterator[Fault]:
        """Find a longest way through the steps that takes more than the declared total."""
        length, steps = limits.critical_path(self.service)
        if length > limits.days(self.service.clock.total):
            wrong = said(
                "the steps {names} take longer than the total of {total}",
                names=" → ".join(steps),
                total=self.service.clock.total,
            )
            yield self.document.fault(("clock", "total"), wrong, said("correct a limit or the total"))
        for step in self.service.steps.values():
            longest = self.service.clock.verified
            if step.verified and not step.apart and limits.days(step.verified) > limits.days(longest or step.within):
                wrong = said(
                    "with verification this step takes longer than the total of {value}",
                    value=longest or said("the clock"),
                )
                yield self.document.fault(("steps", step.id, "verified"), wrong, said("correct clock: verified"))

    def steps(self) -> Iterator[Fault]:
        """Find steps without an owner, a way to be reached, or words for what they do."""
        for step in self.service.steps.values():
            keys: Keys = ("steps", step.id)
            yield from self.owned(keys, step)
            if self.values.never(step.when):
                yield self.document.fault(
                    (*keys, "when"), said("this step is never reached"), said("correct the condition")
                )
            if step.issues:
                yield from self.unknown((*keys, "issues"), said("result"), step.issues, self.service.results)
            if "refuse" in step.may and not step.refuse:
                yield self.document.fault(
                    keys, said("this step may refuse but names no ground"), said("add refuse: with its law")
                )
            for shown in step.shows:
                known = {*self.service.fields, *self.service.facts}
                yield from self.unknown((*keys, "shows"), said("field or fact"), shown, known)

    def written(self) -> Iterator[Fault]:
        """Find codes that are written into a register whose list lacks them."""
        writes = [(step.id, write) for step in self.service.steps.values() for write in step.writes]
        for step, write in writes:
            for field, codes in self.values.registers.get(write.register, {}).items():
                text = TEXT.fullmatch(str(write.values.get(field, "")))
                if text and text[1] and text[1] not in codes:
                    wrong = said("“{field}” has no code “{value}”", field=field, value=text[1])
                    place = ("steps", step, "writes", write.name, "values", field)
                    yield self.document.fault(place, wrong, nearest(text[1], sorted(codes)))

    def owned(self, keys: Keys, step: Step) -> Iterator[Fault]:
        """Find a step whose agency or post does not take part."""
        kind = [agency for key, agency in self.nation.agencies.items() if key.rpartition("-")[0] == step.agency_kind]
        kinds = {key.rpartition("-")[0] for key, agency in self.nation.agencies.items() if not agency.is_member}
        if not kind:
            yield from self.unknown((*keys, "by"), said("kind of agency"), step.agency_kind, kinds)
        elif not any(step.post in agency.posts for agency in kind):
            posts = {post for agency in kind for post in agency.posts}
            yield from self.unknown((*keys, "by"), said("post"), step.post, posts)

    def results(self) -> Iterator[Fault]:
        """Find results without a template or a step that issues them."""
        issued = [step.issues for step in self.service.steps.values()]
        for result in self.service.results.values():
            if not (self.nation.path / result.template).is_file():
                known = sorted(f"templates/{path.name}" for path in (self.nation.path / "templates").glob("*.typ"))
                yield from self.unknown(("results", result.id, "template"), said("template"), result.template, known)
            if "number" not in result.data:
                wrong = said("the data of this result have no number")
                yield self.document.fault(
                    ("results", result.id, "data"), wrong, said("add number: what it is filed under")
                )
            if (n := issued.count(result.id)) != 1:
                wrong = said("{n} steps issue this result", n=n) if n else said("no step issues this result")
                yield self.document.fault(
                    ("results", result.id), wrong, said("write issues: {id} at one step", id=result.id)
                )

    def fees(self) -> Iterator[Fault]:
        """Refuse a fee that may be due: payments are not built."""
        for fee in self.service.fees:
            if fee.amount or (fee.amount is None and not fee.closed_by):
                meant = said("keep it out with closed_by: <a rule under eligible>, or leave this service out for now")
                yield self.document.fault(
                    ("fees", fee.id), said("a fee may be due and payments are not built yet"), meant
                )
            if fee.closed_by:
                yield from self.unknown(
                    ("fees", fee.id, "closed_by"), said("rule of eligibility"), fee.closed_by, self.rules
                )

    def forms(self) -> Iterator[Fault]:
        """Find forms to download that are not there."""
        for form in self.service.forms:
            if form.file and not (self.nation.path / form.file).is_file():
                known = sorted(str(path.relative_to(self.nation.path)) for path in self.nation.path.glob("forms/*"))
                yield from self.unknown(("forms", form.id, "file"), said("file"), form.file, known)


def _values(data: Any, wanted: str, keys: Keys = ()) -> Iterator[tuple[Keys, Any]]:  # noqa: ANN401 - plain YAML data
    """Yield every value under the key *wanted*, with its place."""
    if isinstance(data, dict):
        for key, value in data.items():
            if key == wanted:
                yield (*keys, key), value
            yield from _values(value, wanted, (*keys, key))
    elif isinstance(data, list):
        for number, value in enumerate(data):
            yield from _values(value, wanted, (*keys, number))
