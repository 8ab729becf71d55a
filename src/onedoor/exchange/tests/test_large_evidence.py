"""Evidence of bodies that passed as streams: the digest is in the container, and the file is checked beside it."""

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from onedoor.exchange.connections import Connections
from onedoor.exchange.evidence import report
from onedoor.exchange.evidence.reasons import Reason, Remark
from onedoor.exchange.tests.large import FILES, MIB, Client, Files, content
from onedoor.exchange.tests.nation import PROVIDER, Place, system_of
from onedoor.exchange.tests.test_asic import PORTAL, asked, others_accept, ran, unpacked
from onedoor.signing.asice.findings import Reason as Broken

SIZE = 3 * MIB + 17


@pytest.fixture
def files(place: Place) -> Iterator[Files]:
    files = Files()
    with system_of(place, "G01", files):
        yield files


@pytest.fixture
def sides(place: Place, portal: Connections) -> Iterator[list[tuple[Connections, str]]]:
    provider = place.client("G01")
    yield [(portal, PORTAL), (provider, PROVIDER)]
    provider.close()


def test_both_sides_prove_a_body_by_its_digest_and_the_file(
    place: Place, files: Files, sides: list[tuple[Connections, str]], tmp_path: Path
) -> None:
    with Client(place) as client:
        client.upload(f"{FILES}/one", content(SIZE), SIZE, X_Road_Id="proved-1")
        assert client.answer().status == 201
    body, other = tmp_path / "body", tmp_path / "other"
    body.write_bytes(b"".join(content(SIZE)))
    other.write_bytes(b"".join(content(SIZE))[:-1] + b"?")
    for number, (client_of, subsystem) in enumerate(sides):
        found = unpacked(asked(client_of, "proved-1", subsystem, "&force").body)
        assert sorted(found) == ["proved-1-request-1.asice", "proved-1-response-2.asice"]
        data = found["proved-1-request-1.asice"]
        assert "attachment1" not in unpacked(data)
        assert len(data) < 16 * 2**10
        others_accept(place, data, tmp_path / f"{number}")
        path = tmp_path / "one.asice"
        path.write_bytes(data)
        assert told(path) == ("invalid", [Broken.ENTRY_MISSING], [Remark.STREAMED])
        assert told(path, body) == ("valid", [], [])
        assert told(path, other)[1][0] == Broken.CHANGED
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("attachment1", body.read_bytes())
        assert told(path) == ("valid", [], [])
        assert told(path, body)[1] == [Broken.GIVEN_TWICE]
    path.write_bytes(data)
    ran(
        sys.executable, "-m", "onedoor.site", "exchange", "verify", "one.asice", "--attachment", "body", folder=tmp_path
    )
    alone = asked(sides[0][0], "proved-1", more="&requestOnly&unique&force").body
    assert unpacked(alone)["sig-hashchain.xml"].count(b"/attachment1") == 1


def test_a_part_that_was_fetched_later_proves_the_whole_file(
    place: Place, files: Files, portal: Connections, tmp_path: Path
) -> None:
    with Client(place) as client:
        client.ask("GET", f"{FILES}/{SIZE}", X_Road_Id="part-of-it", Range=f"bytes={MIB}-")
        assert client.answer().status == 206
    data = asked(portal, "part-of-it", more="&responseOnly&unique&force").body
    path, whole, part, other = (tmp_path / name for name in ("one.asice", "whole", "part", "other"))
    path.write_bytes(data)
    whole.write_bytes(b"".join(content(SIZE)))
    part.write_bytes(whole.read_bytes()[MIB:])
    other.write_bytes(b"?" + whole.read_bytes()[1:])
    assert told(path, whole) == ("valid", [], [Remark.PART])
    assert told(path, part) == ("valid", [], [])
    assert told(path, other) == ("invalid", [Reason.OTHER_WHOLE], [])


def test_a_body_that_never_was_whole_is_not_proved(
    place: Place, files: Files, portal: Connections, tmp_path: Path
) -> None:
    with Client(place) as client:
        client.ask("GET", f"{FILES}/{8 * MIB}?stop={2 * MIB}", X_Road_Id="broken-off")
        assert not client.answer().whole
    path = tmp_path / "one.asice"
    path.write_bytes(asked(portal, "broken-off", more="&responseOnly&unique&force").body)
    assert told(path) == ("valid", [], [Remark.OPENED])
    part = tmp_path / "part"
    part.write_bytes(b"".join(content(2 * MIB)))
    assert told(path, part)[:2] == ("invalid", [Broken.ENTRY_NOT_SIGNED])


def told(path: Path, attachment: Path | None = None) -> tuple[str, list[object], list[object]]:
    found = report.verify(path, None, attachment)
    findings = [one.reason for one in found.integrity.findings]
    return found.integrity.verdict, findings, [one.reason for one in found.remarks if one.reason in ABOUT]


ABOUT = (Remark.STREAMED, Remark.OPENED, Remark.PART, Remark.PART_ALONE)
