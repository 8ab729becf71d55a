"""What a result's layout is filled with, and the layouts that do not take it: found with the examples of a service."""

from collections.abc import Iterator, Mapping
from typing import Any

from onedoor.kernel.nation import Agency, Fault, Nation
from onedoor.kernel.nation.nation import shown
from onedoor.kernel.said import said
from onedoor.procedures import examples, reading
from onedoor.procedures.definition import Result, Service
from onedoor.procedures.examples import Example
from onedoor.signing import pdf

Data = Mapping[str, Any]


def data(result: Result, own: Data, issue: Data, agency: Agency, language: str, **case: str) -> dict[str, Any]:
    """Return all that the layout of *result* reads: its *own* data, and by whom, when and for which *case* it is."""
    return {
        **own,
        "kind": result.id,
        "title": result.title[language],
        "agency": {"id": agency.id, "name": agency.name[language]},
        "officer": issue["officer"],
        "issued_at": issue["at"],
        **case,
    }


def faults(nation: Nation) -> Iterator[Fault]:
    """Yield the fault of each layout that does not take what an example of its service issues; each once."""
    seen: set[Fault] = set()
    for document in nation.documents("service"):
        for service in map(reading.read, reading.versions(document.data)):
            for example in service.examples:
                found = set(_faults(service, example, nation)) - seen
                seen |= found
                yield from sorted(found)


def _faults(service: Service, example: Example, nation: Nation) -> Iterator[Fault]:
    language = nation.languages[0]
    case = {"id": "", "case": "", "verify_url": "https://localhost/verify/example"}
    for name, agency, own in examples.issued(service, example, nation):
        result = service.results[name]
        filled = data(result, own, example["issue"], nation.agencies[agency], language, **case)
        try:
            pdf.render(nation.path / result.template, filled, lang=language)
        except pdf.TemplateBroken as broken:
            wrong = said("the layout of “{result}” cannot be set: {why}", result=name, why=broken.why)
            yield Fault(shown(broken.file), broken.line, wrong, said("correct it, or what the service gives it"))
