"""X-Road's access rights and client authentication, fact by fact, through two gateways."""

import ssl
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from onedoor.exchange.gateway import clients
from onedoor.exchange.gateway.faults import Fault
from onedoor.exchange.gateway.messages import Fields
from onedoor.exchange.gateway.systems import Asked
from onedoor.exchange.permissions import (
    LOCAL,
    Grant,
    Permission,
    Permissions,
    read_grants,
    read_groups,
    write_grants,
    write_groups,
)
from onedoor.exchange.tests.nation import Place
from onedoor.exchange.tests.xroad import GUARDED, HALF, OPEN, PETS, PORTAL, PROVIDER, Answer, XRoad
from onedoor.signing.certificates import Authority, Subject
from onedoor.signing.keys import new_key

DENIED = "Server.ServerProxy.AccessDenied"
UNSHOWN = "Server.ClientProxy.SslAuthenticationFailed"


def ask(xroad: XRoad, path: str, method: str = "GET", client: str = PORTAL) -> Answer:
    """Ask the guarded service, each system by its own connection type."""
    how = {PORTAL: {}, HALF: {"shown": False}, OPEN: {"tls": False}}[client]
    return xroad.ask(GUARDED + path, method, [("X-Road-Client", client)], **how)


def passes(answer: Answer) -> bool:
    assert answer.status == 200 or answer["x-road-error"] == DENIED
    return answer.status == 200


# Rights


def test_nothing_is_open_without_a_right(xroad: XRoad) -> None:
    answer = ask(xroad, "/secret")
    assert (answer.status, answer["x-road-error"]) == (500, DENIED)
    assert answer.json["message"] == f"Request is not allowed: SERVICE:{PROVIDER}/guarded"
    assert not xroad.system.seen


@pytest.mark.parametrize(
    ("method", "path", "open_"),
    [
        ("GET", "/public/a", True),
        ("GET", "/public/", True),
        ("GET", "/public/a?x=/../secret", True),
        ("POST", "/public/a", False),
        ("GET", "/public/a/b", False),
        ("GET", "/public", False),
        ("GET", "/publicly/a", False),
        ("GET", "/PUBLIC/a", False),
        ("DELETE", "/deep/a/b/c", True),
        ("GET", "/deep/", True),
        ("GET", "/deep", False),
        ("GET", "/star*", True),
        ("GET", "/star%2A", True),
        ("GET", "/stars", False),
        ("GET", "/publi%63/a", True),
        ("GET", "/%70ublic/%C3%A9%20", True),
        ("GET", "/h%E1%BB%93%20s%C6%A1", True),
        ("GET", "/public/a;v=1", True),
        ("GET", "/public/a%3B", True),
        ("GET", "/narrow/a.pdf", True),
        ("GET", "/narrow/a;v=1.pdf", False),
        ("GET", "/narrow/a%3B.pdf", False),
        ("GET", "/narrow/a;v=1.pdf;w=2", False),
        ("GET", "", False),
        ("GET", "/", False),
    ],
)
def test_an_endpoint_is_a_method_and_a_glob_over_the_path_in_its_normal_form(
    xroad: XRoad, method: str, path: str, open_: bool
) -> None:
    assert passes(ask(xroad, path, method)) is open_
    assert [one["path"] for one in xroad.system.seen] == ([f"/guarded{path}"] if open_ else [])


CLIMBING = [
    "/public/../secret",
    "/public/..",
    "/public/./a",
    "/public/%2e%2e/secret",
    "/public/%2E%2e/secret",
    "/public/.%2e/secret",
    "/public/%2e/a",
    "/public/..%2fsecret",
    "/public/%2e%2e%2fsecret",
    "/public/..%5csecret",
    "/public/..\\secret",
    "/public/a%2Fb",
    "/public/a%2fb",
    "/public%2fa",
    "/public/%252e%252e/secret",
    "/public/%25%32%65%25%32%65/secret",
    "/public/%252e%252e%252fsecret",
    "/public/%25252e%25252e",
    "/public/%c0%ae%c0%ae/secret",
    "/public/%c0%af",
    "/public/%e0%80%ae%e0%80%ae/secret",
    "/public/%EF%BC%8E%EF%BC%8E/secret",
    "/public/a%EF%BC%8Fb",
    "/public/%u002e%u002e/secret",
    "/public/..;/secret",
    "/public/..;a=b/secret",
    "/public/a;/../secret",
    "/public/..%3b/secret",
    "/public/;/secret",
    "/public//secret",
    "//public/a",
    "/public/a%00",
    "/public/a%0d%0a",
    "/public/a%",
    "/public/a%2",
    "/public/a%zz",
    "/public/a#b",
]
"""Ways to have a path mean one thing to the gateway and another to the system behind it (threat 4)."""


