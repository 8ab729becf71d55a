"""The rooms' own styles, fonts and pictures, served from memory of where they lie; nothing else is reachable."""

import mimetypes
from functools import cache
from pathlib import Path

from django.http import FileResponse, Http404, HttpRequest, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.utils.http import http_date

from onedoor.kernel.access import PUBLIC, access

SOURCE = Path(__file__).parents[1]
KEEP = 600
"""Seconds a browser may keep a file before asking whether it changed."""
mimetypes.add_type("font/woff2", ".woff2")


@access(PUBLIC)
def serve(request: HttpRequest, name: str) -> HttpResponseBase:
    """Send the static file *name* of a room."""
    file = _files().get(name)
    if file is None:
        raise Http404
    stat = file.stat()
    tag = f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'
    headers = {"Cache-Control": f"public, max-age={KEEP}", "ETag": tag, "Last-Modified": http_date(stat.st_mtime)}
    if request.headers.get("If-None-Match") == tag:
        return HttpResponseNotModified(headers=headers)
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return FileResponse(file.open("rb"), content_type=kind, headers=headers)


@cache
def _files() -> dict[str, Path]:
    """Return every static file by the name it is asked for."""
    return {
        file.relative_to(folder).as_posix(): file
        for folder in SOURCE.glob("*/static")
        for file in folder.rglob("*")
        if file.is_file()
    }
