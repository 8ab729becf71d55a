"""X-Road's hash chain: one signed or time-stamped result stands for many messages, their bodies, or signatures.

A step's value is the digest of ``SEQUENCE OF SEQUENCE { digest OCTET STRING, method UTF8String, transforms SEQUENCE }``
over its children in order (namespace http://cyber.ee/hashchain). Each step is worked out once, whoever refers to it.
"""

from dataclasses import dataclass, field

from asn1crypto.core import OctetString, UTF8String  # type: ignore[import-untyped]
from asn1crypto.parser import emit  # type: ignore[import-untyped]
from lxml import etree

from onedoor.signing.asice import documents
from onedoor.signing.asice.algorithms import digest_name
from onedoor.signing.asice.container import Container
from onedoor.signing.asice.findings import Broken, Reason
from onedoor.signing.asice.names import DS, HC
from onedoor.signing.schemes import digest, same

_METHOD, _VALUE = f"{{{DS}}}DigestMethod", f"{{{DS}}}DigestValue"
_DEFAULT, _STEP, _RESULT = f"{{{HC}}}DefaultDigestMethod", f"{{{HC}}}HashStep", f"{{{HC}}}HashChainResult"
_HASH, _STEP_REF, _DATA_REF = f"{{{HC}}}HashValue", f"{{{HC}}}StepRef", f"{{{HC}}}DataRef"
_SEQUENCE = 16
_DEEPEST, _MOST, _MOST_FILES = 64, 20_000, 8
"""Steps below each other, which also ends a circle, steps worked out for one result, and files that hold them."""


@dataclass
class Chain:
    """What a result stands for: *entries* with their digests right, those *missing*, the *files* of the chain.

    *leaves* are what each step with entries is of, in order: their names, and nothing for what stands beside them.
    """

    entries: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    leaves: list[list[str]] = field(default_factory=list)


def follow(container: Container, result: str) -> Chain:
    """Return what the hash chain result in the entry *result* stands for; raise `Broken` when it does not add up."""
    root = documents.parse(container.read(result), result)
    if root.tag != _RESULT:
        raise Broken(Reason.HASH_CHAIN, entry=result)
    uri = documents.attribute(root, "URI", result)
    method = documents.attribute(documents.only(root, _METHOD, result), "Algorithm", result)
    value = documents.binary(documents.only(root, _VALUE, result), result)
    walk = _Walk(container)
    reached = walk.step(uri, "", result, 0)
    if not same(digest(digest_name(method, result), reached), value):
        raise Broken(Reason.HASH_CHAIN, entry=result)
    walk.chain.files.add(result)
    return walk.chain


class _Walk:
    """One way down from a result to its leaves."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._steps: dict[tuple[str, str], etree._Element] = {}
        self._methods: dict[str, str] = {}
        self._known: dict[tuple[str, str], bytes] = {}
        self.chain = Chain()

    def step(self, uri: str, here: str, entry: str, depth: int) -> bytes:
        """Return the DER of the step that *uri* names, seen from the chain in *here*."""
        base, _, name = uri.partition("#")
        file = base.removeprefix("/") or here
        place = file, name
        if place in self._known:
            return self._known[place]
        if depth > _DEEPEST or len(self._known) > _MOST:
            raise Broken(Reason.HASH_CHAIN, entry=entry)
        self._load(file, entry)
        if place not in self._steps:
            raise Broken(Reason.HASH_CHAIN, entry=entry)
        values = documents.children(self._steps[place], file, _HASH, _STEP_REF, _DATA_REF)
        parts = [self._value(value, file, depth) for value in values]
        if not parts:
            raise Broken(Reason.HASH_CHAIN, entry=entry)
        names = [_target(one, file) if one.tag == _DATA_REF else "" for one in values]
        self.chain.leaves += [names] if any(names) else []
        self._known[place] = _encoded(parts)
        return self._known[place]

    def _load(self, file: str, entry: str) -> None:
        if file in self._methods:
            return
        if file not in self._container or len(self._methods) == _MOST_FILES:
            raise Broken(Reason.HASH_CHAIN, entry=entry)
        root = documents.parse(self._container.read(file), file)
        self._methods[file] = documents.attribute(documents.only(root, _DEFAULT, file), "Algorithm", file)
        for step in documents.children(root, file, _DEFAULT, _STEP):
            if step.tag == _STEP:
                self._steps[file, documents.attribute(step, "id", file)] = step
        self.chain.files.add(file)

    def _value(self, value: etree._Element, file: str, depth: int) -> tuple[bytes, str]:
        """Return digest and method of one child of a step."""
        documents.children(value, file, _METHOD, _VALUE)  # transforms are not of the format that is written today
        own = value.find(_METHOD)
        method = self._methods[file] if own is None else documents.attribute(own, "Algorithm", file)
        name = digest_name(method, file)
        said = None if value.find(_VALUE) is None else documents.binary(documents.only(value, _VALUE, file), file)
        found = self._found(value, name, file, depth)
        if found is None:
            found = said
        if found is None or len(found) != len(digest(name, b"")):
            raise Broken(Reason.HASH_CHAIN, entry=file)
        if said is not None and not same(said, found):
            changed = value.tag == _DATA_REF
            raise (
                Broken(Reason.CHANGED, entry=_target(value, file)) if changed else Broken(Reason.HASH_CHAIN, entry=file)
            )
        return found, method

    def _found(self, value: etree._Element, name: str, file: str, depth: int) -> bytes | None:
        """Return the digest of what a child refers to; None when it refers to nothing that is here."""
        if value.tag == _HASH:
            return None
        if value.tag == _STEP_REF:
            return digest(name, self.step(documents.attribute(value, "URI", file), file, file, depth + 1))
        target = _target(value, file)
        if target not in self._container:
            self.chain.missing.add(target)
            return None
        self.chain.entries.add(target)
        return self._container.digest(target, name)


def _target(reference: etree._Element, file: str) -> str:
    return documents.attribute(reference, "URI", file).removeprefix("/")


def _encoded(parts: list[tuple[bytes, str]]) -> bytes:
    singles = [
        emit(0, 1, _SEQUENCE, OctetString(value).dump() + UTF8String(method).dump() + emit(0, 1, _SEQUENCE, b""))
        for value, method in parts
    ]
    encoded: bytes = emit(0, 1, _SEQUENCE, b"".join(singles))
    return encoded
