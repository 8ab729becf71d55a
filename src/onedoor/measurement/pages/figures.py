"""The start of the section: what is measured."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from onedoor.kernel import nation
from onedoor.kernel.access import PUBLIC, access
from onedoor.kernel.text import pick
from onedoor.measurement import national
from onedoor.measurement.assessments import definition
from onedoor.measurement.pages import assessments, indices


@dataclass(frozen=True, slots=True)
class Section:
    """What is measured: what it is called, where its pages begin, and what it says now."""

    title: str
    href: str
    said: str


def of_indices() -> Iterator[Section]:
    """Yield the world's indices that there are figures of."""
    yield from (Section(*one) for one in indices.beginnings())


def of_agencies() -> Iterator[Section]:
    """Yield the nation's own indices of agencies."""
    for name, index in national.indices(nation.current()).items():
        title = pick(index.data["name"], get_language() or "")
        yield Section(title, reverse("measurement:live", args=[name]), _("Of any agency, level and day, live"))


def of_services() -> Iterator[Section]:
    """Yield what is proved of services, and of the portal."""
    proved = _("By definition, proved by a run, and in real cases")
    yield Section(_("How far services go online"), reverse("measurement:stages"), proved)
    probed = _("Each code, held against this portal by a visit")
    yield Section(_("Features of the Online Service Index"), reverse("measurement:features"), probed)


def of_units() -> Iterator[Section]:
    """Yield the list by which units are assessed, if they are."""
    if said := definition.duties():
        title = pick(definition.listed(said.list).name, get_language() or "")
        yield Section(title, reverse("measurement:assessments"), assessments.said_of_it())


def of_exchange() -> Iterator[Section]:
    """Yield the catalogue of what agencies' systems may ask of one another."""
    said = _("What systems of agencies may ask of one another: who offers it, what it is, and whom the law lets ask.")
    yield Section(_("Services of the data exchange"), reverse("exchange:catalogue"), said)


SECTIONS: list[Callable[[], Iterator[Section]]] = [of_indices, of_agencies, of_services, of_units, of_exchange]
"""What is measured, in the order it is shown."""


@access(PUBLIC)
@require_safe
def figures(request: HttpRequest) -> HttpResponse:
    """Show what is measured."""
    sections = [one for sections in SECTIONS for one in sections()]
    return render(request, "measurement/figures.html", {"sections": sections})
