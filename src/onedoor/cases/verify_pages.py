"""The public verification page of an agency: is a result genuine, and is a file the one that was issued."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from onedoor.cases import service
from onedoor.kernel.access import PUBLIC, access
from onedoor.kernel.errors import TooLarge
from onedoor.kernel.said import said

LARGEST = 5 * 1024 * 1024


@access(PUBLIC)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest, result_id: str) -> HttpResponse:
    """Show what anybody may know of a result; compare a file that was sent with it."""
    by = request.META.get("REMOTE_ADDR", "")
    issued = service.issued(result_id, by)
    compared, wrong = None, ""
    if request.method == "POST":
        sent = request.FILES.get("file")
        if sent is None:
            wrong = _("Choose the file you want to check.")
        elif (sent.size or 0) > LARGEST:
            raise TooLarge(limit=said("{n} MB", n=5))
        else:
            compared = service.compare(sent.read(), result_id, by)
    context = {"issued": issued, "compared": compared, "wrong": wrong}
    return render(request, "cases/verify.html", context, status=422 if wrong else 200)
