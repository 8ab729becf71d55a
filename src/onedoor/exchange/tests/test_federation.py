"""Two instances that exchange messages over each other's external anchors, and what a partner may not say."""

import io
import json
import shutil
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from onedoor.exchange import configuration, parameters
from onedoor.exchange.configuration import ConfigurationRefused
from onedoor.exchange.connections import Connections, Request, Response
from onedoor.exchange.directory import federation, lab, publishing
from onedoor.exchange.directory.federation import Partners
from onedoor.exchange.directory.publishing import Publisher
from onedoor.exchange.evidence import configuration as evidence
from onedoor.exchange.evidence import download, report, shared
from onedoor.exchange.evidence.reasons import Reason, Remark
from onedoor.exchange.permissions import Permission
from onedoor.exchange.tests.nation import PROVIDER, Place, free_base, system_of, wait_for
from onedoor.kernel.settings import REPOSITORY
from onedoor.signing import keys
from onedoor.signing.certificates import load_certificates
from onedoor.signing.keys import load_key

CLIENT = "TL/GOV/DOOR/PORTAL"
SOON = "from onedoor.exchange.directory import main; main.SOONER = 0.3"
NOW = "2026-11-30T00:00:00+00:00"
NAMES = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, Place]]:
    """Viet Nam and Testland, each with the other's external anchor, running."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "RSA_BITS", 2048)
        base = free_base()
        there = Place(tmp_path_factory.mktemp("vn"), base, before=SOON)
        here = Place(tmp_path_factory.mktemp("tl"), base + 30, before=SOON, name="testland")
        for place in (there, here):
            Publisher(place.var / "directory").publish_sources()
            for name, one in place.environments.items():
                place.environments[name] = {**one, "ONEDOOR_NETWORKS": "127.0.0.0/8"}  # all are on one computer
    _grant(there)
    for place, other in ((there, here), (here, there)):
        (place.var / "directory" / "partners").mkdir()
        anchor = other.var / "directory" / "sources" / "external" / parameters.ANCHOR
        shutil.copy(anchor, place.var / "directory" / "partners" / "partner.xml")
    try:
        there.start("directory")
        here.start("directory")
        for place in (there, here):
            wait_for(lambda place=place: _published(place)["partners"], "the partner's configuration")
        there.start("gateway-G22", "gateway-G01")
        here.start("gateway-DOOR")
        for place, member, other in ((there, "G22", "TL"), (there, "G01", "TL"), (here, "DOOR", "VN")):
            wait_for(lambda known=(place, member, other): _knows(*known), f"{other} at {member}")
        yield there, here
    finally:
        there.stop()
        here.stop()


def _knows(place: Place, member: str, other: str) -> bool:
    """Return whether a member's gateway has taken the configuration with the other instance."""
    with closing(place.client(member)) as client:
        found = client.exchange([Request("GET", f"/listClients?xRoadInstance={other}", {}, b"")], 20)[0]
    return isinstance(found, Response) and found.status == 200


def _grant(place: Place) -> None:
    """Let the partner's portal look persons up: in the nation's rights, and by the provider's own grant."""
    path = place.var / "directory" / "content.json"
    content = json.loads(path.read_text())
    allowed = Permission(CLIENT, f"{PROVIDER}/population", ("bicycle-marking",), ("POST /lookup",))
    content["rights"].append(allowed.data())
    path.write_text(json.dumps(content))
    lab.grant(place.seats["G01"], [Permission.read(one) for one in content["rights"]])


def served(publisher: Publisher) -> download.Ask:
    """Return what has at an address what *publisher* serves there."""

    def ask(url: str) -> bytes | None:
        answered = publisher.sources.answer("/" + url.split("/", 3)[3])
        return answered[1] if answered else None

    return ask


def _published(place: Place) -> dict[str, Any]:
    address = place.environments["directory"]["ONEDOOR_LISTEN"]
    with urllib.request.urlopen(f"http://{address}/configuration", timeout=5) as answer:
        return configuration.content(answer.read())


def got(client: Connections, target: str) -> bytes:
    found = client.exchange([Request("GET", target, {}, b"")], 20)[0]
    assert isinstance(found, Response)
    assert found.status == 200, found.body
    return found.body


