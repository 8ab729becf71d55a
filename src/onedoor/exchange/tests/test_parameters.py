"""The nation's configuration in X-Road's words, held to what X-Road's schemas of versions 5 and 6 ask for."""

import json
from collections.abc import Iterator
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

V5 = Path(__file__).parents[4] / "tests" / "vectors" / "xroad" / "globalconf" / "v5"
CONF, ID = "{http://x-road.eu/xsd/xroad.xsd}", "{http://x-road.eu/xsd/identifiers}"
CLASS = "code description"
IDENTIFIER = f"{ID}xRoadInstance {ID}memberClass {ID}memberCode {ID}subsystemCode?"
ORDER = {
    "shared": (
        "instanceIdentifier source+ approvedCA* approvedTSA* member* securityServer* globalGroup* centralService* "
        "globalSettings"
    ),
    "source": "address internalVerificationCert* externalVerificationCert*",
    "approvedCA": "name authenticationOnly? topCA intermediateCA* certificateProfileInfo acmeServer?",
    "topCA": "cert ocsp*",
    "ocsp": "url cert?",
    "acmeServer": "directoryURL ipAddress?",
    "approvedTSA": "name url cert",
    "member": "memberClass memberCode name subsystem*",
    "memberClass": CLASS,
    "subsystem": "subsystemCode subsystemName?",
    "securityServer": "owner serverCode address? authCertHash* client* inMaintenanceMode?",
    "globalGroup": "groupCode description groupMember*",
    "groupMember": IDENTIFIER,
    "globalSettings": "memberClass* ocspFreshnessSeconds",
    "private": "instanceIdentifier configurationAnchor* managementService timeStampingIntervalSeconds",
    "managementService": "authCertRegServiceAddress authCertRegServiceCert? managementRequestServiceProviderId",
    "managementRequestServiceProviderId": IDENTIFIER,
    "anchor": "generatedAt? instanceIdentifier source+",
    "anchored": "downloadURL verificationCert+",
}
"""Element → its children in their order (X-Road 7.8: shared-parameters.xsd of v5 and v6, PR-GCONF annexes C and E)."""


def faults(document: bytes, kind: str) -> list[str]:
    """Return what in *document* the schema of a *kind* does not allow."""
    root = etree.fromstring(document)
    found = [] if root.tag == f"{CONF}{'configurationAnchor' if kind == 'anchor' else 'conf'}" else ["root"]
    places = [one.get("id") for one in root.iter() if one.get("id")]
    found += [f"{one.tag} {one.text}" for one in root.iter("owner", "client") if one.text not in places]
    found += ["id twice"] if len(places) != len(set(places)) else []
    return found + list(_disordered(root, kind))


def _disordered(element: etree._Element, kind: str) -> Iterator[str]:
    tags = [str(child.tag) for child in element]
    for wanted in ORDER[kind].split():
        name, many = wanted.rstrip("?*+"), wanted[-1:]
        taken = 0
        while tags and tags[0] == name and (many in "*+" or not taken):
            tags.pop(0)
            taken += 1
        if not taken and many not in "?*":
            yield f"{kind}: no {name}"
    if tags:
        yield f"{kind}: {tags[0]} out of place"
    for child in element:
        name = "anchored" if kind == "anchor" and child.tag == "source" else str(child.tag)
        if name in ORDER:
            yield from _disordered(child, name)
        elif len(child):
            yield f"{name} holds elements"


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
