"""The site's own routes: the front door and the health of this process."""

from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import NoReverseMatch, reverse
from django.utils.translation import get_language

from onedoor.kernel.access import PUBLIC, access
from onedoor.kernel.settings import current


@access(PUBLIC)
def front(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Lead from ``/`` to the first page in the reader's language: the catalogue, or an agency's desk."""
    try:
        return HttpResponseRedirect(reverse("cases:desk" if current().role == "node" else "procedures:home"))
    except NoReverseMatch:
        return HttpResponseRedirect(f"/{get_language()}/")


@access(PUBLIC)
def health(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Say whether this process can work: it answers and so does its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok", "role": current().role, "member": current().member})


@access(PUBLIC)
def empty(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Answer with nothing and ask no database: what server and middleware alone cost, for measurements."""
    return HttpResponse()


@access(PUBLIC)
def openapi(request: HttpRequest) -> JsonResponse:  # noqa: ARG001
    """Answer the OpenAPI document of this process's APIs outside the exchange."""
    from onedoor.site import description

    return JsonResponse(description.document())


@access(PUBLIC)
def ledger(request: HttpRequest) -> JsonResponse:  # noqa: ARG001
    """Answer with the size, root (hex) and latest signed checkpoint of this process's ledger."""
    from onedoor.store import ledger as kept

    size, root = kept.size_and_root()
    return JsonResponse({"size": size, "root": root.hex(), "checkpoint": kept.checkpoint()})
