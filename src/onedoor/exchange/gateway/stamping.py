"""Time-stamps over the signatures in the log: one token stands for many of them, through a hash chain.

The authorities are asked in a thread. What comes of it is a record of the log like any other: the token, the OCSP
responses that the signatures go with, and each signature it covers.
"""

import asyncio
import base64
import json
import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha512
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate, load_der_x509_certificate

from onedoor.exchange.configuration import Before, Configuration, Gateway
from onedoor.exchange.gateway import batches, reading, segments
from onedoor.exchange.gateway.batches import Sealer
from onedoor.exchange.gateway.chain import result, step
from onedoor.exchange.gateway.core import Core
from onedoor.exchange.gateway.faults import Fault
from onedoor.exchange.gateway.segments import BrokenSegment
from onedoor.kernel.errors import OnedoorError
from onedoor.signing.asice.writing import STAMPED, Template, result_file
from onedoor.signing.certificates import fingerprint

if TYPE_CHECKING:
    from onedoor.exchange.gateway.statuses import Statuses
    from onedoor.signing.authorities import TimeStampAuthority

EVERY = 60.0
"""Seconds between two time-stamps (X-Road's default)."""
MOST = 10_000
"""Signatures under one token."""
AT_HAND = 50_000
"""Signatures that are kept at hand; those after them are read from the log once these have their time-stamp."""
SECOND = 10**9
_logger = logging.getLogger(__name__)


Unstamped = tuple[int, str, bytes]
"""A batch in the log that no token covers: when it was logged (ns), its statement and its signature."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature in the log that waits for its time-stamp; *moment* is when it was logged here (ns)."""

    moment: int
    said: str
    value: bytes
    signing: Certificate
    template: Template

    def document(self, response: bytes) -> bytes:
        """Return the signature's file."""
        return self.template.document(batches.stated(self.said), self.value, response)


class Stamping:
    """What waits for a time-stamp, and who gives them: the authority at *tsa*, or nobody where that is empty.

    While signatures have waited longer than *within* seconds, no traffic flows: what nobody stamps proves too little.
    """

    def __init__(self, core: Core, tsa: str, ocsp: str, within: float) -> None:
        self._core, self._tsa, self._ocsp, self._within = core, tsa, ocsp, within
        self._waiting: list[Signed] = []
        self._more = bool(tsa)
        self._asked: tuple[TimeStampAuthority, Statuses] | None = None
        self._turn = asyncio.Lock()

    @property
    def longest(self) -> float:
        """Return how many seconds the oldest signature has waited."""
        return max(0.0, (time.time_ns() - self._waiting[0].moment) / SECOND) if self._waiting else 0.0

    @property
    def waiting(self) -> int:
        """Return how many signatures at hand have none."""
        return len(self._waiting)

    def note(self, payload: bytes, signer: Gateway | Before | Sealer) -> None:
        """Take the signature of a batch that went into the log."""
        if not self._tsa:
            return
        if self._more or len(self._waiting) >= AT_HAND:
            self._more = True
        else:
            said, value = batches.sealed(payload)
            self._waiting.append(Signed(time.time_ns(), said.decode(), value, signer.signing, signer.template))

    def check(self, side: str) -> None:
        """Raise the documented fault of *side* while the oldest signature has waited too long."""
        if self.longest > self._within:
            raise Fault(f"{side}.LoggingFailed.TimestamperFailed", "Cannot time-stamp messages", retry=True)

    async def _remember(self) -> None:
        """Take up what waits in the log alone: from before the gateway ended, or more than is kept at hand."""
        if (configuration := self._core.current()) is None:
            return
        self._more = False
        try:
            found, more = await asyncio.to_thread(self._left, configuration)
        except BaseException:
            self._more = True
            raise
        values = {one.value for one in found}
        self._waiting = found + [one for one in self._waiting if one.value not in values]
        self._more |= more

    def _left(self, configuration: Configuration) -> tuple[list[Signed], bool]:
        """Return the first that no token in the log covers, as many as are kept at hand, and whether there are more.

        Each is with the certificate it was signed under: perhaps one of before.
        """
        found = list(
            islice(self._signed(*unstamped(self._core.logs, self._core.local.log_key), configuration), AT_HAND + 1)
        )
        return found[:AT_HAND], len(found) > AT_HAND

    def _signed(
        self, left: Iterable[Unstamped], certificates: Iterable[Certificate], configuration: Configuration
    ) -> Iterator[Signed]:
        """Yield what stands in *left*, each under the certificate that its signature holds under, if one is known."""
        gateways = configuration.gateways.values()
        known = [(self._core.id, self._core.sealer.signing, self._core.sealer.template)]
        known += [(one.id, one.signing, one.template) for one in gateways]
        known += [(one.id, former, Template(former)) for one in gateways for former in one.former]
        known += [("", one, Template(one)) for one in certificates]
        lost = 0
        for moment, said, value in left:
            signer = batches.signer_of(said)
            likely = sorted(known, key=lambda one: one[0] != signer)
            holding = ((signing, template) for _, signing, template in likely if _holds(said, value, signing, template))
            if one := next(holding, None):
                yield Signed(moment, said, value, *one)
            else:
                lost += 1
        if lost:
            _logger.error("stamping.unknown_signer signatures=%s", lost)

    async def run(self) -> None:
        """Stamp what waits, again and again."""
        while True:
            try:
                await self.stamp()
            except Exception:
                _logger.exception("stamping")
            await asyncio.sleep(EVERY)

    async def stamp(self) -> bool:
        """Stamp what waits now, as far as the authority answers; return whether nothing is left of it."""
        async with self._turn:
            if self._more and not self._waiting:
                await self._remember()
            left = len(self._waiting)
            while left > 0 and (configuration := self._core.current()):
                taken, moment = self._waiting[:MOST], time.time_ns()
                behind = len(self._waiting) - len(taken) + self._more
                try:
                    made = await asyncio.to_thread(self._made, taken, configuration)
                except OnedoorError as error:
                    _logger.warning("stamping.failed error=%s", type(error).__name__)
                    return False
                await self._kept(json.dumps({"taken": moment, "left": behind, **made}).encode())
                del self._waiting[: len(taken)]
                left -= len(taken)
                if self._more and not self._waiting:
                    await self._remember()
                    left = len(self._waiting)
            return left <= 0 and not self._more

    async def stamp_others(self, left: Sequence[Unstamped]) -> None:
        """Stamp what stands in another worker's log, as far as the authority answers: the token goes into our own."""
        if self._tsa and (configuration := self._core.current()):
            taken = list(self._signed(left, (), configuration))
            try:
                made = await asyncio.to_thread(self._made, taken, configuration)
            except OnedoorError as error:
                _logger.warning("stamping.failed error=%s", type(error).__name__)
            else:
                await self._kept(json.dumps({"taken": 0, "left": 1, **made}).encode())

    def _made(self, taken: Sequence[Signed], configuration: Configuration) -> dict[str, Any]:
        """Return what the record of a token over *taken* says."""
        from onedoor.exchange.gateway.statuses import Statuses
        from onedoor.signing.authorities import TimeStampAuthority

        self._asked = self._asked or (TimeStampAuthority(self._tsa), Statuses(self._ocsp, self._core.allows))
        authority, statuses = self._asked
        signers = {fingerprint(one.signing): one.signing for one in taken}
        statements = {mark: statuses.of(one, configuration) for mark, one in signers.items()}
        responses = {mark: told.der if told else b"" for mark, told in statements.items()}
        signatures = []
        for one in taken:
            mark = fingerprint(one.signing)
            document = sha512(one.document(responses[mark])).digest()
            signatures.append((mark, _text(one.value), _text(document)))
        stamped = result_file(STAMPED, result(leaves(document for _, _, document in signatures)))
        return {
            "token": _text(authority.stamp(stamped)),
            "certificates": {mark: _text(one.public_bytes(Encoding.DER)) for mark, one in signers.items()},
            "responses": {mark: _text(one) for mark, one in responses.items()},
            "signatures": signatures,
        }

    async def _kept(self, made: bytes) -> None:
        durable = asyncio.get_running_loop().create_future()

        def said(error: OSError | None) -> None:
            if error:
                durable.set_exception(error)
            else:
                durable.set_result(None)

        self._core.log.append(reading.STAMPED, made, said)
        await durable


