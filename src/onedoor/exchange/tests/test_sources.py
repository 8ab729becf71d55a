"""The configuration as X-Road's clients download it: signed lists, their keys over the years, a strict reader."""

import base64
import email
import itertools
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import Certificate, load_pem_x509_certificate
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from onedoor.exchange import parameters
from onedoor.exchange.configuration import ConfigurationRefused
from onedoor.exchange.directory.federation import Partners
from onedoor.exchange.directory.sources import KEPT, LIFE, OVERLAP, Sources
from onedoor.exchange.evidence import configuration, directory, download
from onedoor.exchange.evidence.anchors import Anchor, Source, fingerprint
from onedoor.kernel import durable
from onedoor.signing import keys
from onedoor.signing.certificates import AUTHORITY_NAME, Authority, pem

V5 = Path(__file__).parents[4] / "tests" / "vectors" / "xroad" / "globalconf" / "v5"
NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _short_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "RSA_BITS", 2048)  # a third of the time


class Made:
    """A directory's sources with a small configuration, and an anchor to download it by."""

    def __init__(self, folder: Path) -> None:
        own = pem([Authority.create(folder / "ca").certificate]).decode()
        self.folder = folder / "sources"
        self.sources = Sources(self.folder)
        self.data = {
            "instance": "VN",
            "address": "directory:8400",
            "operator": "VN/GOV/G22/PORTAL",
            "authorities": [
                {"name": AUTHORITY_NAME, "certificate": own, "profile": parameters.PROFILE, "responders": []}
            ],
            "members": [],
            "gateways": [],
        }

    def publish(self, now: datetime) -> None:
        self.sources.renew(now)
        self.sources.publish(self.data | {"sources": self.sources.listed(now)}, now, now + DAY)

    def anchor(self, kind: str = "internal") -> bytes:
        return (self.folder / kind / "configuration-anchor.xml").read_bytes()

    def ask(self, url: str) -> bytes | None:
        found = self.sources.answer(url.removeprefix("http://directory:8400"))
        return found[1] if found else None

    def signer(self, now: datetime) -> Certificate:
        """Return the certificate whose key signed the internal list that is served."""
        listed = self.sources.listed(now)["internal"]
        found = []
        for one in (load_pem_x509_certificate(text.encode()) for text in listed):
            try:
                directory.verify(self.ask("http://directory:8400/internalconf") or b"", [one])
            except directory.NotAnchored:
                continue
            found.append(one)
        (only,) = found
        return only


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "RSA_BITS", 2048)
        one = Made(tmp_path_factory.mktemp("directory"))
        one.publish(NOW)
    return one


INTERNAL, EXTERNAL = ["private-params.xml", "shared-params.xml"], ["shared-params.xml", "onedoor-params.json"]


@pytest.mark.parametrize(("kind", "files"), [("internal", INTERNAL), ("external", EXTERNAL)])
def test_a_source_serves_a_list_that_other_programs_read_and_verify(
    made: Made, kind: str, files: list[str], tmp_path: Path
) -> None:
    for version in ("5", "6"):
        answered = made.sources.answer(f"/{kind}conf?version={version}")
        assert answered is not None
        media, signed = answered
        whole = email.message_from_bytes(signed)
        assert media.decode() == whole["content-type"]
        listed, signature = whole.get_payload()
        first, *entries = listed.get_payload()
        assert (first["expire-date"], first["version"]) == ("2026-09-02T12:00:00Z", version)
        assert [one["content-location"].rpartition("/")[2] for one in entries] == files
        certificate = Anchor.read(made.anchor(kind)).certificates[0]
        (tmp_path / "key").write_bytes(
            certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )
        (tmp_path / "signature").write_bytes(base64.b64decode(signature.get_payload()))
        begin = signed.index(b"--" + listed.get_boundary().encode())
        end = signed.index(b"\r\n--" + whole.get_boundary().encode(), begin)
        (tmp_path / "body").write_bytes(signed[begin:end])
        command = ("openssl", "dgst", "-sha512", "-verify", "key", "-signature", "signature", "body")
        done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
        assert done.stdout == "Verified OK\n", done.stderr


def test_a_version_that_is_not_there_is_not_served(made: Made) -> None:
    assert made.sources.answer("/internalconf?version=4") is None
    assert made.sources.answer("/internalconf?version=x") is None
    assert made.sources.answer("/internalconf") == made.sources.answer("/internalconf?version=5")
    assert made.sources.answer("/V6/../internal") is None


