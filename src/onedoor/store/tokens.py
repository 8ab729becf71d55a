"""Master keys inside a PKCS#11 token, which wraps and unwraps with them and gives none of them out."""

import os
from typing import Any

from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, ObjectClass
from pkcs11.exceptions import PKCS11Error

from onedoor.kernel import pkcs11
from onedoor.kernel.settings import current
from onedoor.store.masters import KEY_BYTES, NONCE_BYTES, BadWrapping, MasterKey, MasterKeyMissing

LABEL = "onedoor master key of {system}"
"""Under which label the master keys of a system stand in a token; the id of each is its name."""


class TokenKey:
    """A master key that never leaves its PKCS#11 token: keys go in and come out wrapped."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._found: tuple[Any, Any] = (None, None)

    def _in(self, session: Any) -> Any:  # noqa: ANN401 - what a key can do depends on its token
        """Return the key as *session* has it: it is found again where that is another one than before."""
        if self._found[0] is not session:
            found = next(iter(session.get_objects(_query(self._name))), None)
            if found is None:
                raise MasterKeyMissing(name=self._name, place=current().pkcs11_token)
            self._found = session, found
        return self._found[1]

    def wrap(self, secret: bytes, bound: bytes) -> bytes:
        """Return *secret* wrapped by the token."""
        nonce = os.urandom(NONCE_BYTES)
        with pkcs11.session() as session:
            return nonce + bytes(self._in(session).encrypt(secret, **_gcm(nonce, bound)))

    def unwrap(self, wrapped: bytes, bound: bytes) -> bytes:
        """Return the secret in *wrapped*; raise `BadWrapping`."""
        nonce, content = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        with pkcs11.session() as session:
            key = self._in(session)
            try:
                return bytes(key.decrypt(content, **_gcm(nonce, bound)))
            except pkcs11.LOST:
                raise
            except PKCS11Error as error:
                raise BadWrapping from error


class Token:
    """Master keys in the PKCS#11 token of the settings."""

    def make(self, name: str) -> None:
        """Have the token make a key that nobody can take out of it."""
        kept = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False}
        with pkcs11.session() as session:
            session.generate_key(
                KeyType.AES, KEY_BYTES * 8, id=name.encode(), label=_label(), store=True, template=kept
            )

    def load(self, name: str) -> MasterKey:
        """Return the key, which stays in the token."""
        key = TokenKey(name)
        with pkcs11.session() as session:
            key._in(session)
        return key

    def names(self) -> set[str]:
        """Return the ids of this system's keys in the token."""
        with pkcs11.session() as session:
            found = session.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.LABEL: _label()})
            return {bytes(one[Attribute.ID]).decode() for one in found}

    def destroy(self, name: str) -> None:
        """Have the token destroy the key."""
        with pkcs11.session() as session:
            for one in list(session.get_objects(_query(name))):
                one.destroy()


def _query(name: str) -> dict[Attribute, object]:
    return {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.ID: name.encode(), Attribute.LABEL: _label()}


def _gcm(nonce: bytes, bound: bytes) -> dict[str, Any]:
    return {"mechanism": Mechanism.AES_GCM, "mechanism_param": GCMParams(nonce=nonce, aad=bound, tag_bits=128)}


def _label() -> str:
    return LABEL.format(system=current().subsystem or current().role)
