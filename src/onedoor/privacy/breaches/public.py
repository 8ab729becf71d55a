"""The portal's public page: how many notices of breaches each agency gave, and how many late."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from onedoor.kernel.access import PUBLIC, access
from onedoor.privacy.breaches import counting


@access(PUBLIC)
@require_safe
def breaches(request: HttpRequest) -> HttpResponse:
    """Show to anybody how many notices of breaches each agency gave, month by month, and how many late."""
    return render(request, "privacy/breaches.html", {"found": counting.everywhere()})