@pytest.mark.parametrize("path", CLIMBING)
def test_encoded_traversal_is_refused_and_never_reaches_the_system(xroad: XRoad, path: str) -> None:
    answer = ask(xroad, path)
    assert (answer.status, answer["x-road-error"]) == (400, "Client.BadRequest")
    assert not xroad.system.seen


def test_a_right_may_be_a_subsystems_a_local_groups_or_a_global_groups(xroad: XRoad) -> None:
    for client, path in ((PORTAL, "/public/a"), (OPEN, "/local/a/b"), (HALF, "/global/a"), (PORTAL, "/global/a")):
        assert passes(ask(xroad, path, client=client))
    for client, path in ((HALF, "/public/a"), (HALF, "/local/a"), (OPEN, "/global/a"), (OPEN, "/public/a")):
        assert not passes(ask(xroad, path, client=client))


def test_a_local_group_of_another_subsystem_holds_no_right(xroad: XRoad) -> None:
    assert not passes(ask(xroad, "/foreign", client=HALF))


def test_a_grant_above_the_nations_ceiling_opens_nothing(xroad: XRoad) -> None:
    assert not passes(ask(xroad, "/global/a", "POST", HALF))
    assert not passes(ask(xroad, "/above", "POST", OPEN))


def test_a_right_of_a_whole_member_is_nobodys() -> None:
    held = Permissions([Permission("VN/GOV/G22", "s", ("*",), ("* **",))])
    assert not held.covers(PORTAL, "s", "GET", "/", "")


def test_a_local_group_that_the_provider_did_not_sign_counts_for_nothing(tmp_path: Path) -> None:
    authority, key = Authority.create(tmp_path / "ca"), new_key()
    certificate = authority.issue(Subject("provider"), key.public_key(), "sign")
    path = tmp_path / "groups.jsonl"
    write_groups(path, {f"{LOCAL}a/b": [PORTAL], f"{LOCAL}a/c": [], "GLOBALGROUP:VN/all": [PORTAL]}, key)
    path.write_text(path.read_text().replace('"id": "LOCALGROUP:a/c"', '"id": "LOCALGROUP:a/d"'))
    groups, wrong = read_groups(path, [certificate])
    assert (groups, [one.partition(":")[2] for one in wrong]) == (
        {f"{LOCAL}a/b": frozenset([PORTAL])},
        ["2: BadSignature", "3: ValueError"],
    )


def test_grants_signed_before_there_were_groups_are_read_as_they_were(tmp_path: Path) -> None:
    authority, key = Authority.create(tmp_path / "ca"), new_key()
    certificate = authority.issue(Subject("provider"), key.public_key(), "sign")
    grant = Grant(Permission(PORTAL, "s", ("*",), ("* /**",)), datetime(2026, 1, 1, tzinfo=UTC), None)
    write_grants(tmp_path / "grants.jsonl", [grant], key)
    assert set((tmp_path / "grants.jsonl").read_text().split('"')) >= {"client", "service", "purposes", "endpoints"}
    assert read_grants(tmp_path / "grants.jsonl", [certificate]) == ([grant], [])


@pytest.mark.parametrize(
    ("glob", "path", "reached"),
    [
        ("**", "", True),
        ("***", "match/anything/*", True),
        ("**", "/a/b\nc", True),
        ("/*/", "/a/", True),
        ("/*/", "/a/b/", False),
        ("", "", True),
        ("", " ", False),
        (".^$+{[]|()", ".^$+{[]|()", True),
        ("**/bar/**", "a/b/c/bar/e/f", True),
        ("**/bar/**", "a/b/c/foo/e/f", False),
        (r"**\*", "/what/ever*", True),
        (r"**\*", "/what/ever!", False),
        ("simple", "prefix.simple.suffix", False),
        ("**/*/**", "//", True),
        ("**/*/**", "one/two", False),
        (r"\A", r"\A", True),
        (r"\A", "A", False),
        (r"\*", r"\*", False),
        (r"\\", "\\", True),
        ("aa\\", "aa\\", True),
    ],
)
def test_a_glob_means_what_it_means_in_x_road(glob: str, path: str, reached: bool) -> None:
    assert Permission("c", "s", ("*",), (f"GET {glob}",)).covers("GET", path, "") is reached


