"""The keys a gateway signs with and shows in TLS: the one in use, and the next one until everybody knows it.

``signing.pem`` and ``outer.pem`` alone decide which key is in use: it is the one that fits the first certificate there.
It lies in a file, or inside a PKCS#11 token: then a file says which it is there. The next key and its certificate lie
in the folder `NEXT` until they take over.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.x509 import Certificate

from onedoor.exchange.permissions import alone
from onedoor.kernel.durable import sync_folder
from onedoor.kernel.errors import OnedoorError, Unavailable
from onedoor.signing import holders
from onedoor.signing.certificates import load_certificates, save_certificates
from onedoor.signing.keys import Signer

SIGNING, OUTER, INNER = "signing", "outer", "inner"
"""Names of the identities (``.key``, ``.pem``): for messages, for TLS towards gateways and towards the own systems."""
NEXT = "next"
FORMER = 2
"""Certificates that are kept behind the one that signs, for what was signed under them."""
KEY, TOKEN = ".key", holders.ELSEWHERE
FORGOTTEN = "former-"
"""What the name of a key begins with that waits in `NEXT` for its destruction."""


class KeyMissing(OnedoorError):
    """The key that belongs to the certificate {path} is not in {folder}. Please put it back from the backup of keys, or make another one: “onedoor gateway certificate request”."""  # noqa: E501 - one sentence after the other


@dataclass(frozen=True, slots=True)
class Identity:
    """A key with its certificate."""

    key: Signer
    certificate: Certificate


def used(folder: Path, name: str) -> Identity:
    """Return the identity *name* of the gateway in *folder*; raise `KeyMissing`, or FileNotFoundError."""
    path = folder / f"{name}.pem"
    present = load_certificates(path)[0]
    key = next((one for one in _keys(folder, name) if one.public_key() == present.public_key()), None)
    if key is None:
        raise KeyMissing(path=path, folder=folder)
    return Identity(key, present)


def following(folder: Path, name: str) -> Identity | None:
    """Return the identity that waits to take over, once it has its certificate."""
    try:
        return used(folder / NEXT, name)
    except (FileNotFoundError, KeyMissing):
        return None


def key_of(folder: Path, name: str) -> Signer | None:
    """Return the key *name* that lies right in *folder*, if there is one."""
    found = (path for suffix in (KEY, TOKEN) if (path := folder / f"{name}{suffix}").exists())
    return next((holders.load(path) for path in found), None)


def take_over(folder: Path, name: str, certificate: Certificate) -> Identity | None:
    """Let *certificate* be the one in use, if it is already or its key waits to take over; return its identity.

    Several workers may do so at the same time, and a kill between is no harm: the certificate goes first, and whoever
    reads finds its key in either place. The key before it waits for `forget`: other workers
    may sign with it for a minute.
    """
    with alone(folder):
        waits = following(folder, name)
        if waits is None or waits.certificate != certificate:
            found = used(folder, name)
            return found if found.certificate == certificate else None
        path, waiting = folder / f"{name}.pem", folder / NEXT
        kept = load_certificates(path if name == SIGNING and path.exists() else waiting / f"{name}.pem")
        save_certificates(path, [certificate, *[one for one in kept if one != certificate][:FORMER]])
        for suffix in (KEY, TOKEN):
            old = folder / f"{name}{suffix}"
            if old.exists() and not _is(old, certificate):
                old.rename(waiting / f"{FORGOTTEN}{name}{suffix}")
        for suffix in (KEY, TOKEN):
            with suppress(FileNotFoundError):
                (waiting / f"{name}{suffix}").rename(folder / f"{name}{suffix}")
        (waiting / f"{name}.pem").unlink()
        sync_folder(folder)
        return waits


def forget(folder: Path) -> None:
    """Destroy the keys that others took over from, wherever they lie."""
    for old in (folder / NEXT).glob(f"{FORGOTTEN}*"):
        if old.suffix == TOKEN:
            with suppress(Unavailable):
                holders.load(old).destroy()  # type: ignore[attr-defined]
        old.unlink(missing_ok=True)


def _keys(folder: Path, name: str) -> list[Signer]:
    """Return the keys that may be the one in use: where a kill came between, it still lies in `NEXT`."""
    found = (key_of(one, name) for one in (folder, folder / NEXT))
    return [one for one in found if one]


def _is(path: Path, certificate: Certificate) -> bool:
    return holders.load(path).public_key() == certificate.public_key()