@pytest.mark.parametrize(("kind", "files"), [("internal", INTERNAL), ("external", EXTERNAL)])
def test_what_is_downloaded_by_the_anchor_is_what_evidence_is_checked_against(
    made: Made, kind: str, files: list[str], tmp_path: Path
) -> None:
    anchor = made.anchor(kind)
    found = download.download(anchor, NOW, made.ask)
    assert (found.instance, found.version, found.end) == ("VN", "6", NOW + DAY)
    assert set(found.files) == {f"{kind}conf", *files}
    found.keep(tmp_path, anchor)
    read = configuration.load(tmp_path)["VN"]
    assert (read.signature.kind, read.signature.anchor, read.faults) == ("anchored", fingerprint(anchor), ())


def killed_before(number: int, work: Callable[[], object]) -> bool:
    """Do *work* in a process that is killed before the *number*th line of it that changes files; say whether it was."""
    left = itertools.count(1)

    def stepped(_frame: FrameType, event: str, _given: object) -> Any:
        if event == "line" and next(left) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return stepped

    def called(frame: FrameType, _event: str, _given: object) -> Any:
        return stepped if frame.f_code.co_filename in (download.__file__, durable.__file__) else None

    if not (child := os.fork()):
        sys.settrace(called)
        work()
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def read(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir()}


def test_what_is_kept_is_one_configuration_wherever_a_kill_ends_the_keeping(tmp_path: Path) -> None:
    made, found = Made(tmp_path), list[bool]()
    made.publish(NOW)
    before = download.download(anchor := made.anchor(), NOW, made.ask)
    made.publish(NOW + timedelta(minutes=1))
    after = download.download(anchor, NOW, made.ask)
    after.keep(tmp_path / "after", anchor)
    killed = True
    while killed:
        kept = tmp_path / str(len(found))
        before.keep(kept, anchor)
        (kept / "VN" / "note.txt").write_bytes(b"of somebody else")
        old = read(kept / "VN")
        new = old | read(tmp_path / "after" / "VN")
        killed = killed_before(len(found) + 1, partial(after.keep, kept, anchor))
        assert configuration.load(kept)["VN"].signature.kind == "anchored"
        assert read(kept / "VN") in (old, new)
        found.append(read(kept / "VN") == new)
        if killed and len(found) % 10 == 1:
            after.keep(kept, anchor)
            assert (read(kept / "VN"), [one.name for one in kept.iterdir()]) == (new, ["VN"])
    assert found == sorted(found)
    assert [found[0], found[-1]] == [False, True]


def test_where_two_folders_cannot_be_exchanged_the_one_follows_the_other(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable.ctypes, "CDLL", lambda _: object())
    anchor, (one, other) = made.anchor(), (tmp_path / name for name in ("one", "other"))
    download.download(made.anchor("external"), NOW, made.ask).keep(one, anchor)
    (one / "VN" / "note.txt").write_bytes(b"of somebody else")
    for folder in (one, other):
        download.download(anchor, NOW, made.ask).keep(folder, anchor)
    assert read(one / "VN").items() > read(other / "VN").items() | {("note.txt", b"of somebody else")}
    assert [path.name for path in one.iterdir()] == ["VN"]


def test_a_list_of_the_other_kind_that_was_kept_before_holds_nothing_up(made: Made, tmp_path: Path) -> None:
    for kind in ("external", "internal", "external"):
        download.download(made.anchor(kind), NOW, made.ask).keep_newer(tmp_path, made.anchor(kind))
        assert configuration.load(tmp_path)["VN"].faults == ()


ENDS = datetime(2035, 3, 1, 14, 38, 31, tzinfo=UTC)
"""When X-Road's own example ends."""


def test_x_roads_own_configuration_is_downloaded_by_an_anchor_of_its_key() -> None:
    root = etree.parse(V5 / "shared-params.xml").getroot()
    for kind in ("internal", "external"):
        cert = root.findtext(f"source/{kind}VerificationCert")
        anchor = (
            '<a:configurationAnchor xmlns:a="http://x-road.eu/xsd/xroad.xsd"><instanceIdentifier>DEV</instanceIdentifier>'
            f"<source><downloadURL>http://cs/{kind}conf</downloadURL><verificationCert>{cert}</verificationCert></source>"
            "</a:configurationAnchor>"
        ).encode()

        def ask(url: str) -> bytes | None:
            name = url.rpartition("/")[2]
            return None if "=6" in url else (V5 / name.partition("?")[0]).read_bytes()

        assert download.download(anchor, ENDS - download.FURTHEST, ask).version == "5"
        with pytest.raises(ConfigurationRefused, match="ends on 2035-03-01, more than 10 days from now"):
            download.download(anchor, ENDS - download.FURTHEST - timedelta(seconds=1), ask)
        with pytest.raises(ConfigurationRefused, match="expired"):
            download.download(anchor, datetime(2035, 3, 2, tzinfo=UTC), ask)
        with pytest.raises(ConfigurationRefused, match="not of"):
            download.download(anchor.replace(b">DEV<", b">EE<"), ENDS - DAY, ask)