def test_a_message_crosses_the_border_and_both_sides_can_prove_it(both: tuple[Place, Place], tmp_path: Path) -> None:
    there, here = both
    client, provider = here.client("DOOR"), there.client("G01")
    names = {"X_Road_Client": CLIENT, "X_Road_Id": "abroad-1", "Onedoor_Purpose": "bicycle-marking"}
    with system_of(there, "G01") as system:
        assert here.ask(client=client, **names).status == 200
        assert [one["path"] for one in system.seen] == ["/exchange/population/lookup"]
        refused = here.ask(client=client, **{**names, "X_Road_Id": "abroad-2", "Onedoor_Purpose": "birth-form"})
        assert refused.headers["x-road-error"] == "Server.ServerProxy.AccessDenied"
    anchors = [place.var / "directory" / "sources" / "external" / parameters.ANCHOR for place in both]
    for side, subsystem in ((client, CLIENT), (provider, PROVIDER)):
        (tmp_path / "conf.zip").write_bytes(got(side, "/verificationconf"))
        instances = evidence.load(tmp_path / "conf.zip", anchors)
        assert {name: one.signature.kind for name, one in instances.items()} == {"VN": "anchored", "TL": "anchored"}
        own = "&".join(f"{name}={part}" for name, part in zip(NAMES, subsystem.split("/"), strict=True))
        archive = zipfile.ZipFile(io.BytesIO(got(side, f"/asic?queryId=abroad-1&{own}&force")))
        assert len(archive.namelist()) == 2
        for name in archive.namelist():
            (tmp_path / "one.asice").write_bytes(archive.read(name))
            found = report.verify(tmp_path / "one.asice", instances)
            assert (found.trust, found.good) == ((), True)
        side.close()


