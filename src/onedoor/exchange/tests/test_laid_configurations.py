"""A configuration that somebody laid down: what is too much, stands twice, or is not closed is none."""

import contextlib
import random
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from onedoor.exchange.configuration import ConfigurationRefused
from onedoor.exchange.directory import registering
from onedoor.exchange.evidence import anchors, configuration, directory, download, trust
from onedoor.exchange.evidence.anchors import Anchor, Source
from onedoor.exchange.evidence.configuration import NotAConfiguration, NotAnAnchor
from onedoor.exchange.evidence.directory import Directory, File
from onedoor.exchange.evidence.reasons import Reason
from onedoor.exchange.tests.test_evidence import V5, anchor, keeper, parameters, signed
from onedoor.signing.asice import documents
from onedoor.signing.asice.findings import Broken
from onedoor.signing.tests.containers import issue

PLACE = "DEV/shared-params.xml"


@pytest.fixture
def laid(tmp_path: Path) -> Path:
    for name in (PLACE, "FED/shared-params.xml"):
        (tmp_path / "conf" / name).parent.mkdir(parents=True)
        (tmp_path / "conf" / name).write_text(parameters(instance=name[:3]))
    return tmp_path / "conf"


@pytest.fixture
def packed(laid: Path) -> Path:
    path = laid.parent / "conf.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for one in ("DEV", "FED"):
            archive.write(laid / one / "shared-params.xml", f"{one}/shared-params.xml")
    return path


def test_an_instance_stands_in_a_configuration_once(laid: Path) -> None:
    assert configuration.load(laid).keys() == {"DEV", "FED"}
    (laid / "FED" / "shared-params.xml").write_text(parameters(instance="DEV"))
    with pytest.raises(NotAConfiguration):
        configuration.load(laid)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_stands_in_a_zip_once(packed: Path) -> None:
    assert configuration.load(packed).keys() == {"DEV", "FED"}
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr(PLACE, parameters())
    with pytest.raises(NotAConfiguration):
        configuration.load(packed)


@pytest.mark.parametrize("bound", ["_LARGEST", "_MOST_FILES"])
def test_so_much_of_a_configuration_is_read_and_no_more(
    monkeypatch: pytest.MonkeyPatch, laid: Path, packed: Path, bound: str
) -> None:
    together = {"_LARGEST": 2 * len(parameters()), "_MOST_FILES": 2}[bound]
    monkeypatch.setattr(configuration, bound, together)
    assert [configuration.load(path).keys() for path in (laid, packed)] == [{"DEV", "FED"}] * 2
    monkeypatch.setattr(configuration, bound, together - 1)
    for path in (laid, packed):
        with pytest.raises(NotAConfiguration):
            configuration.load(path)


def test_so_much_of_an_anchor_is_read_and_no_more(monkeypatch: pytest.MonkeyPatch, laid: Path) -> None:
    given = laid.parent / "anchor.xml"
    given.write_bytes(anchor(keeper()) + b" " * (1 << 13))
    assert configuration.load(laid, [given]).keys() == {"DEV", "FED"}
    monkeypatch.setattr(configuration, "_LARGEST", given.stat().st_size - 1)
    with pytest.raises(NotAnAnchor):
        configuration.load(laid, [given])


def test_it_is_the_anchor_that_was_given_which_counts(laid: Path) -> None:
    given, shared = laid.parent / "anchor.xml", (laid / PLACE).read_text()
    stranger = issue({NameOID.COMMON_NAME: "stranger"})
    (laid / "DEV" / "internalconf").write_bytes(signed(shared, stranger))
    (laid / "DEV" / "configuration-anchor.xml").write_bytes(anchor(stranger))
    assert configuration.load(laid)["DEV"].faults == ()
    given.write_bytes(anchor(keeper()))
    for several in ([given], [given, given]):
        assert [one.reason for one in configuration.load(laid, several)["DEV"].faults] == [Reason.CONFIGURATION_ANCHOR]


