"""Visits a portal as anybody may: one GET, no redirection followed, an answer of limited size."""

import ssl

import requests

from onedoor.kernel.fetching import TooLong
from onedoor.measurement.portal import Answer

MOST = 32 * 2**20
PATIENCE = 20.0
CHUNK = 2**16


def visit(address: str, session: requests.Session | None = None) -> Answer:
    """Return what *address* answers; raise `OSError`: `TimeoutError`, `SSLError`, `TooLong`, or one of requests'."""
    try:
        return _visited(address, session or requests.Session())
    except requests.Timeout as error:
        raise TimeoutError from error
    except requests.exceptions.SSLError as error:
        raise ssl.SSLError from error


def _visited(address: str, asked: requests.Session) -> Answer:
    with asked.get(address, timeout=PATIENCE, allow_redirects=False, stream=True) as answer:
        content = bytearray()
        for piece in answer.iter_content(CHUNK):
            content += piece
            if len(content) > MOST:
                raise TooLong(f"the answer has more than {MOST} bytes")
        media = answer.headers.get("Content-Type", "").partition(";")[0]
        return Answer(answer.status_code, media, bytes(content), answer.headers.get("Location", ""))
