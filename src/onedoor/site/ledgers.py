"""This system's published ledger over HTTP: checkpoint, key, tiles and bundles of entries (C2SP tlog-tiles)."""

from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from onedoor.kernel.access import PUBLIC, access
from onedoor.kernel.ledger.tiles import NAMED
from onedoor.kernel.settings import current
from onedoor.site import published

TEXT, BYTES = "text/plain; charset=utf-8", "application/octet-stream"
CHANGING = "public, max-age=1"
LASTING = "public, max-age=31536000, immutable"


NOT_HERE, WRONG_METHOD = 404, 405


@csrf_exempt  # nothing is changed here; without it a POST would get a page
@access(PUBLIC)
def serve(request: HttpRequest, name: str) -> HttpResponseBase:
    """Send a file of the published ledger; tiles and bundles never change, the checkpoint does as the ledger grows."""
    if request.method not in ("GET", "HEAD"):
        return _refused(WRONG_METHOD, "Published files are only read.\n", {"Allow": "GET, HEAD"})
    text = name in (published.CHECKPOINT, published.KEY)
    if not text and not NAMED.fullmatch(name):
        return _refused(NOT_HERE, "There is no such file.\n")
    try:
        file = (published.folder_in(current().state) / name).open("rb")
    except OSError:
        return _refused(NOT_HERE, "This file is not published, or not yet.\n")
    headers = {"Cache-Control": CHANGING if text else LASTING}
    return FileResponse(file, content_type=TEXT if text else BYTES, headers=headers)


def _refused(status: int, why: str, headers: dict[str, str] | None = None) -> HttpResponse:
    """Answer programs in plain text that nobody keeps: what is missing now may be published in a second.

    Its length is told: the directory reads no answer in chunks, and would take a ledger that has not begun for silent.
    """
    told = {"Content-Length": str(len(why.encode())), "Cache-Control": "no-store"}
    return HttpResponse(why, TEXT, status, headers={**told, **(headers or {})})