def refused(made: Made, anchor: bytes, why: str, change: bytes = b"", to: bytes = b"", of: str = "") -> None:
    def ask(url: str) -> bytes | None:
        found = made.ask(url)
        return found.replace(change, to) if found and of in url and change else found

    with pytest.raises(ConfigurationRefused, match=why):
        download.download(anchor, NOW, ask)


def test_what_does_not_hold_is_refused_with_the_reason(made: Made, tmp_path: Path) -> None:
    anchor, other = made.anchor(), Made(tmp_path)
    other.publish(NOW)
    refused(made, other.anchor(), "unknown key")
    refused(made, anchor.replace(b">VN<", b">FI<"), "it is of VN, not of FI")
    refused(made, anchor, "signature does not match", b"Version: 6", b"Version: 5")
    refused(made, anchor, "well formed", b"Signature-Algorithm-Id", b"Algorithm")
    refused(made, anchor, "shared-params.xml is not what was signed", b"conf>", b"conf> ", "shared-params")
    refused(made, b"<a/>", "anchor is not well formed")
    refused(made, anchor.replace(b"configurationAnchor", b"conf"), "anchor is not well formed")
    refused(made, anchor.replace(b"verificationCert>", b"verificationCert>*", 1), "anchor is not well formed")
    bomb = b'<!DOCTYPE a [<!ENTITY x "xxxxxxxx"><!ENTITY y "&x;&x;&x;&x;">]>'
    for opening in (bomb, b'<!DOCTYPE a SYSTEM "file:///etc/passwd">'):
        refused(made, opening + anchor.partition(b"\n")[2], "anchor is not well formed")
    refused(made, b"<a>" * 1_000_001, "anchor is not well formed")
    for instance in (b"..", b"../VN", b"a/b", b"a\\b", b".hidden"):
        refused(made, anchor.replace(b">VN<", b">%b<" % instance), "anchor is not well formed")
    refused(made, anchor.replace(b"downloadURL>http://directory", b"downloadURL>http://elsewhere"), "serves no version")
    with pytest.raises(ConfigurationRefused, match="expired"):
        download.download(anchor, NOW + DAY, made.ask)


def test_a_list_whose_files_are_not_there_is_none(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationRefused, match="not what was signed"):
        download.download(made.anchor(), NOW, lambda url: None if "shared" in url else made.ask(url))
    monkeypatch.delitem(download._NAMES, "SHARED-PARAMETERS")
    refused(made, made.anchor(), "shared-params.xml is not what was signed")


def test_where_one_source_does_not_hold_the_next_one_serves(made: Made, tmp_path: Path) -> None:
    good, other = Anchor.read(made.anchor()).sources, Made(tmp_path)
    other.publish(NOW)
    strange = Source("http://first:8400/internalconf", Anchor.read(other.anchor()).certificates)
    anchor = Anchor("VN", (strange, *good)).written()
    assert download.download(anchor, NOW, lambda url: made.ask(url.replace("first", "directory")))


def test_no_byte_of_a_list_changes_unseen(made: Made) -> None:
    anchor = Anchor.read(made.anchor())
    signed, generator = made.ask("http://directory:8400/internalconf?version=6") or b"", random.Random(7)
    honest = download.verified(signed, anchor.sources[0], "VN", NOW)
    for _ in range(200):
        changed = bytearray(signed)
        changed[generator.randrange(len(signed))] ^= 1 << generator.randrange(8)
        try:
            assert download.verified(bytes(changed), anchor.sources[0], "VN", NOW) == honest
        except ConfigurationRefused:
            continue


