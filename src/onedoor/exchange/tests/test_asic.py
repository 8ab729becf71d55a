"""Evidence taken from running gateways, on both sides, and what happens while nobody gives time-stamps."""

import io
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from onedoor.exchange.connections import Connections, Request, Response
from onedoor.exchange.evidence import configuration, messages, report
from onedoor.exchange.evidence.reasons import Reason, Remark
from onedoor.exchange.tests.nation import PROVIDER, Place, System, free_base, system_of, wait_for
from onedoor.signing import development
from onedoor.signing.asice import integrity
from onedoor.signing.certificates import load_certificates

PORTAL = "VN/GOV/G22/PORTAL"
XADES = "http://uri.etsi.org/01903/v1.3.2#"
NAMES = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode")


def asked(client: Connections, message: str, subsystem: str = PORTAL, more: str = "") -> Response:
    own = "&".join(f"{name}={part}" for name, part in zip(NAMES, subsystem.split("/"), strict=True))
    return got(client, f"/asic?queryId={message}&{own}{more}")


def got(client: Connections, target: str) -> Response:
    found = client.exchange([Request("GET", target, {}, b"")], 20)[0]
    assert isinstance(found, Response)
    return found


def unpacked(data: bytes) -> dict[str, bytes]:
    archive = zipfile.ZipFile(io.BytesIO(data))
    return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def provider(place: Place) -> Iterator[Connections]:
    client = place.client("G01")
    yield client
    client.close()


def test_both_sides_hold_evidence_that_programs_of_others_accept(
    place: Place, system: System, portal: Connections, provider: Connections, tmp_path: Path
) -> None:
    body = b'{"by": {"number": "1"}}'
    assert place.ask(client=portal, body=body, X_Road_Id="evidence-1").status == 200
    conf = verificationconf(portal, tmp_path)
    early = asked(portal, "evidence-1")
    assert (early.status, early.body) == (500, b"Message signature has not been timestamped yet!")
    for side, (client, subsystem) in enumerate([(portal, PORTAL), (provider, PROVIDER)]):
        answer = asked(client, "evidence-1", subsystem, "&force")
        assert (answer.status, answer.headers["content-type"]) == (200, "application/zip")
        containers = unpacked(answer.body)
        assert sorted(containers) == ["evidence-1-request-1.asice", "evidence-1-response-2.asice"]
        for name, data in containers.items():
            found = integrity.check(io.BytesIO(data))
            assert (found.verdict, found.findings, len(found.responses)) == ("valid", [], 1)
            entries = unpacked(data)
            read = messages.read(entries["message.xml"])
            sender = PORTAL if "request" in name else PROVIDER
            assert (read.sender, read.id) == (sender.rpartition("/")[0], "evidence-1")
            if "request" in name:
                assert entries["attachment1"] == body
                assert b"\r\nOnedoor-Purpose:birth-form\r\n" in entries["message.xml"]
                assert b"\r\nX-Road-Issue:2611-7K4M-Q8\r\n" in entries["message.xml"]
            others_accept(place, data, tmp_path / f"{side}-{name}")
            file = tmp_path / name
            file.write_bytes(data)
            trusted = report.verify(file, configuration.load(conf))
            assert (trusted.trust_verdict, trusted.trust, trusted.good) == ("valid", (), True)


def verificationconf(client: Connections, folder: Path) -> Path:
    answer = got(client, "/verificationconf")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/zip")
    files = unpacked(answer.body)
    assert list(files)[:2] == ["verificationconf/instance-identifier", "verificationconf/VN/shared-params.xml"]
    assert files["verificationconf/instance-identifier"] == b"VN"
    path = folder / "verificationconf.zip"
    path.write_bytes(answer.body)
    return path