@pytest.fixture(scope="module")
def abroad(both: tuple[Place, Place], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """Return what a provider has of a message from the other instance: its evidence, and what that is checked by."""
    there, here = both
    client, provider = here.client("DOOR"), there.client("G01")
    names = {"X_Road_Client": CLIENT, "X_Road_Id": "abroad-3", "Onedoor_Purpose": "bicycle-marking"}
    with system_of(there, "G01"):
        assert here.ask(client=client, **names).status == 200
    own = "&".join(f"{name}={part}" for name, part in zip(NAMES, PROVIDER.split("/"), strict=True))
    path = tmp_path_factory.mktemp("abroad") / "one.asice"
    path.write_bytes(got(provider, f"/asic?queryId=abroad-3&{own}&requestOnly&unique&force"))
    conf = zipfile.ZipFile(io.BytesIO(got(provider, "/verificationconf")))
    client.close()
    provider.close()
    return path, {name: conf.read(name) for name in conf.namelist()}


PARTNERS_LIST, PARTNERS = "verificationconf/TL/externalconf", "verificationconf/TL/shared-params.xml"
APPROVED = b"<memberCode>ROADS<"


@pytest.mark.parametrize(
    ("change", "anchors", "why"),
    [
        ({}, "TL VN", []),
        ({}, "VN", [Reason.ANCHOR_MISSING]),
        ({}, "TL", [Reason.ANCHOR_MISSING, Reason.UNKNOWN_TIME_STAMPER]),
        ({PARTNERS_LIST: None}, "TL VN", [Reason.CONFIGURATION_ANCHOR]),
        ({PARTNERS_LIST: None}, "", []),
        ({PARTNERS: b"<memberCode>ROADZ<"}, "TL VN", [Reason.CONFIGURATION_CHANGED]),
        ({PARTNERS: b"<memberCode>ROADZ<"}, "", [Reason.CONFIGURATION_CHANGED]),
    ],
    ids=[
        "whole",
        "our anchor alone",
        "theirs alone",
        "unsigned",
        "unsigned, no anchor",
        "changed",
        "changed, no anchor",
    ],
)
def test_of_a_partner_counts_what_its_own_source_signed(
    both: tuple[Place, Place],
    abroad: tuple[Path, dict[str, bytes]],
    tmp_path: Path,
    change: dict[str, bytes | None],
    anchors: str,
    why: list[Reason],
) -> None:
    path, files = abroad
    for name, data in files.items():
        to = change.get(name, data)
        if to is not None:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(data.replace(APPROVED, to) if name in change else to)
    known = {"VN": both[0], "TL": both[1]}
    given = [known[one].var / "directory" / "sources" / "external" / parameters.ANCHOR for one in anchors.split()]
    found = report.verify(path, evidence.load(tmp_path, given))
    assert found.integrity.verdict == "valid"
    assert [one.reason for one in found.trust or ()] == why
    signed = {one.facts["instance"]: one.reason for one in found.remarks}
    if anchors == "TL VN" and not why:
        assert signed == {"TL": Remark.ANCHOR, "VN": Remark.ANCHOR}
    if not anchors and not why:
        assert signed == {"TL": Remark.UNSIGNED, "VN": Remark.NO_ANCHOR}, "and it is said in words"


def test_members_find_the_partners_anchor_in_their_private_parameters(
    both: tuple[Place, Place], tmp_path: Path
) -> None:
    place, _ = both
    anchor = (place.var / "directory" / "sources" / "internal" / parameters.ANCHOR).read_bytes()
    found = download.download(anchor, datetime.now(UTC))
    (abroad,) = found.partners()
    found.keep(tmp_path, anchor)
    download.download(abroad, datetime.now(UTC)).keep(tmp_path, abroad)
    instances = evidence.load(tmp_path)
    assert {name: one.signature.kind for name, one in instances.items()} == {"VN": "anchored", "TL": "anchored"}


def test_the_clients_of_a_partner_are_listed_by_its_instance(both: tuple[Place, Place]) -> None:
    client = both[1].client("DOOR")
    listed = got(client, "/listClients?xRoadInstance=VN")
    assert b"<id:xRoadInstance>VN</id:xRoadInstance>" in listed
    assert b"<id:subsystemCode>POPULATION</id:subsystemCode>" in listed
    assert b"<id:xRoadInstance>TL<" not in listed
    assert listed != got(client, "/listClients")
    client.close()


@pytest.fixture(scope="module")
def told(both: tuple[Place, Place]) -> dict[str, Any]:
    (partner,) = _published(both[0])["partners"]
    found: dict[str, Any] = partner
    return found


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data["gateways"][0].update(id="VN/GOV/G15/GATEWAY"),
        lambda data: data["gateways"][0]["clients"].append("VN/GOV/G15/CIVIL-STATUS"),
        lambda data: data["members"][0]["subsystems"][0].update(id="VN/GOV/G22/PORTAL"),
        lambda data: data.update(instance="VN"),
        lambda data: data.update(instance="TL/GOV"),
        lambda data: data.update(authorities=["no certificate"]),
        lambda data: data["gateways"][0].update(signing="none"),
        lambda data: data["gateways"].append(7),
        lambda data: data.pop("expires"),
        lambda data: data["gateways"][0].update(tls=[]),
        lambda data: data["members"][0]["subsystems"][0].update(systems=[[]]),
        lambda data: data["gateways"].extend([data["gateways"][0]] * configuration.MOST),
    ],
)
def test_a_partner_speaks_of_its_own_members_alone_and_its_faults_are_its_own(
    both: tuple[Place, Place], told: dict[str, Any], change: Any
) -> None:
    assert configuration.partner(told, "VN").gateways.keys() == {"TL/GOV/ROADS/GATEWAY", "TL/GOV/DOOR/GATEWAY"}
    wrong = json.loads(json.dumps(told))
    change(wrong)
    with pytest.raises(ConfigurationRefused):
        configuration.partner(wrong, "VN")
    folder = both[0].var / "directory"
    certificate = load_certificates(folder / "signing.pem")[0]
    data = _published(both[0]) | {"partners": [wrong]}
    signed = configuration.write(data, load_key(folder / "signing.key"), certificate)
    read = configuration.read(signed, [certificate], moment=datetime.now(UTC))
    assert (read.partners, len(read.gateways)) == ((), 5)


def test_of_what_a_partner_writes_only_what_is_known_is_signed_again(told: dict[str, Any]) -> None:
    (authority,) = told["authorities"]
    odd = told | {"authorities": [f"Mr é\n{authority}".rstrip()], "deep": [[[[]]]]}
    assert configuration.foreign(odd) == configuration.foreign(told)
    assert configuration.foreign(told)["authorities"] == [authority]
    with pytest.raises(ConfigurationRefused):
        configuration.foreign(told | {"instance": "\ud800"})


def test_a_partner_counts_until_its_own_configuration_ends(both: tuple[Place, Place], told: dict[str, Any]) -> None:
    folder = both[0].var / "directory"
    certificate, now = load_certificates(folder / "signing.pem")[0], datetime.now(UTC)
    ends = now + timedelta(minutes=5)
    data = _published(both[0]) | {"partners": [told | {"expires": ends.isoformat()}]}
    signed = configuration.write(data, load_key(folder / "signing.key"), certificate)
    read = configuration.read(signed, [certificate], moment=now)
    assert read.partners_end == ends.timestamp()
    assert [one.id for one in read.gateways_of[CLIENT]] == ["TL/GOV/DOOR/GATEWAY"]
    after = read.without_ended(ends.timestamp())
    assert CLIENT not in after.gateways_of
    assert (len(after.gateways), len(after.gateway_by_tls)) == (5, 5)
    assert replace(after, partners=read.partners).without_ended(ends.timestamp()) == after


