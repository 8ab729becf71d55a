"""What a revision says, as text that anybody can hash: JSON with sorted keys, no spaces, in UTF-8; SHA-256 in hex.

The GovStack definition names SHA-1, which is broken; the rest of a snapshot is as its schema ``Revision`` says.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

PAYLOAD = (
    "verificationPayload",
    "verificationPayloadHash",
    "verificationMethod",
    "verificationArtifact",
    "verificationSignedBy",
    "verificationJwsHeader",
    "timestamp",
    "signedWithoutObjectReference",
    "objectType",
    "objectReference",
)
"""The fields of a signature that its payload is made of."""


def canonical(facts: object) -> str:
    """Return *facts* as JSON in the one form that is hashed and signed."""
    return json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest(text: str) -> str:
    """Return SHA-256 of *text* in UTF-8, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def snapshot(
    schema: str, name: str, data: Mapping[str, Any] | None, *, moment: str, individual: str = "", other: str = ""
) -> str:
    """Return the snapshot of an object called *name*; without a name it is one that is signed before it is kept."""
    facts = {
        "objectData": None if data is None else {**data, "id": name},
        "schemaName": schema,
        "objectId": name,
        "signedWithoutObjectId": not name,
        "timestamp": moment,
        "authorizedByIndividual": individual,
        "authorizedByOther": other,
    }
    return canonical(facts)


def payload(signature: Mapping[str, Any]) -> str:
    """Return what is signed: the fields of *signature* that bind it; what it points at only if that was known then."""
    left_out = ("objectReference",) if signature["signedWithoutObjectReference"] else ()
    return canonical({name: signature[name] for name in PAYLOAD if name not in left_out})