def test_evidence_is_trusted_under_the_configuration_that_the_directory_signs_for_x_roads_clients(
    place: Place, system: System, portal: Connections, tmp_path: Path
) -> None:
    assert place.ask(client=portal, X_Road_Id="anchored-1").status == 200
    answer = asked(portal, "anchored-1", more="&requestOnly&unique&force")
    (tmp_path / "one.asice").write_bytes(answer.body)
    for kind in ("internal", "external"):
        anchor = place.var / "directory" / "sources" / kind / "configuration-anchor.xml"
        wait_for(anchor.exists, "the directory's anchor")
        fetch = ("fetch", str(anchor), "--to", f"conf-{kind}")
        ran(sys.executable, "-m", "onedoor.site", "exchange", *fetch, folder=tmp_path)
        verified = report.verify(tmp_path / "one.asice", configuration.load(tmp_path / f"conf-{kind}"))
        assert (verified.trust, verified.good) == ((), True)
        assert [one.reason for one in verified.remarks] == [Remark.ANCHOR]
        signed = (tmp_path / f"conf-{kind}" / "VN" / "shared-params.xml").read_bytes()
        wait_for(lambda signed=signed: shared(portal, tmp_path) == signed, "the gateway's next look at the directory")


def shared(client: Connections, folder: Path) -> bytes:
    return unpacked(verificationconf(client, folder).read_bytes())["verificationconf/VN/shared-params.xml"]


def others_accept(place: Place, data: bytes, folder: Path) -> None:
    zipfile.ZipFile(io.BytesIO(data)).extractall(folder)
    trust = place.var / "directory" / "tsa.pem"
    assert trust.exists()
    stamp = ("-token_in", "-in", "META-INF/timestamp.tst", "-data", "ts-hashchainresult.xml", "-partial_chain")
    ran("openssl", "ts", "-verify", *stamp, "-CAfile", str(trust), folder=folder)


@pytest.mark.skipif(not shutil.which("xmlsec1"), reason="xmlsec1 is not installed")
def test_xmlsec1_accepts_the_signatures_on_both_sides(
    place: Place, system: System, portal: Connections, provider: Connections, tmp_path: Path
) -> None:
    assert place.ask(client=portal, X_Road_Id="xmlsec-1").status == 200
    mapped = ("--url-map:/sig-hashchainresult.xml", "sig-hashchainresult.xml")
    known = ("--insecure", "--id-attr:Id", f"{XADES}:SignedProperties")
    for side, (client, subsystem) in enumerate([(portal, PORTAL), (provider, PROVIDER)]):
        containers = unpacked(asked(client, "xmlsec-1", subsystem, "&force").body)
        assert len(containers) == 2
        for name, data in containers.items():
            folder = tmp_path / f"{side}-{name}"
            zipfile.ZipFile(io.BytesIO(data)).extractall(folder)
            ran("xmlsec1", "--verify", *known, *mapped, "META-INF/signatures.xml", folder=folder)


