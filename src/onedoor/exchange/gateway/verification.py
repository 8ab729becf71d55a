"""What evidence is checked against, for anyone: the configuration in force, as X-Road's servers hand it out.

A zip with ``verificationconf/instance-identifier`` and ``verificationconf/{instance}/shared-params.xml``, the same for
each partner of the federation. It is made from the signed configuration in force when it is asked for.
Beside them lies ``externalconf``, their list as the directory signed it, or the partner's own source; X-Road's readers
pass it over. Who has the anchor of an instance need trust neither this gateway nor, for a partner, the directory. A
list of other parameters would only say that these were changed.
"""

import base64
import io
import zipfile
from functools import lru_cache
from hashlib import sha512

from onedoor.exchange import configuration
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
    return _HEADERS, _zipped(core.signed, partners)


@lru_cache(maxsize=1)
def _zipped(signed: bytes, partners: frozenset[str]) -> bytes:
    from onedoor.exchange import parameters  # a writer of XML, where somebody asks

    data = configuration.content(signed)
    if "address" not in data:
        raise client_side("InternalError", "The directory says too little for evidence to be checked")
    own = parameters.shared(data)
    told = {data["instance"]: own}
    abroad = [one for one in data.get("partners", ()) if one["instance"] in partners]
    told |= {one["instance"]: one["shared"].encode() for one in abroad}
    vouched = {one["instance"]: one["listed"] for one in abroad if one.get("listed")}
    ours = data.get(parameters.EXTERNAL_LIST, "")
    if base64.b64encode(sha512(own).digest()).decode() in ours:  # a directory of another version writes others
        vouched[data["instance"]] = ours
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{FOLDER}/instance-identifier", data["instance"])
        for instance, shared in told.items():
            archive.writestr(f"{FOLDER}/{instance}/{parameters.SHARED}", shared)
        for instance, listed in vouched.items():
            archive.writestr(f"{FOLDER}/{instance}/{parameters.EXTERNAL_LIST}", listed)
    return file.getvalue()
