"""The ledgers of a nation's systems, named to its directory, whose own ledger takes their checkpoints."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from onedoor.exchange.witness.record import own_key
from onedoor.kernel.durable import write_durably
from onedoor.kernel.ledger import Verifier
from onedoor.site.up.plan import POLICY, Part

PUBLISHED = "ledger"
"""Where below its address a system publishes its ledger."""


def name_ledgers(found: Sequence[Part]) -> None:
    """Write the file (C2SP tlog-policy) that the directory of *found* takes checkpoints by; make what keys are missing.

    A next key stands there beside the one in use, so that the directory goes on when it takes over.
    """
    told = [f"log {key} http://{part.address}/{PUBLISHED}\n" for part in found if part.publishes for key in _keys(part)]
    for part in found:
        if policy := part.environment.get(POLICY):
            write_durably(Path(policy), "".join(told).encode())


def _keys(part: Part) -> Iterator[Verifier]:
    """Yield the public keys that sign the ledger of a system."""
    folder = Path(part.environment["ONEDOOR_STATE"]) / "ledger"
    signing = [own_key(folder / "key")]
    if (following := folder / "key.next").exists():
        signing.append(Ed25519PrivateKey.from_private_bytes(following.read_bytes()))
    for key in signing:
        yield Verifier(f"onedoor/{part.environment['ONEDOOR_SUBSYSTEM']}", key.public_key())