def ran(*command: str, folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_one_container_is_handed_out_by_itself(
    place: Place, system: System, portal: Connections, tmp_path: Path
) -> None:
    assert place.ask(client=portal, X_Road_Id="alone/1").status == 200
    answer = asked(portal, "alone%2F1", more="&requestOnly&unique&force")
    assert answer.headers["content-type"] == "application/vnd.etsi.asic-e+zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="alone_1-request.asice"'
    (tmp_path / "alone.asice").write_bytes(answer.body)
    ran(sys.executable, "-m", "onedoor.site", "exchange", "verify", "alone.asice", folder=tmp_path)
    assert list(unpacked(asked(portal, "alone%2F1", more="&responseOnly").body)) == ["alone_1-response-1.asice"]


def test_what_is_asked_wrongly_is_refused_in_x_roads_words(
    place: Place, system: System, portal: Connections, provider: Connections
) -> None:
    assert place.ask(client=portal, X_Road_Id="refused-1").status == 200
    for target, status, text in (
        ("/asic", 400, b'Parameter "queryId" must be specified.'),
        ("/asic?queryId=", 400, b'Parameter "queryId" must be specified.'),
        ("/asic?queryId=1", 400, b'Parameter "xRoadInstance" must be specified.'),
    ):
        answer = got(portal, target)
        assert (answer.status, answer.body) == (status, text)
    both = asked(portal, "refused-1", more="&requestOnly&responseOnly")
    assert (both.status, both.body[:10]) == (400, b"Parameters")
    assert asked(portal, "refused-1", more="&unique").status == 400
    assert asked(portal, "no-such-id").body == b"No signed documents found"
    assert asked(portal, "no-such-id").status == 404
    assert asked(provider, "refused-1", PORTAL).status == 401
    assert asked(portal, "refused-1", "VN/GOV/G15/CIVIL-STATUS").status == 401
    assert got(portal, "/asicx?queryId=1").status == 400


def test_a_message_of_others_is_not_found_by_its_id(
    place: Place, system: System, portal: Connections, provider: Connections
) -> None:
    assert place.ask(client=portal, X_Road_Id="theirs-1").status == 200
    inside = place.ask(client=portal, X_Road_Id="mine-1", X_Road_UserId="theirs-1")
    assert inside.status == 200
    found = unpacked(asked(portal, "theirs-1", more="&force").body)
    assert len(found) == 2


@pytest.fixture
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Place(tmp_path_factory.mktemp("var"), free_base()) as place:
        yield place


def test_without_time_stamps_for_too_long_traffic_stops_and_goes_on_with_them_after_a_kill(
    alone: Place, portal: Connections, tmp_path: Path
) -> None:
    revoked = load_certificates(alone.seats["G01"].gateway_state / "signing.pem")[0]
    development.revoke(alone.var / "directory" / "ca", revoked, datetime.now(UTC))
    for name in ("gateway-G22", "gateway-G01"):
        alone.environments[name] |= {"ONEDOOR_STAMP_WITHIN": "3"}
    there = alone.environments["gateway-G22"]["ONEDOOR_TSA_URL"]
    alone.environments["gateway-G22"]["ONEDOOR_TSA_URL"] = "http://127.0.0.1:9/tsa"
    alone.start("directory", "gateway-G22", "gateway-G01")
    client = alone.client()
    with system_of(alone, "G01"):
        assert alone.ask(client=client, X_Road_Id="waits-1").status == 200
        wait_for(lambda: alone.ask(client=client).status == 500, "traffic goes on without time-stamps")
        stopped = alone.ask(client=client)
        assert stopped.status == 500
        assert stopped.headers["x-road-error"] == "Server.ClientProxy.LoggingFailed.TimestamperFailed"
        failed = asked(client, "waits-1", more="&force")
        assert (failed.status, failed.body) == (500, b"Could not create missing timestamp!")
        client.close()
        alone.kill("gateway-G22")
        alone.environments["gateway-G22"]["ONEDOOR_TSA_URL"] = there
        alone.start("gateway-G22")
        client = alone.client()
        found = unpacked(asked(client, "waits-1", more="&force").body)
        assert reasons(found, verificationconf(client, tmp_path), tmp_path) == [[], [Reason.OCSP_NOT_GOOD]]
        of_strangers = [Reason.UNKNOWN_TIME_STAMPER, Reason.UNKNOWN_AUTHORITY]
        assert reasons(found, verificationconf(portal, tmp_path), tmp_path) == [of_strangers, of_strangers]
    client.close()


def reasons(containers: dict[str, bytes], conf: Path, folder: Path) -> list[list[Reason]]:
    """Return why each of *containers* is not trusted under *conf*; each holds by itself."""
    found = []
    for data in containers.values():
        (folder / "one.asice").write_bytes(data)
        verified = report.verify(folder / "one.asice", configuration.load(conf))
        assert verified.integrity.verdict == "valid"
        found.append([one.reason for one in verified.trust or ()])
    return found
