"""The verdict on the evidence of one message, in two parts, for people and for programs."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from onedoor.exchange.evidence import messages, trust
from onedoor.exchange.evidence.configuration import Instance
from onedoor.exchange.evidence.messages import Message, Part
from onedoor.exchange.evidence.reasons import Reason, Remark
from onedoor.signing.asice import integrity
from onedoor.signing.asice.container import Outside
from onedoor.signing.asice.findings import Broken, Finding
from onedoor.signing.asice.findings import Reason as Missing
from onedoor.signing.asice.integrity import INVALID, VALID, Integrity

ATTACHMENT = "attachment1"
NOT_CHECKED = "not checked"
_ALONE = "onedoor-batch-"
"""How a signer says that what stands for a message stands beside nothing else, as our gateways write it."""
_BY = {"anchored": Remark.ANCHOR, "own": Remark.NO_ANCHOR, "none": Remark.UNSIGNED}
Translate = Callable[[str], str]


@dataclass(frozen=True)
class Report:
    """What was found: *integrity* by the file alone, *trust* (None when nobody asked) by the configuration."""

    integrity: Integrity
    message: Message | None
    trust: tuple[Finding, ...] | None
    instance: Instance | None
    remarks: tuple[Finding, ...]

    @property
    def trust_verdict(self) -> str:
        """Return ``valid``, ``invalid`` or ``not checked``."""
        if self.trust is None:
            return NOT_CHECKED
        return INVALID if self.trust else VALID

    @property
    def good(self) -> bool:
        """Return whether every part that was asked for holds."""
        return self.integrity.verdict == VALID and self.trust_verdict != INVALID

    def as_json(self, file: Path, translate: Translate = str) -> dict[str, object]:
        """Return the report as what JSON can carry; codes are stable, sentences follow the language."""
        found = self.integrity
        trusted: dict[str, object] = {"verdict": self.trust_verdict, "reasons": _told(self.trust or (), translate)}
        if self.instance is not None:
            signature = self.instance.signature
            anchor = {"anchor_sha224": signature.anchor} if signature.anchor else {}
            trusted["configuration"] = {"instance": self.instance.name, "signature": signature.kind, **anchor}
        return {
            "file": str(file),
            "integrity": {"verdict": found.verdict, "reasons": _told(found.findings, translate)},
            "trust": trusted,
            "message": self._facts(),
            "stricter_than_xroad": _told([one for one in found.findings if one.stricter], translate),
            "remarks": _told(self.remarks, translate),
        }

    def _facts(self) -> dict[str, str]:
        """Return who sent what to whom and when, as far as the container tells."""
        told = self.message
        facts = {} if told is None else {"kind": told.kind, "id": told.id, "sender": told.sender}
        if told is not None:
            facts |= {"client": told.client, "service": told.service, "purpose": told.purpose, "basis": told.basis}
        if self.integrity.signature is not None:
            facts["signed_at"] = self.integrity.signature.signed_at
        if self.integrity.time_stamp is not None:
            facts["time_stamped_at"] = self.integrity.time_stamp.moment.isoformat().replace("+00:00", "Z")
        return {key: value for key, value in facts.items() if value}


def verify(path: Path, instances: Mapping[str, Instance] | None = None, attachment: Path | None = None) -> Report:
    """Return the verdict on the container in *path*; trust is checked when *instances* of a configuration are given.

    *attachment* is the body of a message that passed as a stream, or the whole file that it brought a part of.
    """
    known = instances or {}
    stampers = [certificate for one in known.values() for certificate in one.time_stampers]
    with path.open("rb") as file:
        found = integrity.check(file, stampers, {ATTACHMENT: Outside(attachment)} if attachment else None)
        message, unreadable = _message(found)
        whole: list[Finding] = []
        if attachment and message and message.part and attachment.stat().st_size == message.part.total:
            outside = Outside(attachment, message.part.start, message.part.end - message.part.start)
            found = integrity.check(file, stampers, {ATTACHMENT: outside})
            whole = _whole(message.part, attachment, found)
    beside = _beside(found)
    instance = known.get(message.instance) if message else None
    reasons = None if instances is None else tuple(unreadable or _trust(found, message, instances))
    remarks = (
        _remarks(found)
        + _signed(found, instance, known)
        + _streamed(found, message)
        + whole
        + beside
        + (unreadable if instances is None else [])
    )
    return Report(found, message, reasons, instance, tuple(remarks))


def _message(found: Integrity) -> tuple[Message | None, list[Finding]]:
    """Return what the message says of itself, or why that cannot be read."""
    if found.message is None:
        return None, []
    try:
        return messages.read(found.message), []
    except Broken as broken:
        return None, [broken.finding]


def _whole(part: Part, file: Path, found: Integrity) -> list[Finding]:
    """Return what is to be known of a *file* of which the message brought a *part*; note it when it is another one."""
    facts = {"bytes": f"{part.start}–{part.end - 1}"}
    if not part.digests:
        return [Finding(Remark.PART_ALONE, facts)]
    for name, value in part.digests.items():
        running = hashlib.new(name)
        for chunk in Outside(file).chunks():
            running.update(chunk)
        if running.digest() != value:
            found.findings.append(Finding(Reason.OTHER_WHOLE))
            return []
    return [Finding(Remark.PART, facts)]


def _beside(found: Integrity) -> list[Finding]:
    """Return what is to be known of a value that is signed beside the message; note it when it must be a part."""
    if not found.beside:
        return []
    if found.signature and found.signature.said.startswith(_ALONE):
        found.findings.append(Finding(Reason.PART_HIDDEN))
        return []
    return [Finding(Remark.BESIDE)]


def _streamed(found: Integrity, message: Message | None) -> list[Finding]:
    """Return what is to be known of a message whose body passed as a stream."""
    if message is None or not message.streamed or ATTACHMENT in found.entries:
        return []
    missing = any(one.reason == Missing.ENTRY_MISSING for one in found.findings)
    return [Finding(Remark.STREAMED if missing else Remark.OPENED)]


def _trust(found: Integrity, message: Message | None, instances: Mapping[str, Instance]) -> list[Finding]:
    signature, stamp = found.signature, found.time_stamp
    if message is None or found.verdict == INVALID or signature is None or stamp is None:
        return [Finding(Reason.NO_INTEGRITY)]
    return list(trust.check(signature.certificate, stamp, found.responses, message, instances))


def _remarks(found: Integrity) -> list[Finding]:
    remarks = []
    if found.time_stamp and found.time_stamp.certificate is None:
        remarks.append(Finding(Remark.TIME_STAMPER))
    if found.signature and not found.signature.responses:
        remarks.append(Finding(Remark.NO_OCSP))
    if found.entries and not found.as_asic_asks:
        remarks.append(Finding(Remark.COMPRESSED))
    return remarks


def _signed(found: Integrity, sender: Instance | None, instances: Mapping[str, Instance]) -> list[Finding]:
    """Return who signed the configurations that count here: the sender's, and the one that approves the time-stamp."""
    stamp, used = found.time_stamp, [sender] if sender else []
    if sender and stamp:
        used += [one for one in trust.approving(stamp, instances, sender)[:1] if one is not sender]
    remarks = []
    for instance in used:
        if instance.faults:
            continue
        signature, facts = instance.signature, {"instance": instance.name}
        if signature.anchor:
            facts["anchor"] = signature.anchor
        remarks.append(Finding(_BY[signature.kind], facts))
        if signature.end and stamp and stamp.moment > signature.end:
            remarks.append(Finding(Remark.EXPIRED, facts | {"end": signature.end.isoformat()}))
    return remarks


def _told(findings: "list[Finding] | tuple[Finding, ...]", translate: Translate) -> list[dict[str, str]]:
    return [{"code": one.reason.name, "text": one.text(translate)} for one in findings]
