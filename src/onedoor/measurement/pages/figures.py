"""The start of the section: what is measured."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from onedoor.kernel.access import PUBLIC, access
from onedoor.measurement.pages import indices


@dataclass(frozen=True, slots=True)
class Section:
    """What is measured: what it is called, where its pages begin, and what it says now."""

    title: str
    href: str
    said: str


def of_indices() -> Iterator[Section]:
    """Yield the world's indices that there are figures of."""
    yield from (Section(*one) for one in indices.beginnings())


SECTIONS: list[Callable[[], Iterator[Section]]] = [
    of_indices,
]
"""What is measured, in the order it is shown."""


@access(PUBLIC)
@require_safe
def figures(request: HttpRequest) -> HttpResponse:
    """Show what is measured."""
    sections = [one for sections in SECTIONS for one in sections()]
    return render(request, "measurement/figures.html", {"sections": sections})
