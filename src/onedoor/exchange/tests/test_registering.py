"""A registration: what the directory's operator takes in, and what is refused, in words."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest

from onedoor.exchange import configuration, joining, parameters, permissions
from onedoor.exchange.directory import admitting, journal, publishing
from onedoor.exchange.directory.admitting import Directory
from onedoor.exchange.directory.registering import BadRegistration
from onedoor.exchange.gateway import identities
from onedoor.exchange.tests.test_admitting import GATEWAY, NEW, PORTAL, joined, registration
from onedoor.exchange.tests.test_admitting import directory as directory
from onedoor.exchange.tests.test_admitting import gateway as gateway
from onedoor.exchange.tests.test_admitting import var as var
from onedoor.signing.certificates import load_certificates

Change = Callable[[dict[str, Any]], object]


def changed(gateway: Path, change: Change) -> bytes:
    """Return the registration of *gateway*, changed and signed by it all the same."""
    data = json.loads(registration(gateway))[joining.REGISTRATION]
    change(data)
    keys = [identities.used(gateway, name).key for name in (identities.SIGNING, identities.OUTER)]
    told = permissions.signed(joining.REGISTRATION, data, keys[0])
    told["possession"] = permissions.signed(joining.REGISTRATION, data, keys[1])["signature"]
    return json.dumps(told).encode()


def service(code: str, kind: str = "REST") -> dict[str, str]:
    return {"code": code, "kind": kind}


def rename(data: dict[str, Any]) -> None:
    data["member"]["id"], data["gateway"] = "TL/GOV/TENTH", "TL/GOV/TENTH/GATEWAY"
    data["subsystems"] = []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda data: data.update(format="onedoor-registration-9"), "format"),
        (lambda data: data.update(gateway=None), "not well formed"),
        (lambda data: data.update(address="nowhere"), "not well formed"),
        (lambda data: data.update(address="192.0.2.9:70000"), "not well formed"),
        *(
            (lambda data, told=told: data.update(address=told), "not well formed")
            for told in ("[x:5500", "user@h:1", "h/x:1", "HOST:1", "h:01", "h:+1", "h:\u0661", "h.:1", "[::0]:1", ":1")
        ),
        (lambda data: data["subsystems"][0].update(id="TL/GOV/%4EINTH/SYSTEM"), "not well formed"),
        (lambda data: data.update(subsystems=data["subsystems"] * 2), "not well formed"),
        (lambda data: data.update(subsystems=data["subsystems"] * 101), "not well formed"),
        (lambda data: data["subsystems"][0].update(systems=["ab" * 32] * 201), "not well formed"),
        (lambda data: data["subsystems"][0].update(systems=["AB" * 32]), "not well formed"),
        (lambda data: data["subsystems"][0].update(services=[service("a")] * 201), "not well formed"),
        (lambda data: data["subsystems"][0].update(services=[service("a/b")]), "not well formed"),
        *(
            (
                lambda data, code=code: data["subsystems"][0].update(services=[service(code)]),
                f"answer {code} themselves",
            )
            for code in ("listMethods", "allowedMethods", "getOpenAPI", "getWsdl", "getSecurityServerHealthData")
        ),
        (lambda data: data["subsystems"][0].update(services=[service("%61")]), "not well formed"),
        (lambda data: data["subsystems"][0].update(services=[service("\u00e9")]), "not well formed"),
        (lambda data: data["subsystems"][0].update(services=[service("a", "SOAP")]), "not well formed"),
        (lambda data: data.update(moment=data["moment"][:19]), "not well formed"),
        (lambda data: data["subsystems"][0].update(name="a\x1b[2J"), "not well formed"),
        (lambda data: data["subsystems"][0].update(name=""), "not well formed"),
        (lambda data: data["member"].update(name="a" * 401), "not well formed"),
        (lambda data: data.update(subsystems=5), "not well formed"),
        (lambda data: data["subsystems"][0].update(id=PORTAL), "speaks of others"),
        (lambda data: data.update(gateway="TL/GOV/DOOR/GATEWAY"), "speaks of others"),
        (lambda data: data.update(gateway=f"{NEW}2/GATEWAY"), "speaks of others"),
        (lambda data: data["member"].update(id="XX/GOV/NINTH"), "another instance"),
        (lambda data: data.update(address="127.0.0.1:9200"), "its key or its address"),
        (lambda data: data.update(tls=data["signing"]), "did not sign it"),
        (rename, "does not name the member"),
    ],
)
def test_what_is_not_of_one_member_alone_is_refused(
    directory: Directory, gateway: Path, change: Change, why: str
) -> None:
    with pytest.raises(BadRegistration, match=why):
        directory.add(changed(gateway, change))
    assert journal.acts(directory.folder) == []


@pytest.mark.parametrize("address", ["h:1", "gateway-9.example:65535", "[2001:db8::9]:5500"])
def test_an_address_in_its_one_form_is_taken_and_published(directory: Directory, gateway: Path, address: str) -> None:
    full = {"systems": ["ab" * 32] * 200, "services": [service(f"s{one}") for one in range(200)]}
    directory.add(changed(gateway, lambda data: (data.update(address=address), data["subsystems"][0].update(full))))
    written = parameters.shared(publishing.content(directory.folder, directory.now))
    assert f"<address>{address.rpartition(':')[0].strip('[]')}</address>".encode() in written.replace(b"ns0:", b"")


def test_what_stands_twice_has_two_xml_ids() -> None:
    named = [{"id": f"TL/GOV/M/{one}", "name": one} for one in "AAB"]
    root = Element("conf")
    parameters._members(root, [{"id": "TL/GOV/M", "name": "M", "subsystems": named}])
    ids = [one.get("id") for one in root.iter() if one.get("id")]
    assert len({*ids}) == len(ids) == 4


@pytest.mark.parametrize("broken", [b"", b"[" * 70_000, b'{"registration": 5}', b'{"registration": {"tls": 5}}'])
def test_what_is_no_registration_is_refused(directory: Directory, broken: bytes) -> None:
    with pytest.raises(BadRegistration):
        directory.add(broken)


def test_a_registration_has_a_length(directory: Directory, gateway: Path) -> None:
    raw = registration(gateway)
    with pytest.raises(BadRegistration, match="longer than 262144 bytes"):
        directory.add(raw + b" " * (262_145 - len(raw)))
    assert directory.add(raw + b" " * (262_144 - len(raw)))[1]


def test_a_system_that_another_member_s_gateway_serves_stays_there(directory: Directory, gateway: Path) -> None:
    path = directory.folder / publishing.CONTENT
    before = path.read_bytes()
    content = json.loads(before)
    content["gateways"][0]["clients"].append(f"{NEW}/SYSTEM")
    path.write_text(json.dumps(content))
    try:
        with pytest.raises(BadRegistration, match=f"serves {NEW}/SYSTEM"):
            directory.add(registration(gateway))
    finally:
        path.write_bytes(before)


def test_a_member_stays_as_long_as_it_has_a_gateway(
    var: Path, directory: Directory, gateway: Path, tmp_path: Path
) -> None:
    directory.add(changed(gateway, lambda data: data.update(subsystems=[])))
    directory.add(registration(joined(var, tmp_path / "other", f"{NEW}/SECOND", "192.0.2.10:5500")))
    directory.remove(f"{NEW}/SECOND")
    assert [one["subsystems"] for one in directory.content()["members"] if one["id"] == NEW] == [[]]
    directory.remove(GATEWAY)
    assert NEW not in {one["id"] for one in directory.content()["members"]}


def test_a_registration_that_either_key_did_not_sign_is_refused(directory: Directory, gateway: Path) -> None:
    for name in ("signature", "possession"):
        told = json.loads(registration(gateway))
        told[name] = told["possession" if name == "signature" else "signature"]
        with pytest.raises(BadRegistration, match="did not sign it"):
            directory.add(json.dumps(told).encode())


def test_a_gateway_offers_no_service_by_the_name_of_what_it_answers_itself(gateway: Path) -> None:
    (system,) = joining.told_of(gateway)["systems"]
    with pytest.raises(joining.ReservedCode, match="getOpenAPI"):
        joining.serve(gateway, system, "getOpenAPI", "https://127.0.0.1:1")


def test_an_authority_is_withdrawn_from_the_list_that_is_meant_alone(var: Path, directory: Directory) -> None:
    authority, stamps = (load_certificates(var / "directory" / one)[0] for one in ("ca/ca.pem", "tsa.pem"))

    def listed() -> list[list[str]]:
        content = directory.content()
        return [[one["name"] for one in content[name]][-1:] for name in journal.AUTHORITIES]

    def approve() -> None:
        directory.approve("Trust", authority, profile="BasicCertificateProfileInfoProvider", ocsp="")
        directory.approve_stamps("Trust", stamps, "http://tsa.example/")

    approve()
    directory.withdraw("Trust", stamps=True)
    assert [one == ["Trust"] for one in listed()] == [True, False]
    with pytest.raises(admitting.NotApproved):
        directory.withdraw("Trust", stamps=True)
    approve()
    directory.withdraw("Trust")
    assert [one == ["Trust"] for one in listed()] == [False, True]
    directory.withdraw("Trust")  # there is no other of that name left
    assert [one == ["Trust"] for one in listed()] == [False, False]
    approve()
    journal.enter(directory.folder, journal.Change("withdraw", {"name": "Trust"}, "anna", directory.now))
    assert [one == ["Trust"] for one in listed()] == [False, False], "as an earlier version meant it"


def test_a_moment_that_is_still_to_come_locks_no_gateway_out(directory: Directory, gateway: Path) -> None:
    with pytest.raises(BadRegistration, match="still to come"):
        directory.add(registration(gateway, 400))
    earlier = directory.now - timedelta(hours=1)
    for moment in ("2020-01-01T00:00:00", "2999-01-01T00:00:00", "2999-01-01T00:00:00+00:00"):
        facts = {"member": {"id": NEW, "name": "N", "subsystems": []}, "registered": moment}
        facts["gateway"] = {"id": GATEWAY, "address": "h:1", "tls": "", "signing": "", "clients": []}
        journal.enter(directory.folder, journal.Change("add", facts, "anna", earlier))
        directory.remove(GATEWAY)
    assert directory.add(registration(gateway))[1]


def offered(directory: Directory) -> tuple[list[str], list[str]]:
    """Return the certificates and the services of the system, as they are published."""
    member = next(one for one in directory.content()["members"] if one["id"] == NEW)
    (system,) = member["subsystems"]
    return sorted(system["systems"]), sorted(one["code"] for one in system["services"])


@pytest.mark.parametrize("second", [False, True], ids=["one", "two"])
def test_what_a_gateway_no_longer_tells_of_a_system_counts_no_more(
    var: Path, directory: Directory, gateway: Path, tmp_path: Path, *, second: bool
) -> None:
    def tells(folder: Path, marks: str, *codes: str) -> bool:
        told = {"systems": [one * 64 for one in marks], "services": [service(one) for one in codes]}
        return directory.add(changed(folder, lambda data: data["subsystems"][0].update(told)))[1]

    others: tuple[str, ...] = ()
    if second:
        other, others = joined(var, tmp_path / "other", f"{NEW}/SECOND", "192.0.2.10:5500"), ("c",)
        assert tells(other, "c", "c")
    assert tells(gateway, "ab", "a", "b")
    assert offered(directory) == (sorted(one * 64 for one in ("a", "b", *others)), ["a", "b", *others])
    for marks, codes in (("ba", "ab"), ("a", "ab"), ("d", "a")):  # a key that was stolen, a service that is no more
        assert tells(gateway, marks, *codes) == (marks != "ba"), "what is told in another order is the same"
        assert offered(directory) == (sorted(one * 64 for one in (*marks, *others)), [*codes, *others])
    if second:
        directory.remove(GATEWAY)
        assert offered(directory) == (["c" * 64], ["c"])


def test_whatever_else_is_said_by_one_of_two_gateways_of_a_system_is_a_change(
    var: Path, directory: Directory, gateway: Path, tmp_path: Path
) -> None:
    def says(folder: Path, member: str, *called: str, kind: str = "REST") -> bool:
        """Let the member's and a system's names be said, and the kind of its service; whether that is new."""
        own = {"id": f"{NEW}/SYSTEM", "systems": [], "services": [service("a", kind)]}
        told = {"subsystems": [own | {"name": one} for one in called]}
        return directory.add(changed(folder, lambda data: (data["member"].update(name=member), data.update(told))))[1]

    assert says(joined(var, tmp_path / "other", f"{NEW}/SECOND", "192.0.2.10:5500"), "Ninth", "Its system")
    assert says(gateway, "Ninth", "Its system")
    assert not says(gateway, "Ninth", "Its system")
    assert says(gateway, "Ninth")
    assert directory.content()["gateways"][-1]["clients"] == []
    assert says(gateway, "Ninth", "Its system")
    assert says(gateway, "Other", "Its system")
    assert says(gateway, "Other", "Another name")
    assert says(gateway, "Other", "Another name", kind="OPENAPI")


def test_a_gateway_of_the_nation_s_files_that_registers_tells_of_its_system_anew(
    var: Path, directory: Directory, tmp_path: Path
) -> None:
    own, server = PORTAL.rpartition("/")[0], "TL/GOV/DOOR/GATEWAY"
    known = {one["id"] for one in directory.content()["gateways"]}
    assert server in known
    before = next(one for one in directory.content()["members"] if one["id"] == own)["subsystems"][0]
    folder = joined(var, tmp_path / "second", f"{own}/SECOND", "192.0.2.10:5500", "PORTAL")
    assert directory.add(registration(folder))[1]
    both = next(one for one in directory.content()["members"] if one["id"] == own)["subsystems"][0]
    assert {*before["systems"]} < {*both["systems"]}
    assert both["services"] == before["services"], "the files say what the one offers, and it stays"
    directory.remove(f"{own}/SECOND")
    (after,) = (one for one in directory.content()["members"] if one["id"] == own)
    assert after["subsystems"][0]["systems"] == before["systems"]


def test_no_list_grows_longer_than_a_partner_takes(
    directory: Directory, gateway: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(configuration, "MOST", len(directory.content()["gateways"]))
    with pytest.raises(BadRegistration, match="would be longer"):
        directory.add(registration(gateway))
    monkeypatch.setattr(configuration, "MOST", configuration.MOST + 1)
    many = range(configuration.MOST + 1)
    for told in ({"systems": [f"{one:064x}" for one in many]}, {"services": [service(f"s{one}") for one in many]}):
        with pytest.raises(BadRegistration, match="would be longer"):
            directory.add(changed(gateway, lambda data, told=told: data["subsystems"][0].update(told)))
    assert directory.add(registration(gateway))[1]
