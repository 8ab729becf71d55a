"""This system's published ledger over HTTP: checkpoint, key, tiles and bundles of entries (C2SP tlog-tiles)."""

from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from onedoor.kernel.access import PUBLIC, access
from onedoor.kernel.ledger.tiles import NAMED
from onedoor.kernel.settings import current
from onedoor.site import published

TEXT, BYTES = "text/plain; charset=utf-8", "application/octet-stream"
CHANGING = "public, max-age=1"
LASTING = "public, max-age=31536000, immutable"


@access(PUBLIC)
@require_safe
def serve(request: HttpRequest, name: str) -> HttpResponseBase:  # noqa: ARG001
    """Send a file of the published ledger; tiles and bundles never change, the checkpoint does each second."""
    text = name in (published.CHECKPOINT, published.KEY)
    if not text and not NAMED.fullmatch(name):
        raise Http404
    try:
        file = (published.folder_in(current().state) / name).open("rb")
    except OSError as error:
        raise Http404 from error
    headers = {"Cache-Control": CHANGING if text else LASTING}
    return FileResponse(file, content_type=TEXT if text else BYTES, headers=headers)