# Client authentication


def told(answer: Answer) -> str:
    return f"{answer['x-road-error']}: {answer.json['message']}"


def test_a_client_of_mutual_tls_shows_a_registered_certificate(xroad: XRoad) -> None:
    assert xroad.ask(PETS).status == 200
    for how in ({"shown": False}, {"tls": False}):
        why = f"{UNSHOWN}: Client (SUBSYSTEM:{PORTAL}) specifies HTTPS but did not supply TLS certificate"
        assert told(xroad.ask(PETS, **how)) == why


@pytest.mark.parametrize(("shown", "may"), [("own", True), ("alike", False), ("elsewhere", False), ("", False)])
def test_a_member_shows_a_certificate_of_its_own_systems_at_its_own_gateway(shown: str, may: bool) -> None:
    systems = {"A/B/C/S": "own", "A/B/C1/S": "alike", "A/B/C/T": "elsewhere"}
    configuration: Any = SimpleNamespace(
        subsystems={id_: SimpleNamespace(id=id_, systems={one}) for id_, one in systems.items()},
        gateways={"A/B/C/G": SimpleNamespace(clients={"A/B/C/S", "A/B/C1/S"})},
    )
    local: Any = SimpleNamespace(id="A/B/C/G", connections={})
    with nullcontext() if may else pytest.raises(Fault, match="does not match registered"):
        clients.identify_any(configuration, local, "A/B/C", Asked(b"GET", b"/", Fields([]), b"", shown, True))


def test_a_client_of_https_without_authentication_may_leave_its_certificate_out_but_not_tls(xroad: XRoad) -> None:
    for how in ({"shown": False}, {}):
        assert xroad.ask(f"{GUARDED}/global/a", headers=[("X-Road-Client", HALF)], **how).status == 200
    why = f"{UNSHOWN}: Client (SUBSYSTEM:{HALF}) specifies HTTPS NO AUTH but client made plaintext connection"
    assert told(xroad.ask(f"{GUARDED}/global/a", headers=[("X-Road-Client", HALF)], tls=False)) == why


def test_a_client_of_http_may_come_any_way(xroad: XRoad) -> None:
    for how in ({"tls": False}, {"shown": False}, {}):
        assert xroad.ask(f"{GUARDED}/local/a", headers=[("X-Road-Client", OPEN)], **how).status == 200


def test_a_subsystem_behind_another_gateway_is_not_found(xroad: XRoad) -> None:
    why = f"Server.ClientProxy.UnknownMember: Client 'SUBSYSTEM:{PROVIDER}' not found"
    assert told(xroad.ask(PETS, headers=[("X-Road-Client", PROVIDER)])) == why


def test_evidence_is_for_who_is_identified_the_same_way(xroad: XRoad) -> None:
    def handed(client: str, **how: bool) -> int:
        parts = dict(
            zip(("xRoadInstance", "memberClass", "memberCode", "subsystemCode"), client.split("/"), strict=True)
        )
        query = "&".join(f"{name}={value}" for name, value in parts.items())
        return xroad.ask(f"/asic?queryId=none&{query}", headers=[], **how).status

    assert [handed(PORTAL), handed(PORTAL, shown=False), handed(PORTAL, tls=False)] == [404, 401, 401]
    assert [handed(HALF, shown=False), handed(HALF, tls=False), handed(OPEN, tls=False)] == [404, 401, 404]


def test_without_such_clients_a_gateway_takes_no_connection_without_a_certificate(xroad: XRoad) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        xroad.ask(PETS, member="G01", shown=False)


def test_how_systems_connect_survives_another_provision(tmp_path: Path) -> None:
    import json

    from onedoor.exchange.gateway import local

    place = Place(tmp_path, 19000)
    path = place.seats["G22"].gateway_state / local.FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | {"connections": {PORTAL: local.HTTPS}}))
    Place(tmp_path, 19000)
    assert local.read(path.parent).connections == {PORTAL: local.HTTPS}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"connections": {PORTAL: "carrier pigeon"}}))
    with pytest.raises(local.BadGatewayFile, match="not by carrier pigeon"):
        local.read(path.parent)
