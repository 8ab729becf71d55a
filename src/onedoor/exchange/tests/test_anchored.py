"""A gateway with an anchor of X-Road's configuration: what that says of who takes part holds, and nothing else."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from onedoor.exchange import configuration, parameters
from onedoor.exchange.configuration import ConfigurationRefused
from onedoor.exchange.directory import publishing
from onedoor.exchange.directory.publishing import Publisher
from onedoor.exchange.evidence import download
from onedoor.exchange.gateway import anchored
from onedoor.exchange.tests.nation import Place, free_base, full_disk, system_of
from onedoor.kernel.tests.serving import serving
from onedoor.signing import keys
from onedoor.signing.certificates import load_certificates
from onedoor.signing.keys import load_key

SOURCES = "from onedoor.signing import keys; keys.RSA_BITS = 2048"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "RSA_BITS", 2048)
        place = Place(tmp_path_factory.mktemp("var"), free_base(), before=SOURCES)
        Publisher(place.layout.directory).publish_sources()
    for member in ("G22", "G01"):
        anchor = place.layout.directory / "sources" / "internal" / parameters.ANCHOR
        shutil.copy(anchor, place.seats[member].gateway_state)
    try:
        place.start("directory")
        place.start("gateway-G22", "gateway-G01")
        yield place
    finally:
        place.stop()


def signed_by_directory(place: Place, **changed: Any) -> bytes:
    folder = place.layout.directory
    data = json.loads(json.dumps(configuration.content((folder / "configuration.signed").read_bytes()))) | changed
    return configuration.write(data, load_key(folder / "signing.key"), load_certificates(folder / "signing.pem")[0])


def test_messages_flow_under_what_the_gateways_verified_themselves(place: Place) -> None:
    client = place.client()
    with system_of(place, "G01"):
        assert place.ask(client=client).status == 200
    client.close()
    for member in ("G22", "G01"):
        kept = place.seats[member].gateway_state / anchored.KEPT
        assert (kept / "VN" / parameters.SHARED).exists()
        assert [len(load_certificates(one)) for one in kept.glob("learned-*.pem")] == [1]


def test_what_our_own_form_says_of_members_addresses_and_certificates_overrules_nothing(place: Place) -> None:
    folder, now = place.seats["G22"].gateway_state, datetime.now(UTC)
    honest = anchored.held(signed_by_directory(place), folder, now)
    data = configuration.content(signed_by_directory(place))
    data["gateways"][0]["address"] = "evil.example:" + data["gateways"][0]["address"].rpartition(":")[2]
    data["members"][0]["name"], data["gateways"][1]["clients"] = "Another", []
    later = (now + timedelta(days=400)).isoformat()
    changed = signed_by_directory(place, members=data["members"], gateways=data["gateways"], expires=later)
    found = anchored.held(changed, folder, now)
    assert (found.members, found.gateways) == (honest.members, honest.gateways)
    assert found.subsystems["VN/GOV/G22/PORTAL"].systems
    assert found.expires < now + timedelta(days=2), "it ends with the list that X-Road's clients read"
    data["gateways"][0]["tls"] = "0" * 64
    system = {"id": "VN/GOV/G99/S", "name": "S", "systems": [], "services": []}
    stranger = {"id": "VN/GOV/G99", "name": "A stranger", "subsystems": [system]}
    wrong: dict[str, Any]
    for wrong in ({"gateways": data["gateways"]}, {"instance": "XX"}, {"members": [*data["members"], stranger]}):
        with pytest.raises(ConfigurationRefused):
            anchored.held(signed_by_directory(place, **wrong), folder, now)


def test_what_was_verified_counts_while_nobody_answers_and_until_it_ends(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(_: str) -> bytes | None:
        raise ConnectionRefusedError

    folder, now, whole = place.seats["G22"].gateway_state, datetime.now(UTC), download.download
    anchored.held(signed_by_directory(place), folder, now)
    for instance in range(40):  # of anchors of before, found first or last
        (folder / anchored.KEPT / f"A{instance}").mkdir()
        (folder / anchored.KEPT / f"A{instance}" / parameters.SHARED).write_bytes(b"another")
    monkeypatch.setattr(
        download, "download", lambda anchor, now, ask=silent, learned=(): whole(anchor, now, ask, learned)
    )
    held = anchored.held(signed_by_directory(place), folder, now)
    assert held.gateways
    assert set(held.responders.values()) == {place.layout.ocsp}
    ours = signed_by_directory(place, expires=(now + timedelta(days=9)).isoformat())
    with pytest.raises(ConfigurationRefused):
        anchored.held(ours, folder, now + timedelta(days=2))


@pytest.mark.parametrize("answered", [None, b"<html>Service Unavailable</html>"])
def test_what_was_verified_counts_while_somebody_else_answers(
    place: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture, answered: bytes | None
) -> None:
    now, signed, folder = datetime.now(UTC), signed_by_directory(place), tmp_path / "gateway"
    shutil.copytree(place.seats["G22"].gateway_state / anchored.KEPT, folder / anchored.KEPT)
    for before in ("AA", "ZZ"):  # instances that this gateway was of
        (folder / anchored.KEPT / before).mkdir()
        (folder / anchored.KEPT / before / "internalconf").write_bytes(b"a list of another instance")
    anchor = (place.seats["G22"].gateway_state / parameters.ANCHOR).read_bytes()
    with serving(lambda _: answered) as port:
        other = anchor.replace(place.layout.directory_address.encode(), f"127.0.0.1:{port}".encode())
        assert other != anchor
        (folder / parameters.ANCHOR).write_bytes(other)
        assert anchored.held(signed, folder, now).gateways
        assert "configuration.refused why=" in caplog.text
        with pytest.raises(ConfigurationRefused):
            anchored.held(signed, folder, now + timedelta(days=2))
        shutil.rmtree(folder / anchored.KEPT)
        with pytest.raises(ConfigurationRefused):
            anchored.held(signed, folder, now)


def test_without_a_configuration_that_the_anchor_leads_to_traffic_stops(place: Place) -> None:
    place.kill("gateway-G22", 15)
    state = place.seats["G22"].gateway_state
    wrong = place.layout.directory / "sources" / "external" / parameters.ANCHOR
    own = (state / parameters.ANCHOR).read_bytes()
    url = f"http://{json.loads((place.layout.directory / 'content.json').read_text())['address']}"
    named = wrong.read_bytes().replace(f"{url}/externalconf".encode(), f"{url}/internalconf".encode())
    (state / parameters.ANCHOR).write_bytes(named)
    place.start("gateway-G22")
    client = place.client()
    assert place.ask(client=client).headers["x-road-error"] == "Server.ClientProxy.OutdatedGlobalConf"
    client.close()
    assert "configuration.refused why=an unknown key signed it" in place.output("gateway-G22")
    (state / parameters.ANCHOR).write_bytes(own)


@pytest.fixture
def sources(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Publisher]:
    """Serve under the name ``used`` what a directory signed: now as ``later``, or an hour ago as ``former``."""
    found: dict[str, Publisher] = {}
    for name, life in (("former", 23), ("later", 24)):
        folder = tmp_path / name
        shutil.copytree(place.layout.directory, folder)
        content = json.loads((folder / "content.json").read_text())
        content["members"][0]["name"] = name
        (folder / "content.json").write_text(json.dumps(content))
        monkeypatch.setattr(publishing, "LIFE", timedelta(hours=life))
        found[name] = Publisher(folder)
        found[name].publish_sources()

    def ask(url: str) -> bytes | None:
        if "used" not in found:
            raise ConnectionRefusedError
        answered = found["used"].sources.answer("/" + url.split("/", 3)[3])
        return answered[1] if answered else None

    whole = download.download
    monkeypatch.setattr(download, "download", lambda anchor, now, ask=ask, learned=(): whole(anchor, now, ask, learned))
    return found


@pytest.fixture
def folder(place: Place, tmp_path: Path) -> Path:
    """Return the folder of a gateway that has X-Road's anchor and has seen no list yet."""
    folder = tmp_path / "gateway"
    folder.mkdir()
    shutil.copy(place.seats["G22"].gateway_state / parameters.ANCHOR, folder)
    return folder


