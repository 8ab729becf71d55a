"""What evidence is checked against, for anyone: the configuration in force, as X-Road's servers hand it out.

A zip with ``verificationconf/instance-identifier`` and ``verificationconf/{instance}/shared-params.xml``, the same for
each partner of the federation.
"""

import io
import zipfile
from functools import lru_cache

from onedoor.exchange.configuration import Configuration
from onedoor.exchange.gateway.faults import bad_request, client_side
from onedoor.exchange.gateway.messages import Headers
from onedoor.exchange.parameters import SHARED

PATH = b"/verificationconf"
FOLDER = "verificationconf"
_HEADERS = [
    (b"Content-Type", b"application/zip"),
    (b"Content-Disposition", b'attachment; filename="verificationconf.zip"'),
]


def answer(configuration: Configuration, method: bytes) -> tuple[Headers, bytes]:
    """Return headers and body with what *configuration* approves; raise `Fault`."""
    if method != b"GET":
        raise bad_request("The configuration is asked for with GET /verificationconf")
    if not configuration.shared:
        raise client_side("InternalError", "The directory says too little for evidence to be checked")
    known = ((one.instance, one.shared) for one in configuration.partners)
    return _HEADERS, _zipped((configuration.instance, configuration.shared), *known)


@lru_cache(maxsize=1)
def _zipped(own: tuple[str, bytes], *partners: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{FOLDER}/instance-identifier", own[0])
        for instance, shared in (own, *partners):
            archive.writestr(f"{FOLDER}/{instance}/{SHARED}", shared)
    return file.getvalue()
