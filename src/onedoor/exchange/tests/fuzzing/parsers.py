"""The parsers by name, and what each may raise: whoever calls it takes just these for a refusal."""

from collections.abc import Callable
from typing import NamedTuple

from onedoor.exchange.configuration import ConfigurationRefused
from onedoor.exchange.directory.registering import BadRegistration
from onedoor.exchange.evidence.directory import BadDirectory
from onedoor.exchange.gateway.asic import Refused
from onedoor.exchange.gateway.batches import BadBatch
from onedoor.exchange.gateway.bodies import BadLength
from onedoor.exchange.gateway.faults import Fault
from onedoor.exchange.gateway.messages import BadMessage
from onedoor.exchange.gateway.segments import BrokenSegment
from onedoor.exchange.granting import AboveCeiling, BadAsk, NotItsService, OtherBasis
from onedoor.exchange.identifiers import BadIdentifier
from onedoor.exchange.openapi import DescriptionRefused
from onedoor.exchange.tests.fuzzing import asked, documents, links, seeds
from onedoor.kernel.ledger import LedgerError
from onedoor.signing.asice.findings import Broken


class Parser(NamedTuple):
    """What gives an input to a parser, what that may raise, and a few good inputs."""

    parse: Callable[[bytes], None]
    refusals: tuple[type[Exception], ...]
    seeds: list[bytes]


_REFUSALS: dict[Callable[[bytes], None], tuple[type[Exception], ...]] = {
    links.requests: (),
    links.answers: (),
    links.frames: (BadBatch,),
    links.streams: (BadBatch,),
    links.heads: (BadMessage, BadIdentifier, BadLength),
    links.targets: (BadIdentifier,),
    links.globs: (),
    links.doors: (Refused,),
    links.fetched: (OSError,),
    documents.descriptions: (DescriptionRefused,),
    documents.soaps: (Fault,),
    documents.questions: (Fault,),
    documents.configurations: (ConfigurationRefused,),
    documents.registrations: (BadRegistration,),
    documents.lists: (BadDirectory, Broken),
    documents.forged: (BadDirectory, Broken),
    documents.parameters: (ConfigurationRefused,),
    documents.anchors: (ValueError, Broken),
    documents.certificates: (ValueError,),
    documents.logs: (BrokenSegment,),
    documents.containers: (),
    documents.signatures: (Broken,),
    documents.chains: (Broken,),
    documents.manifests: (Broken,),
    documents.tokens: (Broken,),
    documents.statuses: (Broken,),
    documents.logged: (Broken,),
    asked.asks: (AboveCeiling, BadAsk, NotItsService, OtherBasis),
    asked.checkpoints: (UnicodeDecodeError, LedgerError),
    asked.stampings: (asked.Refused,),
    asked.inquiries: (asked.Refused,),
}


def canary(data: bytes) -> None:
    """Break at one word, letter by letter nearer: a fuzzer that does not follow coverage would not find it."""
    for number, letter in enumerate(b"sing"):
        if len(data) <= number or data[number] != letter:
            return
    raise AssertionError("it sang")


CANARY = "canary"
"""A parser that breaks, to see that this is found."""


def known() -> dict[str, Parser]:
    """Return all parsers."""
    good = seeds.of_links() | seeds.of_documents() | seeds.of_asked()
    return {one.__name__: Parser(one, refusals, good[one.__name__]) for one, refusals in _REFUSALS.items()}
