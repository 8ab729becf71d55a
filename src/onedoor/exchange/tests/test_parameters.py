"""The nation's configuration in X-Road's words, held to what X-Road's schemas of versions 5 and 6 ask for."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from onedoor.exchange import parameters
from onedoor.exchange.directory import lab
from onedoor.exchange.evidence import configuration
from onedoor.kernel import settings
from onedoor.kernel.nation import load
from onedoor.signing.certificates import load_certificates

RNG = "http://relaxng.org/ns/structure/1.0"
V5 = Path(__file__).parents[4] / "tests" / "vectors" / "xroad" / "globalconf" / "v5"
CONF, ID = "http://x-road.eu/xsd/xroad.xsd", "http://x-road.eu/xsd/identifiers"
SCHEMA = {
    "shared": (
        "instanceIdentifier source:source+ approvedCA:approvedCA* approvedTSA:approvedTSA* member:member* "
        "securityServer:securityServer* globalGroup:globalGroup* centralService:centralService* "
        "globalSettings:globalSettings"
    ),
    "source": "address internalVerificationCert:base64Binary+ externalVerificationCert:base64Binary+",
    "approvedCA": (
        "name authenticationOnly:boolean? topCA:authority intermediateCA:authority* certificateProfileInfo "
        "acmeServer:acmeServer?"
    ),
    "authority": "cert:base64Binary ocsp:ocsp*",
    "ocsp": "url cert:base64Binary?",
    "acmeServer": "directoryURL ipAddress? authenticationCertificateProfileId? signingCertificateProfileId?",
    "approvedTSA": "name url cert:base64Binary",
    "member": "@id:ID memberClass:memberClass memberCode name subsystem:subsystem*",
    "memberClass": "code description",
    "subsystem": "@id:ID subsystemCode subsystemName?",
    "securityServer": (
        "owner:IDREF serverCode address? authCertHash:base64Binary* client:IDREF* inMaintenanceMode:inMaintenanceMode?"
    ),
    "inMaintenanceMode": "message?",
    "globalGroup": "groupCode description groupMember:identifier*",
    "centralService": "serviceCode implementingService:identifier?",
    "identifier": "@id.objectType:NCName id.xRoadInstance id.memberClass id.memberCode id.subsystemCode?",
    "globalSettings": "memberClass:memberClass* ocspFreshnessSeconds:integer",
    "private": (
        "instanceIdentifier configurationAnchor:anchor* managementService:managementService "
        "timeStampingIntervalSeconds:integer"
    ),
    "managementService": (
        "authCertRegServiceAddress authCertRegServiceCert:base64Binary? managementRequestServiceProviderId:identifier"
    ),
    "anchor": "generatedAt:dateTime? instanceIdentifier source:anchored+",
    "anchored": "downloadURL verificationCert:base64Binary+",
}
"""What an element of a kind holds, in its order: ``name:kind`` or ``name:type`` (otherwise a string), and how often.

