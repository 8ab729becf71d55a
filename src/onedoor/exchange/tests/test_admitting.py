"""The directory's journal of who takes part: what is taken in, what is refused, and what a kill leaves."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509 import load_pem_x509_csr

from onedoor.exchange import configuration, joining, permissions
from onedoor.exchange.directory import admitting, journal, lab, publishing
from onedoor.exchange.directory.admitting import Directory
from onedoor.exchange.directory.main import DirectoryServer
from onedoor.exchange.directory.registering import BadRegistration
from onedoor.exchange.permissions import Permission
from onedoor.kernel.nation import load
from onedoor.kernel.settings import REPOSITORY
from onedoor.signing.certificates import Authority, load_certificates

NEW, PORTAL = "TL/GOV/NINTH", "TL/GOV/DOOR/PORTAL"
GATEWAY, SYSTEM = f"{NEW}/GATEWAY", f"{NEW}/SYSTEM"
RIGHT = Permission(SYSTEM, f"{PORTAL}/reads", ("try",), ("GET /**",))


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    var = tmp_path_factory.mktemp("var")
    lab.provision(load(REPOSITORY / "nations" / "testland"), var, 9000)
    return var


@pytest.fixture
def directory(var: Path) -> Directory:
    (var / "directory" / journal.JOURNAL).unlink(missing_ok=True)
    return Directory(var / "directory", "anna", datetime.now(UTC))


@pytest.fixture
def gateway(var: Path, tmp_path: Path) -> Path:
    return joined(var, tmp_path / "gateway-NINTH")


def joined(
    var: Path, folder: Path, id_: str = GATEWAY, address: str = "192.0.2.9:5500", system: str = "SYSTEM"
) -> Path:
    wanted = joining.Wanted(id_, "Ninth", address, "http://127.0.0.1:1/", systems={system: "Its system"})
    joining.begin(folder, wanted, load_certificates(var / "directory" / "signing.pem"))
    certify(var, folder, "signing", "message")
    certify(var, folder, "outer", "tls")
    return folder


def certify(var: Path, folder: Path, name: str, profile: Any) -> None:
    asked = load_pem_x509_csr((folder / "requests" / f"{name}.csr").read_bytes())
    issued = Authority.load(var / "directory" / "ca").issue(asked.subject, asked.public_key(), profile)  # type: ignore[arg-type]
    joining.certify(folder, (issued,), folder)


def registration(gateway: Path, after: float = 0.0) -> bytes:
    return joining.registration(gateway, datetime.now(UTC) + timedelta(seconds=after))


def published(directory: Directory) -> configuration.Configuration:
    signed = publishing.Publisher(directory.folder).publish()
    return configuration.read(signed, load_certificates(directory.folder / "signing.pem"), moment=datetime.now(UTC))


def test_who_is_added_stands_in_the_configuration_and_stays_when_the_nation_is_provisioned_again(
    var: Path, directory: Directory, gateway: Path
) -> None:
    raw = registration(gateway)
    assert directory.add(raw)[1]
    assert not directory.add(raw)[1]
    assert not directory.add(registration(gateway, 60))[1], "the same said later changes nothing"
    assert directory.allow(RIGHT, "a decree")
    assert not directory.allow(RIGHT, "a decree")
    for _ in range(2):
        found = published(directory)
        assert found.gateways[GATEWAY].clients == {SYSTEM}
        assert found.subsystems[SYSTEM].name == "Its system"
        assert found.rights.covers(SYSTEM, RIGHT.service, "GET", "/x", "try")
        lab.provision(load(REPOSITORY / "nations" / "testland"), var, 9000)
    directory.deny(SYSTEM, RIGHT.service)
    directory.remove(GATEWAY)
    found = published(directory)
    assert GATEWAY not in found.gateways
    assert SYSTEM not in found.subsystems
    assert not found.rights.covers(SYSTEM, RIGHT.service, "GET", "/x", "try")
    assert {one.by for one in journal.acts(directory.folder)} == {"anna"}
    with pytest.raises(admitting.NotAdmitted):
        directory.remove(GATEWAY)
    with pytest.raises(admitting.NotGiven):
        directory.deny(SYSTEM, RIGHT.service)
    with pytest.raises(BadRegistration, match="a later one"):
        directory.add(raw)


def test_a_right_that_is_given_names_its_law_and_is_taken_away_with_all_of_them(directory: Directory) -> None:
    assert [directory.allow(RIGHT, law) for law in ("a decree", "a law", "a law")] == [True, True, False]
    assert directory.allow(replace(RIGHT, client=PORTAL), "a decree"), "another right on the same law"
    assert published(directory).rights.bases(SYSTEM, RIGHT.service, "GET", "/x", "try") == {"a decree", "a law"}
    directory.deny(SYSTEM, RIGHT.service)
    assert not published(directory).rights.covers(SYSTEM, RIGHT.service, "GET", "/x", "try")
    assert published(directory).rights.covers(PORTAL, RIGHT.service, "GET", "/x", "try"), "others keep theirs"
    told = [one for act in journal.acts(directory.folder) for one in act.facts.get("rights", [])]
    assert told == [RIGHT.data()] * 2, "as versions of before read it"


def test_a_right_that_the_nation_s_files_have_by_now_is_published_once(directory: Directory) -> None:
    path = directory.folder / publishing.CONTENT
    before = path.read_bytes()
    directory.allow(RIGHT, "a decree")
    (given,) = (one for one in directory.content()["rights"] if one["client"] == SYSTEM)
    content = json.loads(before)
    path.write_text(json.dumps(content | {"rights": [*content["rights"], given]}))
    try:
        assert directory.content()["rights"].count(given) == 1
        directory.deny(SYSTEM, RIGHT.service)
        assert directory.content()["rights"].count(given) == 1, "it ends by those files"
        path.write_text(json.dumps(content | {"rights": [journal.without_bases(given)]}))
        assert not directory.allow(RIGHT, "a law"), "a right that an earlier version wrote names none"
    finally:
        path.write_bytes(before)


def test_a_line_that_a_kill_tore_counts_for_nothing_and_the_next_one_stands(
    directory: Directory, gateway: Path
) -> None:
    directory.allow(RIGHT, "a decree")
    path = directory.folder / journal.JOURNAL
    before = path.read_bytes()
    directory.add(registration(gateway))
    whole = path.read_bytes()
    for end in range(len(before), len(whole), 97):
        path.write_bytes(whole[:end])
        assert [one.what for one in journal.acts(directory.folder)] == ["allow"]
        assert directory.add(registration(gateway))[1]
        assert [one.what for one in journal.acts(directory.folder)] == ["allow", "add"]


def test_a_damaged_line_stops_the_directory_at_what_it_published_last(directory: Directory, gateway: Path) -> None:
    directory.allow(RIGHT, "a decree")
    directory.add(registration(gateway))
    directory.remove(GATEWAY)
    publishing.Publisher(directory.folder).publish()
    path = directory.folder / journal.JOURNAL
    whole = path.read_bytes()
    for damaged in (
        whole.replace(b'"remove"', b'"remov3"'),
        whole.replace(b"192.0.2.9", b"192.0.2.8"),
        whole + b"{}\n",
    ):
        path.write_bytes(damaged)
        with pytest.raises(journal.JournalDamaged):
            journal.acts(directory.folder)
        with pytest.raises(journal.JournalDamaged):
            publishing.Publisher(directory.folder).publish()
        with pytest.raises(journal.JournalDamaged):
            directory.add(registration(gateway))
        assert path.read_bytes() == damaged
        server = DirectoryServer(directory.folder)
        assert server.broken
        served = server.configuration("").partition(b"\r\n\r\n")[2]
        assert GATEWAY not in {one["id"] for one in configuration.content(served)["gateways"]}


@pytest.mark.parametrize("text", ["a\nb", "a\x1b[2J", "a\u2028b", "", "a" * 401])
def test_what_cannot_be_shown_is_not_entered(var: Path, directory: Directory, text: str) -> None:
    certificate = load_certificates(var / "directory/ca/ca.pem")[0]
    for act in (
        lambda: directory.allow(RIGHT, text),
        lambda: directory.allow(replace(RIGHT, purposes=(text,)), "a decree"),
        lambda: directory.allow(replace(RIGHT, endpoints=(f"GET /{text}\n",)), "a decree"),
        lambda: directory.allow(replace(RIGHT, client=f"{permissions.GLOBAL}TL/{text}\n"), "a decree"),
        lambda: directory.approve(text, certificate, profile="x", ocsp=""),
        lambda: directory.approve_stamps(text, certificate, "http://tsa.example/"),
        lambda: directory.approve_stamps("stamps", certificate, f"http://tsa.example/{text}\n"),
    ):
        with pytest.raises(permissions.NotPlain):
            act()
    for url in ("tsa.example", "ftp://tsa.example/", "http:///x", "http://[x/", "http://h:x/", "http://h/a b"):
        with pytest.raises(admitting.NotAnAddress):
            directory.approve_stamps("stamps", certificate, url)
        with pytest.raises(admitting.NotAnAddress):
            directory.approve("certificates", certificate, profile="x", ocsp=url)
    assert journal.acts(directory.folder) == []


def test_a_line_ends_where_it_was_ended(directory: Directory) -> None:
    journal.enter(directory.folder, journal.Change("withdraw", {"name": "a\u2028b\x85c"}, "anna", directory.now))
    assert [one.facts["name"] for one in journal.acts(directory.folder)] == ["a\u2028b\x85c"]


def test_two_gateways_of_one_member_serve_a_system_and_one_of_them_may_leave(
    var: Path, directory: Directory, gateway: Path, tmp_path: Path
) -> None:
    second = f"{NEW}/SECOND"
    other = joined(var, tmp_path / "other", second, "192.0.2.10:5500")
    for _ in range(2):
        for one, after in ((other, 90), (gateway, 0)):  # a later one of another gateway makes none old
            assert directory.add(registration(one, after + 60 * _))[1] == (_ == 0), "each is told once"
    found = published(directory)
    assert len(found.subsystems[SYSTEM].systems) == 2
    assert [found.gateways[one].clients for one in (GATEWAY, second)] == [{SYSTEM}, {SYSTEM}]
    directory.remove(GATEWAY)
    found = published(directory)
    assert found.gateways[second].clients == {SYSTEM}
    assert SYSTEM in found.subsystems
    directory.remove(second)
    assert SYSTEM not in published(directory).subsystems


def test_an_authority_for_time_stamps_takes_no_certification_authority_s_place(var: Path, directory: Directory) -> None:
    (name,) = (one["name"] for one in directory.content()["authorities"])
    for _ in range(2):
        directory.approve_stamps(name, load_certificates(var / "directory/tsa.pem")[0], "http://tsa.example/")
    content = directory.content()
    assert [[one["name"] for one in content[listed]].count(name) for listed in ("authorities", "time_stampers")] == [
        1,
        1,
    ]


def test_what_a_federation_s_partner_says_of_changing_keys_is_made_anew(
    var: Path, directory: Directory, gateway: Path
) -> None:
    directory.add(registration(gateway))
    joining.renew(gateway, "signing")
    certify(var, gateway, "signing", "message")
    directory.add(registration(gateway, 1))
    told = {**directory.content(), "expires": datetime.now(UTC).isoformat(), "shared": ""}
    own = next(one for one in configuration.foreign(told)["gateways"] if one["id"] == GATEWAY)
    assert own["handover"].keys() == {"from", "until", "tls", "signing"}
    next(one for one in told["gateways"] if one["id"] == GATEWAY)["handover"]["tls"] = 5
    with pytest.raises(configuration.ConfigurationRefused):
        configuration.foreign(told)


@pytest.mark.parametrize("wrong", [{"client": "nobody"}, {"service": "TL/GOV/DOOR/PORTAL"}])
def test_a_right_names_a_system_and_a_service(directory: Directory, wrong: dict[str, str]) -> None:
    with pytest.raises(admitting.BadRight):
        directory.allow(replace(RIGHT, **wrong), "a decree")
