"""What evidence is checked against, for anyone: the configuration in force, as X-Road's servers hand it out.

A zip with ``verificationconf/instance-identifier`` and ``verificationconf/{instance}/shared-params.xml``, the same for
each partner of the federation. It is made from the signed configuration in the gateway's folder when it is asked for.
Beside our own lies ``externalconf``, their list as the directory signed it for X-Road's readers, which pass it over:
who has the directory's anchor need not trust this gateway. A list of other parameters would only say that these were
changed.
"""

import base64
import io
import zipfile
from functools import lru_cache
from hashlib import sha512
from pathlib import Path

from onedoor.exchange import configuration
from onedoor.exchange.gateway import local as files
from onedoor.exchange.gateway.core import Core
from onedoor.exchange.gateway.faults import CLIENT_PROXY, client_side
from onedoor.exchange.gateway.messages import Headers

FOLDER = "verificationconf"
_HEADERS = [
    (b"Content-Type", b"application/zip"),
    (b"Content-Disposition", b'attachment; filename="verificationconf.zip"'),
]


def answer(core: Core) -> tuple[Headers, bytes]:
    """Return headers and body with what the configuration in force approves; raise `Fault`."""
    found = core.configuration(CLIENT_PROXY)
    partners = frozenset(one.instance for one in found.partners)
    return _HEADERS, _zipped(core.local.folder / files.CONFIGURATION, found.serial, partners)


@lru_cache(maxsize=1)
def _zipped(path: Path, serial: int, partners: frozenset[str]) -> bytes:
    from onedoor.exchange import parameters  # a writer of XML, where somebody asks

    data = configuration.content(path.read_bytes())
    if data["serial"] != serial:
        raise client_side("InternalError", "The configuration is being changed", retry=True)
    if "address" not in data:
        raise client_side("InternalError", "The directory says too little for evidence to be checked")
    own = parameters.shared(data)
    told = {data["instance"]: own}
    told |= {one["instance"]: one["shared"].encode() for one in data.get("partners", ()) if one["instance"] in partners}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{FOLDER}/instance-identifier", data["instance"])
        for instance, shared in told.items():
            archive.writestr(f"{FOLDER}/{instance}/{parameters.SHARED}", shared)
        vouched = data.get(parameters.EXTERNAL_LIST, "")
        if base64.b64encode(sha512(own).digest()).decode() in vouched:  # a directory of another version writes others
            archive.writestr(f"{FOLDER}/{data['instance']}/{parameters.EXTERNAL_LIST}", vouched)
    return file.getvalue()