def leaves(documents: Iterable[str]) -> list[bytes]:
    """Return the steps of a chain over signature files, whose digests are given in base64."""
    return [step([base64.b64decode(one)]) for one in documents]


def unstamped(folders: Sequence[Path], log_key: bytes) -> tuple[Iterator[Unstamped], list[Certificate]]:
    """Return the batches in the logs that no token covers, in their order, and the certificates of tokens in them."""
    since = {folder: _covered(folder, log_key) for folder in folders}
    covered, certificates = set[bytes](), dict[str, str]()
    for folder in folders:
        for record in reading.records(folder, log_key, since=min(since.values())):
            if record.kind == reading.STAMPED:
                payload = record.payload or b""
                certificates |= json.loads(payload)["certificates"]
                covered.update(reading.stamped(payload))
    known = [load_der_x509_certificate(base64.b64decode(one)) for one in certificates.values()]
    return _uncovered(since, log_key, covered), known


def _uncovered(since: Mapping[Path, int], log_key: bytes, covered: set[bytes]) -> Iterator[Unstamped]:
    for folder, moment in since.items():
        for record in reading.records(folder, log_key, since=moment):
            if record.kind in (reading.STAMPED, reading.REFUSED):
                continue
            statement, value = batches.sealed(record.payload or b"")
            # What an earlier format signed is no XAdES.
            if value not in covered and statement.startswith(batches.FORMAT.encode()):
                yield record.moment, statement.decode(), value


def _covered(folder: Path, log_key: bytes) -> int:
    """Return the last moment (ns) before which every batch is covered: when a token was asked for all that waited."""
    for path in sorted(folder.glob("*.log"), reverse=True):
        taken = 0
        with suppress(BrokenSegment):
            for record in segments.records(path, log_key):
                if record.kind == reading.STAMPED and not (stamp := json.loads(record.payload or b""))["left"]:
                    taken = int(stamp["taken"])
        if taken:
            return taken
    return 0


def _holds(said: str, value: bytes, signing: Certificate, template: Template) -> bool:
    key = signing.public_key()
    return isinstance(key, EllipticCurvePublicKey) and template.holds(batches.stated(said), value, key)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
