"""Visits a portal as anybody may: one GET, no redirection followed, an answer of limited size."""

import requests

from onedoor.measurement.portal import Answer

MOST = 32 * 2**20
PATIENCE = 20.0
CHUNK = 2**16


class TooMuch(OSError):
    """The answer has more bytes than are taken."""


def visit(address: str, session: requests.Session | None = None) -> Answer:
    """Return what *address* answers; raise `OSError` (requests' errors are ones)."""
    asked = session or requests.Session()
    with asked.get(address, timeout=PATIENCE, allow_redirects=False, stream=True) as answer:
        content = bytearray()
        for piece in answer.iter_content(CHUNK):
            content += piece
            if len(content) > MOST:
                raise TooMuch(f"the answer has more than {MOST} bytes")
        media = answer.headers.get("Content-Type", "").partition(";")[0]
        return Answer(answer.status_code, media, bytes(content), answer.headers.get("Location", ""))
