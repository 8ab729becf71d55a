"""The ledgers of a nation's systems, named to its directory, whose own ledger takes their checkpoints."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from onedoor.exchange.witness.record import own_key
from onedoor.kernel.durable import write_durably
from onedoor.kernel.ledger import Verifier
from onedoor.site.up.plan import POLICY, Part
from onedoor.store.proving import has_published

PUBLISHED = "ledger"
"""Where below its address a system publishes its ledger."""


def name_ledgers(found: Sequence[Part]) -> None:
    """Write the file (C2SP tlog-policy) that the directory of *found* takes checkpoints by; make what keys are missing.

    A next key stands there beside the one in use, so that the directory goes on when it takes over.
    """
    told = (line for part in found if part.publishes for line in lines(part.environment, f"http://{part.address}"))
    content = "".join(told).encode()
    for part in found:
        if policy := part.environment.get(POLICY):
            write_durably(Path(policy), content)


def lines(environment: Mapping[str, str], address: str) -> Iterator[str]:
    """Yield what names the ledger of a system that is reached at *address*: a line for each key, made if it is not."""
    yield from (f"log {key} {address}/{PUBLISHED}\n" for key in _keys(environment))


def _keys(environment: Mapping[str, str]) -> Iterator[Verifier]:
    """Yield the public keys that sign the ledger of a system; raise `LedgerKeyMissing` where one was in use before."""
    state = Path(environment["ONEDOOR_STATE"])
    folder = state / "ledger"
    if not (folder / "key").exists() and has_published(state):
        from onedoor.store.ledger_keys import LedgerKeyMissing  # loaded where there is none: it brings Django

        raise LedgerKeyMissing(path=folder / "key")
    signing = [own_key(folder / "key")]
    if (following := folder / "key.next").exists():
        signing.append(Ed25519PrivateKey.from_private_bytes(following.read_bytes()))
    for key in signing:
        yield Verifier(f"onedoor/{environment['ONEDOOR_SUBSYSTEM']}", key.public_key())
