"""What is said in a request: sealed under the key of its person, with a salt, so that its digest tells nobody of it."""

import json
import secrets
from hashlib import sha256

from onedoor.privacy.records import SALT_BYTES
from onedoor.privacy.requests.models import PersonRequest
from onedoor.store import sealed
from onedoor.store.keys import KeyDestroyed
from onedoor.store.sealed import Place


def seal(request: PersonRequest, said: dict[str, str]) -> None:
    """Seal what is *said* in a request under the key of its person, with a salt of its own."""
    salted = {**said, "salt": secrets.token_hex(SALT_BYTES)}
    request.sealed = sealed.seal(salted, subject=said["person"], place=_place(request))


def opened(request: PersonRequest) -> dict[str, str]:
    """Return what is sealed in a request: person, words, and the agency's; nothing once its person was erased."""
    try:
        return there(request)
    except KeyDestroyed:
        return {}


def there(request: PersonRequest) -> dict[str, str]:
    """Return what is sealed in a request, nothing where nothing is; raise `BadEnvelope` or `KeyDestroyed`."""
    if not request.sealed:
        return {}
    found: dict[str, str] = sealed.unseal(bytes(request.sealed), place=_place(request))
    return found


def digest(said: dict[str, str]) -> str:
    """Return in hex SHA-256 of what is said, as JSON with sorted keys; nothing where no salt was sealed with it."""
    if "salt" not in said:
        return ""
    return sha256(json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _place(request: PersonRequest) -> Place:
    return Place("privacy_personrequest", "sealed", request.code)