def test_each_list_that_lies_there_has_signed_it_and_the_first_to_end_says_until_when(laid: Path) -> None:
    shared = (laid / PLACE).read_text()
    for name, year in (("internalconf", 2035), ("externalconf", 2034)):
        (laid / "DEV" / name).write_bytes(signed(shared, end=f"{year}-01-01T00:00:00"))
    assert configuration.load(laid)["DEV"].signature.end == datetime(2034, 1, 1, tzinfo=UTC)
    (laid / "DEV" / "externalconf").write_bytes(signed("another"))
    assert [one.reason for one in configuration.load(laid)["DEV"].faults] == [Reason.CONFIGURATION_CHANGED]


def test_an_anchor_and_a_signed_list_are_of_one_instance(laid: Path) -> None:
    shared, listed = (laid / "FED" / "shared-params.xml").read_text(), laid / "FED" / "internalconf"
    for of, faults in (("FED", []), ("DEV", [Reason.CONFIGURATION_CHANGED])):
        listed.write_bytes(signed(shared, of=of))
        assert [one.reason for one in configuration.load(laid)["FED"].faults] == faults
    listed.write_bytes(signed(shared, of="FED"))
    (laid / "configuration-anchor.xml").write_bytes(anchor(keeper()))
    assert [one.reason for one in configuration.load(laid)["FED"].faults] == [Reason.CONFIGURATION_ANCHOR]


@pytest.mark.parametrize(("listed", "inside"), [("FED", "DEV"), ("DEV", "FED")])
def test_a_source_speaks_of_its_own_instance_alone(listed: str, inside: str) -> None:
    shared, now = parameters(instance=inside), datetime(2034, 12, 31, tzinfo=UTC)
    anchor_of = Anchor("DEV", (Source("http://cs/internalconf", (keeper().certificate,)),)).written()
    files = {"internalconf?version=6": signed(shared, of=listed), "shared-params.xml": shared.encode()}
    with pytest.raises(ConfigurationRefused, match="it is of FED, not of DEV"):
        download.download(anchor_of, now, lambda url: files[url.rpartition("/")[2]])


def test_a_source_lists_each_file_once_and_no_more_than_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    source, now = Source("http://cs/internalconf", ()), datetime(2034, 12, 31, tzinfo=UTC)
    file = File("SHARED-PARAMETERS", "DEV", "/x", "sha512", b"")

    def read(*files: File) -> Directory:
        monkeypatch.setattr(directory, "verify", lambda *_: Directory(now + timedelta(days=1), "6", files))
        return download.verified(b"", source, "DEV", now)

    assert read(file).files == (file,)
    others = (replace(file, kind=f"X{number}") for number in range(download.MOST_FILES))
    for wrong in ((file, file), (file, *others)):
        with pytest.raises(ConfigurationRefused, match="well formed"):
            read(*wrong)


def test_who_approves_a_time_stamp_is_the_sender_rather_than_others_and_nobody_who_is_not_believed() -> None:
    known: dict[str, Any] = {
        name: SimpleNamespace(name=name, time_stampers=("TSA",), faults=faults)
        for name, faults in (("false", ("changed",)), ("other", ()), ("sender", ()))
    }
    found = trust.approving(cast("Any", SimpleNamespace(certificate="TSA")), known, known["sender"])
    assert [one.name for one in found] == ["sender", "other", "false"]


def test_a_list_signed_in_a_way_that_is_not_accepted_is_not_believed(laid: Path) -> None:
    listed = signed((laid / PLACE).read_text())
    (laid / "DEV" / "internalconf").write_bytes(listed.replace(b"ecdsa-sha512", b"ecdsa-sha1"))
    assert [one.reason for one in configuration.load(laid)["DEV"].faults] == [Reason.CONFIGURATION_SIGNATURE]


@pytest.mark.parametrize("only", ["true", "1", " true "])
def test_an_authority_for_connections_alone_signs_no_message(laid: Path, only: str) -> None:
    (laid / PLACE).write_text(parameters(only=only))
    assert configuration.load(laid)["DEV"].authorities == ()


