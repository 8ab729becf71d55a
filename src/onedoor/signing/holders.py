"""The seals of a system: for each agency one certificate in force, and its key under a name that the certificate tells.

``<agency>.pem`` alone decides. Its key lies in a file, or inside a PKCS#11 token: then a file says which it is there.
A key is in place before its certificate, so that a seal changes in one step while it is used: whoever read the
certificate before still finds the key that fits.
"""

import hashlib
import re
from pathlib import Path
from types import ModuleType

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from onedoor.kernel.durable import alone
from onedoor.signing.certificates import load_certificates, save_certificates
from onedoor.signing.keys import PublicKey, Signer, load_key, new_key, save_key

ROOTS = ("trust", "tsa-trust")
"""Names of the files beside the seals that hold whom a system trusts."""
ELSEWHERE = ".pkcs11"
"""Suffix of the file that names a key inside a token."""
_DIGITS = 16


def agencies(folder: Path) -> list[str]:
    """Return the agencies that have a seal in *folder*."""
    return sorted(path.stem for path in folder.glob("*.pem") if path.stem not in ROOTS)


def certificates(folder: Path, agency: str) -> tuple[x509.Certificate, ...]:
    """Return the certificate of *agency* and those above it; raise FileNotFoundError when it has no seal."""
    return load_certificates(folder / f"{agency}.pem")


def key_of(folder: Path, agency: str, certificate: x509.Certificate) -> Signer:
    """Return the key that belongs to *certificate*; raise FileNotFoundError when it is not here."""
    return load(key_path(folder, agency, certificate))


def load(path: Path) -> Signer:
    """Return the key at *path*, or in the token where the file only names it."""
    return _tokens().load(path) if path.suffix == ELSEWHERE else load_key(path)


def _tokens() -> ModuleType:
    from onedoor.signing import tokens  # loaded where there is one: it takes a fifth of a second and 10 MB

    return tokens


def key_path(folder: Path, agency: str, certificate: x509.Certificate) -> Path:
    """Return where the key that belongs to *certificate* lies, or should."""
    own = path_of(folder, agency, certificate.public_key())  # type: ignore[arg-type]
    named = own.with_suffix(ELSEWHERE)
    return named if named.exists() else own if own.exists() else folder / f"{agency}.key"


def key(folder: Path, agency: str) -> Signer:
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


def prepare(folder: Path, agency: str, *, in_token: bool = False) -> Signer:
    """Make a new key for *agency* beside the one in use, perhaps in the token of the settings, and return it."""
    if in_token:
        tokens = _tokens()
        key_id = tokens.make(f"onedoor seal of {agency}")
        made: Signer = tokens.TokenKey(folder, key_id)
        path = path_of(folder, agency, made.public_key()).with_suffix(ELSEWHERE)
        tokens.save(path, key_id)
        return load(path)
    key = new_key()
    save_key(path_of(folder, agency, key.public_key()), key)
    return key


def install(folder: Path, agency: str, chain: tuple[x509.Certificate, ...]) -> list[Path]:
    """Let *agency* seal with the first of *chain* from now on; return the keys that were destroyed.

    Raise FileNotFoundError when its key is not here. A job that was sealing with the old key tries again.
    """
    with alone(folder):  # of two who do so at once, the later one destroys the key of the other, and its own is there
        used = key_path(folder, agency, chain[0])
        if load(used).public_key() != chain[0].public_key():
            raise FileNotFoundError(used)
        save_certificates(folder / f"{agency}.pem", chain)
        old = [one for one in _keys(folder, agency) if one != used]
        for one in old:
            if one.suffix == ELSEWHERE:
                _tokens().load(one).destroy()
            one.unlink()
        return old


def _keys(folder: Path, agency: str) -> list[Path]:
    """Return the files of all keys of *agency*: of none whose id only begins alike."""
    marked = rf"\.[0-9a-f]{{{_DIGITS}}}(\.key|{re.escape(ELSEWHERE)})"
    named = re.compile(rf"{re.escape(agency)}({marked}|\.key)")
    return sorted(one for one in folder.iterdir() if named.fullmatch(one.name))
