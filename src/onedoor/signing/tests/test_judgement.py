"""What our own judgement of a document that lasts rests on, without a second opinion."""

import hashlib
import io
import re
from datetime import timedelta
from types import SimpleNamespace

import pytest
from asn1crypto import algos, core
from asn1crypto import cms as asn1
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from onedoor.signing import (
    archive,
    cms,
    detached,
    development,
    embedding,
    envelope,
    keys,
    pades,
    stamps,
)
from onedoor.signing.asice import timestamps
from onedoor.signing.envelope import open_file
from onedoor.signing.status import SKEW
from onedoor.signing.tests.test_lasting import SIGNED, STAMPED, both
from onedoor.signing.tests.test_lasting import file as file
from onedoor.signing.tests.test_lasting import holder as holder
from onedoor.signing.tests.test_lasting import lab as lab
from onedoor.signing.verdict import Reason, Refused


def ours(file, lab, moment):
    """Return why *file* is not valid by our own judgement alone, as what agencies send each other is judged."""
    return pades.check_pdf(file, lab.trust, moment=moment, twice=False).reasons


def test_a_seal_of_another_key_than_its_certificates_is_none(plain, lab, holder):
    _, certificate = holder
    thief = SimpleNamespace(public_key=certificate.public_key, sign=keys.new_key().sign)
    file = pades.sign_pdf(plain, thief, certificate, moment=SIGNED)
    assert ours(file, lab, STAMPED) == (Reason.DAMAGED,)


@pytest.mark.parametrize(("apart", "reasons"), [(SKEW, ()), (SKEW + timedelta(minutes=1), (Reason.STAMP_ORDER,))])
def test_clocks_differ_by_some_minutes_and_no_more(plain, file, lab, holder, apart, reasons):
    late = pades.sign_pdf(plain, *holder, moment=STAMPED + apart, stamper=lab)
    assert ours(late, lab, STAMPED) == reasons
    assert ours(file, lab, STAMPED - apart) == reasons


def test_a_time_stamp_whose_authority_was_revoked_proves_nothing(file, lab):
    development.revoke(lab.folder, lab.stamper, STAMPED + timedelta(minutes=10))
    lab.moment = STAMPED + timedelta(days=1)
    assert ours(file, lab, lab.moment) == (Reason.STAMP_ENDED,)


@pytest.mark.parametrize("moment", [b"/N (D:20261120083000Z)", b"/M (D:20261320083000Z)", b"/M (D:20261120083000X)"])
def test_a_seal_that_says_no_moment_is_damaged(plain, lab, holder, moment):
    key, certificate = holder
    file = pades.sign_pdf(plain, key, certificate, moment=SIGNED)
    other = re.sub(rb"/M \(D(:|\\072)20261120083000Z\)", lambda found: moment.replace(b":", found[1]), file)
    assert other != file
    contents = re.search(rb"<([0-9A-F]{1000,})>", other)
    digest = hashlib.sha256(other[: contents.start()] + other[contents.end() :]).digest()
    made = cms.container(digest, certificate, (), detached.sign(key, cms.attributes(digest, certificate)))
    hexed = made.hex().upper().encode().ljust(len(contents[1]), b"0")
    again = other[: contents.start(1)] + hexed + other[contents.end(1) :]
    assert ours(again, lab, STAMPED) == (Reason.DAMAGED,)


def test_what_is_no_certificate_in_an_update_makes_it_damaged(file, lab):
    standing = open_file(file, lab.trust.roots).standing
    update = archive.update(standing, archive.Evidence((b"0\0",)), lab.room)
    stamped = file + update.filled(lab.stamp(file + update.head + update.tail))
    assert ours(stamped, lab, STAMPED) == (Reason.DAMAGED,)


def test_an_answer_to_another_question_is_no_time_stamp(lab):
    asked, other = stamps.request(b"x"), stamps.request(b"x")
    answer = development.stamp(asked, lab.stamping, [lab.stamper], STAMPED)
    assert stamps.read(stamps.taken(answer, asked, b"x"), b"x")
    with pytest.raises(stamps.NoTimeStamp, match="another question"):
        stamps.taken(answer, other, b"x")
    with pytest.raises(stamps.NoTimeStamp, match="rejection"):
        stamps.taken(development.stamp(b"no request", lab.stamping, [lab.stamper], STAMPED), asked, b"x")