def test_a_list_says_each_thing_once_and_is_of_a_bounded_size(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    listed, certificates = made.ask("http://directory:8400/internalconf"), Anchor.read(made.anchor()).certificates
    assert listed
    assert directory.verify(b"X: 1\r\n" + listed, certificates).files
    with pytest.raises(directory.BadDirectory):
        directory.verify(b"X: 1\r\nx: 2\r\n" + listed, certificates)
    monkeypatch.setattr(directory, "_LARGEST", len(listed) - 1)
    with pytest.raises(directory.BadDirectory):
        directory.verify(listed, certificates)


@given(st.binary(max_size=400))
def test_any_anchor_and_any_list_is_read_or_refused(data: bytes) -> None:
    source = Source("http://directory/internalconf", ())
    with pytest.raises(ConfigurationRefused):
        download.download(data, NOW, lambda _: data)
    with pytest.raises(ConfigurationRefused):
        download.verified(data, source, "VN", NOW)


def test_files_are_fetched_from_nowhere_else(made: Made) -> None:
    for location in ("//evil/x", "http://evil/x", "x"):
        with pytest.raises(ConfigurationRefused, match="well formed"):
            download._address("http://directory:8400/internalconf", location)


def test_files_of_a_list_are_served_a_while_longer_and_not_for_ever(tmp_path: Path) -> None:
    made = Made(tmp_path)
    made.publish(NOW)
    (path,) = made.sources._files[0].keys() & {one for one in made.sources._files[0] if "V6" in one and "shared" in one}
    for minute in range(1, KEPT):
        made.publish(NOW + timedelta(minutes=minute))
        assert made.sources.answer(path)
    made.publish(NOW + timedelta(minutes=KEPT))
    assert made.sources.answer(path) is None


def test_whoever_looks_once_a_month_never_meets_a_key_that_is_new_to_it(tmp_path: Path) -> None:
    made, now = Made(tmp_path), NOW
    made.publish(now)
    known, signers = set(Anchor.read(made.anchor()).certificates), []
    while now < NOW + 2 * LIFE:
        made.publish(now)
        signer = made.signer(now)
        assert signer in known
        signers.append(signer)
        shared = etree.fromstring(made.ask(next(one for one in made.sources._files[-1] if "shared" in one)) or b"")
        listed = made.sources.listed(now)["internal"]
        assert len(shared.findall("source/internalVerificationCert")) == len(listed) <= 2
        known = {load_pem_x509_certificate(one.encode()) for one in listed}
        assert known == set(Anchor.read(made.anchor()).certificates)
        now += OVERLAP - DAY
    assert len(set(signers)) == 3
    kept = list(made.folder.rglob("*.key"))
    assert len(kept) == len(list(made.folder.rglob("*.pem"))) == 2 * len(listed), "ended keys are destroyed"
    assert {one.stat().st_mode & 0o777 for one in kept} == {0o600}


def test_a_clock_that_was_years_ahead_for_a_while_destroyed_no_key(tmp_path: Path) -> None:
    made = Made(tmp_path)
    made.publish(NOW)
    anchor = made.anchor()
    for moment in (NOW + 2 * LIFE, NOW + 2 * LIFE + timedelta(hours=1), NOW + DAY):
        made.publish(moment)
    assert download.download(anchor, NOW + DAY, made.ask).end == NOW + 2 * DAY
    assert Anchor.read(made.anchor()) == Anchor.read(anchor)


def test_before_there_is_a_key_nothing_is_vouched_for(tmp_path: Path) -> None:
    made = Made(tmp_path)
    assert made.sources.vouch(made.data, NOW, NOW + DAY) == ""


def test_a_key_that_ended_goes_though_a_kill_came_in_the_middle_of_that(tmp_path: Path) -> None:
    made = Made(tmp_path)
    made.publish(NOW)
    before = list(made.folder.rglob("*.pem"))
    made.publish(NOW + LIFE - 2 * OVERLAP + DAY)
    for one in before:
        one.with_suffix(".key").unlink()
    made.publish(NOW + LIFE)
    assert not any(one.exists() for one in before)


def test_a_partner_is_followed_through_its_keys_by_the_first_anchor(tmp_path: Path) -> None:
    made, now, folder = Made(tmp_path), NOW, tmp_path / "partners"
    made.publish(now)
    folder.mkdir()
    (folder / "one.xml").write_bytes(made.anchor("external"))
    while now < NOW + 2 * LIFE:
        made.publish(now)
        partners = Partners(folder, "FI", made.ask)  # as after a restart
        assert partners.look(now)
        now += OVERLAP - DAY
    assert not {*Anchor.read(made.anchor("external")).certificates} & {
        *Anchor.read((folder / "one.xml").read_bytes()).certificates
    }
    for path in folder.glob("*.pem"):
        path.unlink()
    partners = Partners(folder, "FI", made.ask)
    assert not partners.look(now - DAY)
    assert partners.silent == 1


def test_content_of_an_earlier_version_is_served_to_our_own_gateways_alone(tmp_path: Path) -> None:
    from onedoor.exchange.directory.publishing import CONTENT, Publisher

    (tmp_path / CONTENT).write_text(json.dumps({"instance": "VN", "authorities": ["…"]}))
    publisher = Publisher(tmp_path)
    publisher.publish_sources()
    assert publisher.sources.answer("/internalconf") is None
    assert not (tmp_path / "sources").exists()
