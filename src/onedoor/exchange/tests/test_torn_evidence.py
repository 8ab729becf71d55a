"""Parts of messages that were signed together, put together otherwise: no name is hashed, so the form must tell."""

from datetime import timedelta
from hashlib import sha512
from pathlib import Path

import pytest

from onedoor.exchange.evidence import report
from onedoor.exchange.evidence.reasons import Reason, Remark
from onedoor.exchange.gateway import chain
from onedoor.signing.asice import writing
from onedoor.signing.asice.findings import Reason as Broken
from onedoor.signing.asice.writing import SIGNED, STAMPED, Statement, Template
from onedoor.signing.tests.containers import NOW, REQUEST, Plan, b64, lab, stamp

HEAD, BODY = REQUEST + b"X-N:1\r\n", b"what is attached"
OTHER, ITS = REQUEST + b"X-N:2\r\n", REQUEST.replace(b"Id:42", b"Id:77")
"""Another message of the batch; somebody wrote what is attached to it so that it reads like a head."""
OURS = "onedoor-batch-2\nrequests"
Entries = dict[str, bytes]


def judged(path: Path, entries: Entries, *steps: str, said: str = OURS) -> tuple[str, list[object], list[object]]:
    """Return verdict, findings and remarks on *entries* of a batch of two, with a chain of *steps* to its result."""
    result = chain.result([chain.digests(HEAD, BODY).leaf, chain.digests(OTHER, ITS).leaf])
    signed, template = Statement(result, NOW - timedelta(seconds=2), said), Template(lab().signer.certificate)
    document = template.document(signed, template.sign(signed, lab().signer.key))
    below = [chain.step([sha512(document).digest()])]
    stamped = writing.result_file(STAMPED, chain.result(below))
    ours = "".join(f'<HashStep id="STEP{number}">{step}</HashStep>' for number, step in enumerate(steps))
    path.write_bytes(
        writing.container(
            entries
            | {
                "sig-hashchainresult.xml": writing.result_file(SIGNED, result),
                "sig-hashchain.xml": writing.chain_file([], {}).replace(
                    b'<HashStep id="STEP0"></HashStep>', ours.encode()
                ),
                "META-INF/signatures.xml": document,
                "ts-hashchain.xml": writing.chain_file(
                    chain.way(below, 0), {"META-INF/signatures.xml": sha512(document).digest()}
                ),
            }
            | writing.stamped(stamped, stamp(stamped, Plan()))
        )
    )
    found = report.verify(path)
    remarks = [one.reason for one in found.remarks if one.reason != Remark.NO_OCSP]
    return found.integrity.verdict, [one.reason for one in found.integrity.findings], remarks


def entry(name: str, data: bytes) -> str:
    return f'<DataRef URI="/{name}"><d:DigestValue>{b64(sha512(data).digest())}</d:DigestValue></DataRef>'


def value(digest: bytes) -> str:
    return f"<HashValue><d:DigestValue>{b64(digest)}</d:DigestValue></HashValue>"


def step(number: int) -> str:
    return f'<StepRef URI="#STEP{number}"/>'


def of(data: bytes) -> str:
    return value(sha512(data).digest())


def message(data: bytes) -> str:
    return entry("message.xml", data)


def attached(data: bytes) -> str:
    return entry("attachment1", data)


ONE, TWO = (value(chain.digests(*parts).leaf) for parts in ((HEAD, BODY), (OTHER, ITS)))


def test_parts_that_were_signed_as_one_message_are_one(tmp_path: Path) -> None:
    whole = {"message.xml": HEAD, "attachment1": BODY}
    assert judged(tmp_path / "x", whole, step(1) + TWO, message(HEAD) + attached(BODY)) == ("valid", [], [])


@pytest.mark.parametrize(
    ("head", "body", "steps"),
    [
        (HEAD, ITS, (step(1) + step(2), message(HEAD) + of(BODY), of(OTHER) + attached(ITS))),
        (HEAD, OTHER, (step(1) + step(2), message(HEAD) + of(BODY), attached(OTHER) + of(ITS))),
        (ITS, OTHER, (ONE + step(1), attached(OTHER) + message(ITS))),
    ],
    ids=["the body of another", "the head of another", "the body as the head"],
)
@pytest.mark.parametrize("said", [OURS, "of X-Road"])
def test_parts_that_are_not_one_message_are_none(
    tmp_path: Path, head: bytes, body: bytes, steps: tuple[str, ...], said: str
) -> None:
    verdict, why, _ = judged(tmp_path / "x", {"message.xml": head, "attachment1": body}, *steps, said=said)
    assert (verdict, Broken.NOT_TOGETHER in why) == ("invalid", True)


@pytest.mark.parametrize(
    ("head", "steps"),
    [
        (HEAD, (step(1) + TWO, message(HEAD) + of(BODY))),
        (ITS, (ONE + step(1), of(OTHER) + message(ITS))),
    ],
    ids=["the body is left out", "the body alone, as a head"],
)
def test_no_part_of_a_message_is_hidden_behind_a_digest(tmp_path: Path, head: bytes, steps: tuple[str, ...]) -> None:
    assert judged(tmp_path / "x", {"message.xml": head}, *steps) == ("invalid", [Reason.PART_HIDDEN], [])
    # In X-Road's own chains it may also be another message that stands there: its reader is told.
    assert judged(tmp_path / "x", {"message.xml": head}, *steps, said="of X-Road") == ("valid", [], [Remark.BESIDE])