def test_a_silent_partner_is_kept_and_one_whose_anchor_went_is_not(both: tuple[Place, Place]) -> None:
    folder, now, dead = both[0].var / "directory" / "partners", datetime.now(UTC), False

    def ask(url: str) -> bytes | None:
        if dead:
            raise ConnectionRefusedError
        with urllib.request.urlopen(url, timeout=5) as answer:
            data: bytes = answer.read()
        return data

    partners = Partners(folder, "VN", ask)
    assert partners.look(now)
    assert not partners.look(now)
    dead = True
    assert not partners.look(now)
    assert (len(partners.told(now)), partners.silent) == (1, 1)
    assert partners.told(now + timedelta(days=2)) == []
    anchor = (folder / "partner.xml").read_bytes()
    (folder / "partner.xml").write_bytes(anchor + b"\n")
    assert partners.look(now), "what another anchor led to counts no longer"
    assert (partners.told(now), partners.silent) == ([], 1)
    (folder / "partner.xml").write_bytes(anchor)
    dead = False
    assert partners.look(now)
    (folder / "partner.xml").rename(folder / "partner.gone")
    assert partners.look(now)
    assert (partners.told(now), partners.silent) == ([], 0)
    (folder / "partner.gone").rename(folder / "partner.xml")
    assert not Partners(folder, "TL", ask).told(now)