def test_a_list_that_ends_before_one_that_counted_counts_no_more(
    place: Place, folder: Path, sources: dict[str, Publisher], caplog: pytest.LogCaptureFixture
) -> None:
    now, signed = datetime.now(UTC), signed_by_directory(place)
    for name in ("former", "later"):
        sources["used"] = sources[name]
        assert anchored.held(signed, folder, now).members[0].name == name
    sources["used"] = sources["former"]
    assert anchored.held(signed, folder, now).members[0].name == "later", "what was verified before goes on"
    assert "configuration.refused why=older" in caplog.text
    download.download((folder / parameters.ANCHOR).read_bytes(), now).keep(folder / anchored.KEPT, b"")
    for silent in (False, True):
        if silent:
            del sources["used"]
        with pytest.raises(ConfigurationRefused, match="older than one that was in force here"):
            anchored.held(signed, folder, now)


def test_a_full_disk_holds_up_no_list_that_is_newer(
    place: Place, folder: Path, sources: dict[str, Publisher], caplog: pytest.LogCaptureFixture
) -> None:
    now, signed = datetime.now(UTC), signed_by_directory(place)
    sources["used"] = sources["former"]
    assert anchored.held(signed, folder, now).members[0].name == "former"
    sources["used"] = sources["later"]
    with full_disk():
        assert anchored.held(signed, folder, now).members[0].name == "later"
    assert "configuration.not_kept" in caplog.text