def respelled(token, change):
    outer = asn1.ContentInfo.load(token)
    change(outer["content"])
    return outer.dump()


def twice(content):
    content["certificates"].append(content["certificates"][0].copy())


def more(content):
    content["signer_infos"][0]["unsigned_attrs"] = [{"type": "1.2.3", "values": []}]


def with_null(name):
    def change(content):
        content["signer_infos"][0][name] = {**content["signer_infos"][0][name].native, "parameters": core.Null()}

    return change


def with_a_long_length(content):
    for place, one in ((content["digest_algorithms"], 0), (content["signer_infos"][0], "digest_algorithm")):
        place[one] = algos.DigestAlgorithm.load(b"\x30\x81" + place[one].dump()[1:])


@pytest.mark.parametrize("change", [twice, more, with_null("signature_algorithm"), with_a_long_length])
def test_a_token_has_one_spelling(lab, change):
    token = lab.stamp(b"x")
    assert respelled(token, lambda _: None) == token
    other = respelled(token, change)
    assert other != token
    assert timestamps.check(other, b"x", ()), "it says the same"
    assert stamps.read(other, b"x") is None


def test_behind_a_container_and_a_token_stand_zeros_alone(file, lab):
    ends = [found.end() for found in re.finditer(rb"<[0-9A-F]{2000,}00(?=>)", file)]
    assert len(ends) == 2
    for end in ends:
        bad = file[: end - 2] + b"01" + file[end:]
        assert pades.check_pdf(bad, lab.trust, moment=STAMPED).reasons[0] in (Reason.DAMAGED, Reason.STAMP_BROKEN)
        assert not both(bad, lab).valid


@pytest.mark.parametrize(
    "change", [(b"/Certs[", b"/Certs[9 0 R "), (b" 0 R]/OCSPs", b"]/OCSPs"), (b"/OCSPs[", b"/OCSPs[9 0 R ")]
)
def test_an_update_lists_what_it_and_those_before_hold_and_nothing_else(file, lab, change):
    lab.moment = STAMPED + timedelta(days=1)
    again = pades.make_last(file, lab.trust, lab)
    bad = file + again[len(file) :].replace(*change, 1)
    assert pades.check_pdf(bad, lab.trust, moment=lab.moment).reasons == (Reason.ADDED_AFTER_SIGNING,)


@pytest.mark.parametrize("part", [b"<</Length ", b"/Contents<"])
def test_an_update_without_one_of_its_parts_is_none(file, lab, part):
    end = len(envelope.sealed_part(file))
    bad = file[:end] + file[end:].replace(part, part.swapcase())
    assert pades.check_pdf(bad, lab.trust, moment=STAMPED).reasons == (Reason.ADDED_AFTER_SIGNING,)


def test_a_seal_that_was_not_made_to_be_added_to_is_valid_alone(plain, lab, holder, monkeypatch):
    monkeypatch.setattr(embedding, "_open", lambda pdf: IncrementalPdfFileWriter(io.BytesIO(pdf)))
    sealed = pades.sign_pdf(plain, *holder, moment=SIGNED)
    assert both(sealed, lab).valid
    assert pades.check_pdf(sealed + b"\n", lab.trust, moment=STAMPED).reasons == (Reason.ADDED_AFTER_SIGNING,)
    with pytest.raises(Refused) as refused:
        pades.make_last(sealed, lab.trust, lab)
    assert refused.value.reason == Reason.DAMAGED


def test_an_update_lists_so_many_parts_and_no_more(file, lab, monkeypatch):
    monkeypatch.setattr(archive, "MOST_PARTS", 1)
    assert pades.check_pdf(file, lab.trust, moment=STAMPED).reasons == (Reason.ADDED_AFTER_SIGNING,)