@pytest.mark.parametrize(
    "said",
    [
        b"[" * 100_000,
        b"7",
        b'{"members": 7}',
        b'{"instance": "VN"}',
        b'{"gateways": [{"id": "VN/GOV/G15/GATEWAY"}]}',
        b"\xff",
    ],
    ids=["deep", "number", "members", "instance", "gateway", "encoding"],
)
def test_nothing_that_a_partner_says_harms_us(
    both: tuple[Place, Place], monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(parameters, "own", lambda _: said)
    publisher = Publisher(both[1].var / "directory")
    publisher.publish_sources()
    partners = Partners(both[0].var / "directory" / "partners", "VN", served(publisher))
    assert not partners.look(datetime.now(UTC))
    assert (partners.told(datetime.now(UTC)), partners.silent) == ([], 1)
    monkeypatch.setattr(parameters, "own", lambda _: b"{}")
    publisher.publish_sources()
    assert partners.look(datetime.now(UTC)), "an instance without gateways of ours is there for evidence"
    (told,) = partners.told(datetime.now(UTC))
    assert configuration.partner(told, "VN").gateways == {}
    monkeypatch.setattr(federation, "LARGEST", 100)
    partners.look(datetime.now(UTC))
    assert (len(partners.told(datetime.now(UTC))), partners.silent) == (1, 1)


def test_what_the_shared_parameters_say_of_a_partner_no_file_of_its_own_overrules(
    both: tuple[Place, Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = json.loads((both[1].var / "directory" / "content.json").read_text())
    honest = parameters.own({**content, "instance": "TL"})
    data = json.loads(honest)
    data["members"][0]["name"], data["gateways"][0]["clients"] = "Another", []
    data["gateways"][0]["address"] = "evil.example:" + data["gateways"][0]["address"].rpartition(":")[2]
    expected = configuration.partner(said_by(both, monkeypatch, honest), "VN")
    found = configuration.partner(said_by(both, monkeypatch, json.dumps(data).encode()), "VN")
    assert found.members == expected.members
    assert found.gateways == expected.gateways
    assert {one.host for one in found.gateways.values()} == {"127.0.0.1"}
    data["gateways"][0]["handover"] = {"from": NOW, "until": NOW, "tls": "0" * 64, "signing": ""}
    with pytest.raises(ConfigurationRefused):
        federation._told(downloaded(both, monkeypatch, json.dumps(data).encode()))
    del data["gateways"][0]["handover"]
    data["gateways"][0]["tls"] = "0" * 64
    with pytest.raises(ConfigurationRefused):
        federation._told(downloaded(both, monkeypatch, json.dumps(data).encode()))


def test_who_takes_part_in_an_instance_of_x_roads_own_is_read_from_its_shared_parameters() -> None:
    raw = (REPOSITORY / "tests/vectors/xroad/globalconf/v5/shared-params.xml").read_bytes()
    found = shared.told(raw, {})
    assert (found["instance"], found["gateways"], len(found["authorities"])) == ("DEV", [], 1)
    subsystems = [two["id"] for one in found["members"] for two in one["subsystems"]]
    assert "DEV/COM/1234/MANAGEMENT" in subsystems
    partner = configuration.partner(found | {"expires": "2030-01-01T00:00:00+00:00", "shared": ""}, "VN")
    assert partner.members[0].id.startswith("DEV/COM/")


def test_a_partners_gateway_is_known_by_both_its_certificates_while_it_changes_them(
    both: tuple[Place, Place],
) -> None:
    content = json.loads((both[1].var / "directory" / "content.json").read_text())
    signing, before = content["gateways"][0]["signing"], "ab" * 32
    content["gateways"][0]["handover"] = {"from": NOW, "until": NOW, "tls": before, "signing": signing}
    told = shared.told(parameters.shared(content), json.loads(parameters.own(content)))
    told |= {"expires": NOW, "shared": ""}
    found = configuration.partner(told, "VN").gateways[content["gateways"][0]["id"]]
    assert (found.tls, found.before and found.before.tls) == (content["gateways"][0]["tls"], before)


def followed(both: tuple[Place, Place], folder: Path) -> tuple[Publisher, Partners]:
    """Return who signs in a copy of the partner, and who follows it in a copy of the directory here."""
    shutil.copytree(both[0].var / "directory" / "partners", folder / "partners")
    shutil.copytree(both[1].var / "directory", folder / "theirs")
    publisher = Publisher(folder / "theirs")
    return publisher, Partners(folder / "partners", "VN", served(publisher))


def test_what_a_partner_signed_earlier_counts_no_more_after_what_it_signed_later(
    both: tuple[Place, Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    publisher, partners = followed(both, tmp_path)
    now = datetime.now(UTC)
    monkeypatch.setattr(publishing, "LIFE", timedelta(hours=25))
    publisher.publish_sources()
    assert partners.look(now)
    (later,) = partners.told(now)
    monkeypatch.setattr(publishing, "LIFE", timedelta(hours=24))
    monkeypatch.setattr(parameters, "own", lambda _: b"{}")
    publisher.publish_sources()
    assert not partners.look(now)
    assert (partners.told(now), partners.silent) == ([later], 1)
    assert "it is older than one that was in force here" in caplog.text
    anew = Partners(tmp_path / "partners", "VN", served(publisher))
    anew.look(now)
    assert (anew.told(now), anew.silent) == ([], 1), "nor after a restart of the directory"


def test_what_a_partner_signed_while_its_clock_was_far_ahead_holds_up_nothing_that_it_signs_later(
    both: tuple[Place, Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    publisher, partners = followed(both, tmp_path)
    now = datetime.now(UTC)
    with monkeypatch.context() as patch:
        patch.setattr(publishing, "LIFE", download.FURTHEST + timedelta(hours=1))
        publisher.publish_sources()
        assert not partners.look(now)
    assert (partners.told(now), partners.silent) == ([], 1)
    assert "more than 10 days from now" in caplog.text
    publisher.publish_sources()
    assert partners.look(now)
    assert (len(partners.told(now)), partners.silent) == (1, 0)


def downloaded(both: tuple[Place, Place], monkeypatch: pytest.MonkeyPatch, own: bytes) -> download.Downloaded:
    """Return what the second instance publishes, with *own* as the file of its own."""
    monkeypatch.setattr(parameters, "own", lambda _: own)
    publisher = Publisher(both[1].var / "directory")
    publisher.publish_sources()
    anchor = (both[1].var / "directory" / "sources" / "external" / parameters.ANCHOR).read_bytes()
    return download.download(anchor, datetime.now(UTC), served(publisher))


def said_by(both: tuple[Place, Place], monkeypatch: pytest.MonkeyPatch, own: bytes) -> dict[str, Any]:
    return federation._told(downloaded(both, monkeypatch, own))


def test_a_partner_that_claims_to_be_us_is_not_taken(both: tuple[Place, Place]) -> None:
    partners = Partners(both[1].var / "directory" / "partners", "VN")
    assert not partners.look(datetime.now(UTC))
    assert partners.silent == 1
