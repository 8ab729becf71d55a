"""What a check of a container finds: each finding is a sentence with facts, and says how much it weighs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Reason(StrEnum):
    """Why a container does not hold, or not fully: the name is the code, the value the sentence and gettext key."""

    NOT_A_CONTAINER = "This file is not a well-formed ASiC-E container: {why}."
    TOO_LARGE = "This container is larger than what is read here: {why}."
    NO_MIMETYPE = "The container does not say that it is one (application/vnd.etsi.asic-e+zip)."
    NO_MESSAGE = "There is no message in the container."
    NO_SIGNATURE = "There is no signature in the container."
    BAD_XML = "{entry} cannot be read: {why}."
    ALGORITHM = "{entry} uses an algorithm that is not accepted here: {algorithm}."
    BAD_SIGNATURE = "The signature does not fit what it signs, or was made with another key."
    CHANGED = "{entry} was changed after it was signed."
    PROPERTIES_CHANGED = "The signed properties of the signature were changed after they were signed."
    OTHER_CERTIFICATE = "The certificate in the signature is not the one that was signed with it."
    MESSAGE_NOT_SIGNED = "Nothing signs the message: neither the signature nor a signed hash chain refers to it."
    HASH_CHAIN = "The hash chain in {entry} does not lead to its result."
    NOT_TOGETHER = (
        "The hash chain does not bring together the parts of one message: its head first, then what is attached to it."
    )
    HASH_CHAIN_NOT_SIGNED = "There is a hash chain in {entry}, and nothing signs it."
    ENTRY_NOT_SIGNED = "There is {entry} in the container, and nothing signs it."
    ENTRY_MISSING = "{entry} was signed with the message and is not in the container."
    GIVEN_TWICE = "{entry} is in the container, and another one was given beside it."
    NO_TIME_STAMP = "There is no time-stamp in the container."
    TIME_STAMPS = "There is more than one time-stamp, and nothing says which one counts."
    TIME_STAMP_IMPRINT = "The time-stamp was not made for this signature."
    TIME_STAMP_BROKEN = "The time-stamp is damaged, or was not signed by the certificate it names."
    SIGNATURE_NOT_STAMPED = "The hash chain of the time-stamp does not include this signature."
    OCSP_BROKEN = (
        "The statement on the signer's certificate (OCSP) is damaged, or not signed by the certificate it names."
    )
    OCSP_REFERENCE = "The statement on the signer's certificate (OCSP) is not the one the signature refers to."
    MANIFEST = "The manifest does not fit {entry}."
    MESSAGE_UNREADABLE = "The message does not say who sent it: {why}."


class Why(StrEnum):
    """What exactly is wrong with the form of something: a part of the sentence of a reason, and a gettext key."""

    FILE = "its size"
    ENTRIES = "the number of its entries"
    CONTENT = "the size of what is packed in it"
    PART = "the size of one of its parts"
    UNREADABLE = "it is not a ZIP file that can be read"
    AFTER_END = "something follows its end, or it has several parts"
    DIRECTORY = "its directory is not where it should be"
    BEFORE_START = "something stands before its first entry"
    NAME = "it has an entry with a name that is not accepted"
    TWICE = "two of its entries have the same name"
    TWO_ACCOUNTS = "what it says of an entry in two places is not the same"
    OVERLAP = "two of its entries lie over each other"
    DAMAGED = "an entry is damaged"
    CUT = "it ends too early"
    HIDDEN = "an entry holds more than its content"
    COMMENTS = "it holds comments or instructions"
    XML_ATTRIBUTES = "it holds attributes of XML itself"
    ID_TWICE = "an id stands in it twice"
    STRANGE_ELEMENT = "it holds an element that does not belong there"
    NOT_ONCE = "an element that belongs there once is missing or stands there twice"
    NOT_BASE64 = "a value in it is not base64"
    NO_ATTRIBUTE = "an attribute is missing"
    NOT_UTF8 = "it is not UTF-8"
    DOCTYPE = "it is not an XML document, or has a document type"
    NOT_XML = "it is not well-formed XML"
    PART_TWICE = "a part of the signature is missing or stands there twice"
    NO_SIGNATURE = "it is not a signature"
    PROPERTIES = "it should hold the properties of the signature and nothing else"
    OTHER_SIGNATURE = "its properties belong to another signature"
    PROPERTIES_NOT_SIGNED = "its signed properties are not signed"
    REFERENCE_TWICE = "it refers to an entry twice, or to too many"
    SIDES = "it does not name a client and a service"
    HEAD = "it is neither an X-Road REST message nor an X-Road SOAP message"
    STRANGE_REFERENCE = "it refers to something that is not an entry of the container"


_LONGEST = 160
STRICTER = frozenset(
    (Reason.HASH_CHAIN_NOT_SIGNED, Reason.ENTRY_NOT_SIGNED, Reason.MANIFEST, Reason.NOT_TOGETHER),
)
"""Reasons for which X-Road's own verifier says nothing."""


@dataclass(frozen=True)
class Finding:
    """One reason with the *facts* of its sentence; *stricter* when X-Road's verifier passes the same."""

    reason: StrEnum
    facts: dict[str, str] = field(default_factory=dict)
    stricter: bool = False

    def text(self, translate: Callable[[str], str] = str) -> str:
        """Return the sentence, translated by *translate* (a gettext function); foreign words are made harmless."""
        facts = {
            key: translate(fact.value) if isinstance(fact, StrEnum) else _harmless(fact)
            for key, fact in self.facts.items()
        }
        return translate(self.reason.value).format(**facts)


class Broken(Exception):
    """Carries a finding out of the depths of a check that cannot go on."""

    def __init__(self, reason: Reason, **facts: str) -> None:
        self.finding = Finding(reason, facts, reason in STRICTER)
        super().__init__(self.finding.text())


def _harmless(fact: str) -> str:
    shown = "".join(sign if sign.isprintable() else "�" for sign in fact[:_LONGEST])
    return shown if len(fact) <= _LONGEST else f"{shown}…"