def test_a_signed_list_has_a_beginning_and_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    listed, known = signed(parameters()), [keeper().certificate]
    assert directory.verify(listed, known).holds("DEV", parameters().encode())
    open_ended = listed.replace(b"--out--", b"--out")
    before = listed.replace(b"\r\n\r\n--out\r\n", b"\r\n\r\nsomething\r\n--out\r\n", 1)
    for wrong in (open_ended, before):
        assert wrong != listed
        with pytest.raises(directory.BadDirectory):
            directory.verify(wrong, known)
    monkeypatch.setattr(directory, "_LARGEST", len(listed) - 1)
    with pytest.raises(directory.BadDirectory):
        directory.verify(listed, known)


def test_so_much_of_a_registration_is_read_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registering, "LARGEST", 1)
    with pytest.raises(registering.BadRegistration, match="longer than 1 bytes"):
        registering.read(b"{}")


def test_x_roads_own_configuration_is_read_and_its_signatures_hold() -> None:
    one = configuration.load(V5)["DEV"]
    assert (one.signature.kind, one.faults, one.freshness) == ("own", (), 3600)
    assert (len(one.authorities), len(one.time_stampers)) == (1, 1)
    assert one.signature.end is not None
    assert one.signature.end.isoformat() == "2035-03-01T14:38:31+00:00"


@pytest.mark.parametrize("name", ["internalconf", "externalconf"])
def test_no_bit_of_a_signed_list_changes_unseen(name: str) -> None:
    data, keys = (V5 / name).read_bytes(), configuration.load(V5)["DEV"]
    certificates = list(_own(V5))
    honest, generator = directory.verify(data, certificates), random.Random(5)
    for _ in range(300):
        changed = bytearray(data)
        changed[generator.randrange(len(data))] ^= 1 << generator.randrange(8)
        with contextlib.suppress(directory.BadDirectory, Broken):
            assert directory.verify(bytes(changed), certificates) == honest
    assert keys.signature.end == honest.end


def _own(folder: Path) -> Iterator[x509.Certificate]:
    root = documents.parse_message((folder / "shared-params.xml").read_bytes(), "shared-params.xml")
    for kind in ("internal", "external"):
        for one in root.iter(f"{kind}VerificationCert"):
            yield anchors.certificate(one.text)


def test_changed_parameters_are_seen(tmp_path: Path) -> None:
    for path in V5.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes().replace(b"<memberCode>4321<", b"<memberCode>4322<"))
    assert [one.reason for one in configuration.load(tmp_path)["DEV"].faults] == [Reason.CONFIGURATION_CHANGED]


def test_a_zip_is_read_like_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "conf.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("verificationconf/instance-identifier", "DEV")
        archive.writestr("verificationconf/DEV/shared-params.xml", parameters())
        archive.writestr("verificationconf/FED/shared-params.xml", parameters(instance="FED"))
    assert set(configuration.load(path)) == {"DEV", "FED"}


@pytest.mark.parametrize(
    "content", [b"", b"<a/>", b"<!DOCTYPE a []><a/>", b"<conf><instanceIdentifier>A</instanceIdentifier>"]
)
def test_what_is_no_configuration_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(configuration.NotAConfiguration):
        configuration.load(tmp_path)
    (tmp_path / "shared-params.xml").write_bytes(content)
    with pytest.raises(configuration.NotAConfiguration):
        configuration.load(tmp_path)
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(configuration.NotAConfiguration):
        configuration.load(tmp_path / "file")


def test_a_zip_bomb_is_no_configuration(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("DEV/shared-params.xml", bytes(65 << 20))
    with pytest.raises(configuration.NotAConfiguration):
        configuration.load(path)


def test_a_header_said_twice_makes_a_list_unreadable() -> None:
    data, name = signed("x"), b"Signature-Algorithm-Id"
    assert directory.verify(data, [keeper().certificate]).files
    with pytest.raises(directory.BadDirectory):
        directory.verify(data.replace(name, name + b": none\r\n" + name), [keeper().certificate])