X-Road 7.8: shared-parameters.xsd of versions 5 and 6, PR-GCONF annexes C to E.
"""
OFTEN = {"?": "optional", "*": "zeroOrMore", "+": "oneOrMore"}


def faults(document: bytes, kind: str) -> list[str]:
    """Return what in *document* the schema of a *kind* does not allow."""
    root = "configurationAnchor" if kind == "anchor" else "conf"
    types = "http://www.w3.org/2001/XMLSchema-datatypes"
    grammar = f'<element xmlns="{RNG}" datatypeLibrary="{types}" name="{root}" ns="{CONF}">{_held(kind)}</element>'
    schema = etree.RelaxNG(etree.fromstring(grammar))
    read = etree.fromstring(document)
    found = [] if schema.validate(read) else [str(schema.error_log)]
    places = [one.get("id") for one in read.iter() if one.get("id")]
    found += [f"{one.tag} {one.text}" for one in read.iter("owner", "client") if one.text not in places]
    return found + (["id twice"] if len(places) != len(set(places)) else [])


def _held(kind: str) -> str:
    return "".join(map(_part, SCHEMA[kind].split()))


def _part(wanted: str) -> str:
    name, _, kind = wanted.lstrip("@").rstrip("?*+").partition(":")
    space, _, tag = name.rpartition(".")
    what, often = "attribute" if wanted[0] == "@" else "element", OFTEN.get(wanted[-1])
    held = _held(kind) if kind in SCHEMA else f'<data type="{kind or "string"}"/>'
    part = f'<{what} name="{tag}" ns="{ID if space else ""}">{held}</{what}>'
    return f"<{often}>{part}</{often}>" if often else part


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    var = tmp_path_factory.mktemp("var")
    lab.provision(load(settings.REPOSITORY / "nations" / "vietnam"), var, 8000)
    return var


@pytest.fixture(scope="module")
def content(var: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((var / "directory" / "content.json").read_text())
    own = found["authorities"][0]["certificate"]
    return found | {"sources": {"internal": [own], "external": [own]}}


@pytest.mark.parametrize("kind", ["shared", "private"])
def test_x_roads_own_documents_are_in_the_order_that_ours_are_held_to(kind: str) -> None:
    document = (V5 / f"{kind}-params.xml").read_bytes()
    assert faults(document, kind) == []
    assert faults(document.replace(b"<instanceIdentifier>DEV</instanceIdentifier>", b"", 1), kind)
    assert faults(document.replace(b"Seconds>", b"Seconds>some ", 1), kind)


def test_what_x_roads_readers_are_told_is_as_its_schemas_ask(var: Path, content: dict[str, Any]) -> None:
    assert faults(parameters.shared(content), "shared") == []
    assert faults(parameters.private(content), "private") == []
    certificates = load_certificates(var / "directory" / "ca" / "ca.pem")
    anchor = parameters.anchor("VN", {"http://d/internalconf": certificates}, datetime(2026, 9, 1, tzinfo=UTC))
    assert faults(anchor, "anchor") == []
    assert b"<generatedAt>2026-09-01T00:00:00Z</generatedAt>" in anchor


def test_everything_of_the_running_nation_is_in_it(var: Path, content: dict[str, Any]) -> None:
    root = etree.fromstring(parameters.shared(content))
    members = {one.findtext("memberCode"): one for one in root.iter("member")}
    assert set(members) == {"G01", "G15", "G18", "G22", "G24"}
    assert members["G15"].findtext("name") == "Bộ Tư pháp"
    assert members["G15"].findtext("subsystem/subsystemName") == "Hộ tịch điện tử"
    servers = {one.findtext("owner"): one for one in root.iter("securityServer")}
    server = servers[members["G15"].get("id")]
    assert server.findtext("client") == members["G15"].find("subsystem").get("id")
    assert (server.findtext("serverCode"), server.findtext("address")) == ("GATEWAY", "127.0.0.1")
    assert root.findtext("globalSettings/memberClass/code") == "GOV"
    assert len(root.findall("globalGroup/groupMember")) == len(servers) == 5


def test_our_own_reader_takes_from_it_whose_certificates_count(
    var: Path, content: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "shared-params.xml").write_bytes(parameters.shared(content))
    found = configuration.load(tmp_path)["VN"]
    (authority,) = found.authorities
    assert authority.top == load_certificates(var / "directory" / "ca" / "ca.pem")[0]
    assert authority.responders == {authority.top: load_certificates(var / "directory" / "ocsp.pem")}
    assert found.time_stampers == load_certificates(var / "directory" / "tsa.pem")
    assert f"ee.ria.xroad.common.certificateprofile.impl.{authority.profile}" == parameters.PROFILE


def test_names_are_written_as_text_and_not_as_markup(content: dict[str, Any]) -> None:
    odd = json.loads(json.dumps(content))
    odd["members"][0]["name"] = "A & B </name><member/>"
    assert faults(parameters.shared(odd), "shared") == []
    assert etree.fromstring(parameters.shared(odd)).findtext("member/name") == "A & B </name><member/>"
