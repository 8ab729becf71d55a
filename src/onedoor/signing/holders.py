"""The seals of a system: for each agency one certificate in force, and its key under a name that the certificate tells.

``<agency>.pem`` alone decides. A key is in place before its certificate, so that a seal changes in one step while it
is used: whoever read the certificate before still finds the key that fits.
"""

import hashlib
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from onedoor.signing.certificates import load_certificates, save_certificates
from onedoor.signing.keys import PrivateKey, PublicKey, load_key, new_key, save_key

ROOTS = ("trust", "tsa-trust")
"""Names of the files beside the seals that hold whom a system trusts."""
_DIGITS = 16


def agencies(folder: Path) -> list[str]:
    """Return the agencies that have a seal in *folder*."""
    return sorted(path.stem for path in folder.glob("*.pem") if path.stem not in ROOTS)


def certificates(folder: Path, agency: str) -> tuple[x509.Certificate, ...]:
    """Return the certificate of *agency* and those above it; raise FileNotFoundError when it has no seal."""
    return load_certificates(folder / f"{agency}.pem")


def key_of(folder: Path, agency: str, certificate: x509.Certificate) -> PrivateKey:
    """Return the key that belongs to *certificate*; raise FileNotFoundError when it is not here."""
    return load_key(key_path(folder, agency, certificate))


def key_path(folder: Path, agency: str, certificate: x509.Certificate) -> Path:
    """Return where the key that belongs to *certificate* lies, or should."""
    own = path_of(folder, agency, certificate.public_key())  # type: ignore[arg-type]
    return own if own.exists() else folder / f"{agency}.key"


def key(folder: Path, agency: str) -> PrivateKey:
    """Return the key that *agency* seals with, made now when there is none."""
    try:
        return key_of(folder, agency, certificates(folder, agency)[0])
    except FileNotFoundError:
        first = folder / f"{agency}.key"
        if not first.exists():
            save_key(first, new_key())
        return load_key(first)


def path_of(folder: Path, agency: str, public: PublicKey) -> Path:
    """Return where the private key of *public* lies."""
    written = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return folder / f"{agency}.{hashlib.sha256(written).hexdigest()[:_DIGITS]}.key"


def prepare(folder: Path, agency: str) -> PrivateKey:
    """Make a new key for *agency* beside the one in use, and return it."""
    key = new_key()
    save_key(path_of(folder, agency, key.public_key()), key)
    return key


def install(folder: Path, agency: str, chain: tuple[x509.Certificate, ...]) -> list[Path]:
    """Let *agency* seal with the first of *chain* from now on; return the keys that were destroyed.

    Raise FileNotFoundError when its key is not here. A job that was sealing with the old key tries again.
    """
    key_of(folder, agency, chain[0])
    used = key_path(folder, agency, chain[0])
    save_certificates(folder / f"{agency}.pem", chain)
    old = [one for one in (*folder.glob(f"{agency}.*.key"), folder / f"{agency}.key") if one.exists() and one != used]
    for one in old:
        one.unlink()
    return old
