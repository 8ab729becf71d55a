"""Who may not is refused, what is false is shown as false, and both are recorded."""

import json
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit
from uuid import uuid4

import psycopg
import pytest
import requests

from onedoor.exchange.connections import Connections, Request, Response
from onedoor.exchange.gateway import messages, reading
from onedoor.registers.people import files
from onedoor.site.story.browser import Browser
from tests.nation.running import Running, data_of

pytestmark = [pytest.mark.nation, pytest.mark.timeout(400)]
Told = dict[str, Any]
POPULATION = "VN/GOV/G01/POPULATION"
LOOKUP = f"/r1/{POPULATION}/population/lookup"
WHY = {
    "X-Road-Client": "VN/GOV/G22/PORTAL",
    "X-Road-UserId": "account-of-a-test",
    "X-Road-Issue": "2611-7K4M-Q8",
    "Onedoor-Purpose": "birth-form",
    "Onedoor-Basis": "nd63-2024.4.5",
    "Content-Type": "application/json",
}
MEMBERS = ("G22", "G01", "G15", "G18", "G24")
DATABASES = ("portal", "node_g01", "node_g15", "node_g18", "node_g24")
SYSTEMS, GATEWAYS, EXCHANGE = 100, 200, 300
CRAWLED = 60


def attempts(nation: Running, database: str, kind: str, what: str = "") -> list[tuple[Any, ...]]:
    """Return who was refused: what they tried and the position of its entry in the ledger."""
    query = (
        "SELECT a.by, e.kind FROM cases_attempt a JOIN store_ledger_entry e ON e.id::text = a.entry"
        " WHERE a.kind = %s AND a.what LIKE %s"
    )
    return nation.rows(database, query, kind, f"%{what}%")


# another person's case


def test_the_father_named_in_the_case_sees_it(nation: Running, told: Told) -> None:
    father = nation.signed_in("father")
    assert told["case"] in father.get(nation.places.page("cases/")).text()
    assert father.get(nation.places.page(f"cases/{told['case']}")).status == 200


def test_a_grandmother_finds_nothing_of_the_case_and_that_is_recorded(nation: Running, told: Told) -> None:
    grandmother, code = nation.signed_in("grandmother"), told["case"]
    assert code not in grandmother.get(nation.places.page("cases/")).text()
    pages = [f"cases/{code}{part}" for part in ("", "/receipt", "/reads", "/results/birth_certificate", "/withdraw")]
    addresses = [*map(nation.places.page, pages), *_api(nation, code)]
    before = len(attempts(nation, "portal", "dossier-of-another", code))
    for address in addresses:
        page = grandmother.get(address)
        assert page.status in (403, 404), address
        assert b"%PDF" not in page.content
    found = attempts(nation, "portal", "dossier-of-another", code)
    assert len(found) - before >= len(addresses)
    assert all(by and kind == "cases.attempt" for by, kind in found)


def test_nobody_gets_at_the_case_without_signing_in(nation: Running, told: Told) -> None:
    anybody = Browser("vi")
    assert "/sign-in" in anybody.get(nation.places.page(f"cases/{told['case']}")).address
    for address in _api(nation, told["case"]):
        assert anybody.get(address).status == 401
        assert requests.get(address, headers={"Accept": "application/json"}, timeout=30).status_code == 401


def _api(nation: Running, code: str) -> list[str]:
    return [f"{nation.places.portal}/api/cases/{code}", f"{nation.places.portal}/api/cases/{code}/reads"]


def test_no_page_of_a_node_has_a_dead_link(nation: Running, told: Told) -> None:
    for agency, persona in (("commune-00199", "civil-status"), ("police-00199", "residence")):
        root = nation.places.desk(agency, "").removesuffix("vi/")
        for browser in (Browser("vi"), nation.signed_in(persona, agency)):
            seen: set[str] = set()
            todo = {f"{root}{language}/" for language in ("vi", "en", "fr")}
            while todo and len(seen) < CRAWLED:
                address = todo.pop()
                seen.add(address)
                page = browser.get(address)
                assert page.status == 200, address
                links = page.tree.xpath("//a/@href|//link/@href") if page.media == "text/html" else ()
                found = {urljoin(page.address, link).partition("#")[0] for link in links}
                todo |= {one for one in found if one.startswith(root)} - seen
            assert len(seen) > 5


# an officer of another agency


@pytest.fixture(scope="module")
def task(nation: Running, told: Told) -> str:
    """Give the id of the commune's task of the story."""
    query = "SELECT id FROM cases_task WHERE \"case\" = %s AND step = 'birth'"
    return str(nation.rows("node_g15", query, told["case"])[0][0])


def test_an_officer_of_another_agency_neither_sees_nor_decides_a_task(nation: Running, told: Told, task: str) -> None:
    other = nation.signed_in("civil-status-elsewhere", "commune-26740")
    desk = nation.places.desk("commune-26740", "desk/")
    assert told["case"] not in other.get(f"{desk}?tab=done").text()
    seen = other.get(f"{desk}{task}")
    assert seen.status in (403, 404)
    form = other.get(nation.places.desk("commune-26740", "sign-in")).form("persona")
    token = dict(form.element.form_values())["csrfmiddlewaretoken"]
    for door in ("decide", "take"):
        sent = other.session.post(
            f"{desk}{task}/{door}",
            data={"csrfmiddlewaretoken": token, "decision": "accept", "confirm": "1"},
            timeout=30,
        )
        assert sent.status_code in (403, 404), door
    found = attempts(nation, "node_g15", "task-of-another", told["case"])
    assert len(found) >= 3
    assert {by for by, _ in found} == {"commune-26740.civil-status"}


def test_the_officer_in_charge_does_see_it(nation: Running, told: Told, task: str) -> None:
    own = nation.signed_in("civil-status", "commune-00199")
    assert told["case"] in own.get(nation.places.desk("commune-00199", f"desk/{task}")).text()


def test_a_session_of_one_node_counts_for_nothing_at_another(nation: Running, task: str) -> None:
    police = nation.signed_in("residence", "police-00199")
    page = police.get(nation.places.desk("commune-00199", f"desk/{task}"))
    assert "/sign-in" in page.address or page.status in (401, 403)


def test_a_person_has_no_desk_and_a_midwife_registers_no_birth(nation: Running) -> None:
    assert nation.signed_in("mother").get(nation.places.page("desk/")).status in (403, 404)
    officer = nation.signed_in("civil-status", "commune-00199")
    assert officer.get(nation.places.desk("commune-00199", "desk/birth-notice")).status == 403


# what was not granted


@pytest.fixture
def portal(nation: Running) -> Iterator[Connections]:
    """Give the portal's own way to its gateway."""
    state = nation.var / "portal"
    url = f"https://127.0.0.1:{nation.base + SYSTEMS}"
    with closing(Connections(url, state / "tls.pem", state / "tls.key", state / "tls-trust.pem")) as connections:
        yield connections


def ask(portal: Connections, target: str = LOOKUP, **changed: str) -> tuple[Response, str]:
    """Ask a register of the mother, in the portal's name; return the answer and the id of the message."""
    body = json.dumps({"by": {"number": "001196204817"}}).encode()
    headers = WHY | {"X-Road-Id": str(uuid4())} | {name.replace("_", "-"): value for name, value in changed.items()}
    found = portal.exchange([Request("POST", target, headers, body)], 15)[0]
    if isinstance(found, Exception):
        raise found
    return found, headers["X-Road-Id"]


def test_what_is_granted_is_answered_so_the_refusals_below_mean_something(portal: Connections) -> None:
    answer, _ = ask(portal)
    assert answer.status == 200
    assert json.loads(answer.body)["records"]


@pytest.mark.parametrize(
    ("target", "changed"),
    [
        (LOOKUP, {"Onedoor_Purpose": "curiosity"}),
        (LOOKUP, {"Onedoor_Purpose": "birth-registration"}),
        (f"/r1/{POPULATION}/population/records", {}),
        ("/r1/VN/GOV/G15/CIVIL-STATUS/births/records", {"Idempotency_Key": "k"}),
        ("/r1/VN/GOV/G24/INSURANCE/insurance/records", {"Onedoor_Purpose": "health-insurance-card"}),
    ],
)
def test_a_gateway_refuses_what_was_not_granted_and_both_logs_hold_it(
    nation: Running, portal: Connections, target: str, changed: dict[str, str]
) -> None:
    answer, message = ask(portal, target, **changed)
    assert answer.headers["x-road-error"] == "Server.ServerProxy.AccessDenied"
    assert b"records" not in answer.body
    for member in ("G22", target.split("/")[4]):
        assert _logged(nation, member, message) >= 2, member


@pytest.mark.parametrize(
    ("target", "changed", "register"),
    [
        (LOOKUP, {"Onedoor_Basis": "l60-2014.13"}, "population"),
        (LOOKUP, {"Onedoor_Basis": ""}, "population"),
    ],
)
def test_the_gate_of_the_register_refuses_what_the_gateway_cannot_judge_and_records_it(
    nation: Running, portal: Connections, target: str, changed: dict[str, str], register: str
) -> None:
    query = "privacy_readrecord WHERE refused <> '' AND register = %s AND client = 'VN/GOV/G22/PORTAL'"
    before = nation.count("node_g01", query, register)
    answer, _ = ask(portal, target, **changed)
    assert answer.status in (400, 403)
    assert b"records" not in answer.body
    assert nation.count("node_g01", query, register) == before + 1


def test_reads_of_a_case_are_told_only_for_the_case_that_was_signed_for(nation: Running, portal: Connections) -> None:
    headers = WHY | {"Onedoor-Purpose": "own-case", "X-Road-Id": str(uuid4())}
    headers["Onedoor-Basis"] = _basis(nation, "own-case")
    body = json.dumps({"case": "2611-0000-00"}).encode()
    found = portal.exchange([Request("POST", f"/r1/{POPULATION}/reads/of-case", headers, body)], 15)[0]
    assert isinstance(found, Response)
    assert found.status in (400, 403)


def _basis(nation: Running, purpose: str) -> str:
    rights = {one.data["purpose"]: one.data for one in nation.places.nation.documents("right")}
    return next(iter(rights[purpose]["basis"]))


def _logged(nation: Running, member: str, message: str) -> int:
    """Return how many records of a gateway's log hold a message of this id."""
    folder = nation.var / f"gateway-{member}"
    key, found = (folder / "log.key").read_bytes(), 0
    for one in reading.messages(folder / "log", key):
        if one.kind in (reading.SENT_REQUESTS, reading.RECEIVED_REQUESTS):
            found += messages.read_request(one.message.head).first(b"x-road-id") == message
        else:
            found += f"X-Road-Id:{message}\r\n".encode() in one.message.head
    return found


# forged and altered results


def test_a_forged_code_leads_to_nothing_and_is_recorded(nation: Running, told: Told) -> None:
    for member, database in ((2, "node_g15"), (1, "node_g01"), (4, "node_g24")):
        forged = str(uuid4())
        page = Browser("vi").get(f"http://localhost:{nation.base + member}/vi/verify/{forged}")
        assert page.status == 404
        assert attempts(nation, database, "unknown-result", forged)
    page = Browser("vi").get(f"http://localhost:{nation.base + 2}/vi/verify/not-an-id")
    assert page.status == 404


def test_a_code_of_one_agency_is_not_good_at_another(nation: Running, told: Told) -> None:
    verify = _result(nation, told, "birth_certificate")["verify_url"]
    elsewhere = verify.replace(f":{nation.base + 2}/", f":{nation.base + 1}/")
    assert elsewhere != verify
    assert Browser("vi").get(elsewhere).status == 404


@pytest.mark.parametrize("kind", ["birth_certificate", "residence_notice", "insurance_card"])
@pytest.mark.parametrize("place", [0.02, 0.5, 0.97])
def test_one_changed_byte_is_shown_as_false_and_recorded(nation: Running, told: Told, kind: str, place: float) -> None:
    result = _result(nation, told, kind)
    content = bytearray(Path(next(one["file"] for one in told["results"] if one["kind"] == kind)).read_bytes())
    content[int(len(content) * place)] ^= 1
    database, number = nation.database_of(result["agency"]), result["verify_url"].rpartition("/")[2]
    before = len(attempts(nation, database, "file-differs", number))
    anybody = Browser("vi")
    form = anybody.get(result["verify_url"]).form("file")
    page = anybody.submit(form, files={"file": ("result.pdf", bytes(content))})
    assert page.tree.xpath("//*[@data-verdict]/@data-verdict") == ["differs"]
    assert len(attempts(nation, database, "file-differs", number)) > before


def test_a_file_that_is_no_result_is_not_ours(nation: Running, told: Told) -> None:
    anybody = Browser("vi")
    form = anybody.get(_result(nation, told, "insurance_card")["verify_url"]).form("file")
    page = anybody.submit(form, files={"file": ("x.pdf", b"%PDF-1.7 nothing")})
    assert page.tree.xpath("//*[@data-verdict]/@data-verdict") == ["differs"]


def test_the_public_page_names_nobody(nation: Running, told: Told) -> None:
    for one in told["results"]:
        page = Browser("vi").get(_result(nation, told, one["kind"])["verify_url"])
        assert page.status == 200
        text = page.content.decode()
        assert not [secret for secret in nation.secrets_of_people() if secret in text]
        no_digest = re.sub(r"[0-9a-f]{64}", "", page.text())  # which may hold any digits
        assert not re.search(r"(?<!\d)\d{12}(?!\d)", no_digest)


def _result(nation: Running, told: Told, kind: str) -> Mapping[str, Any]:
    page = nation.signed_in("mother").get(_api(nation, told["case"])[0])
    return next(dict(one) for one in json.loads(page.content)["results"] if one["kind"] == kind)


# databases


@pytest.mark.parametrize("role", DATABASES)
def test_a_database_role_gets_into_its_own_database_and_no_other(nation: Running, role: str) -> None:
    nation.connect_as(role, role)
    for database in {*DATABASES, "postgres", "template1"} - {role}:
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            nation.connect_as(role, database)


def test_a_database_role_without_its_password_gets_in_nowhere(nation: Running) -> None:
    for password in ("", "node_g01", nation.server.password("node_g15")):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(host=str(nation.server.socket), user="node_g01", password=password, dbname="node_g01")


# past the gateway


def test_a_node_listens_to_its_own_gateway_alone(nation: Running) -> None:
    for place, member in enumerate(MEMBERS):
        port = nation.base + EXCHANGE + place
        assert _tls(port, None) is None
        for other in MEMBERS:
            system = nation.var / _system(other)
            assert _tls(port, (system / "tls.pem", system / "tls.key")) is None, f"{other} at {member}"
            gateway = nation.var / f"gateway-{other}"
            answer = _tls(port, (gateway / "inner.pem", gateway / "inner.key"))
            assert (answer is not None) == (other == member), f"the gateway of {other} at {member}"
            assert _tls(port, (gateway / "outer.pem", gateway / "outer.key")) is None


def test_a_gateway_lets_in_no_system_without_its_certificate(nation: Running) -> None:
    for place, member in enumerate(MEMBERS):
        for offset in (SYSTEMS, GATEWAYS):
            assert _tls(nation.base + offset + place, None) is None
        other = nation.var / _system(MEMBERS[place - 1])
        assert _tls(nation.base + SYSTEMS + place, (other / "tls.pem", other / "tls.key")) is None
        system = nation.var / _system(member)
        assert _tls(nation.base + GATEWAYS + place, (system / "tls.pem", system / "tls.key")) is None


@pytest.mark.parametrize("door", [0, 1, 2, 3, 4])
def test_forged_headers_open_no_exchange_address_at_a_listener_for_browsers(nation: Running, door: int) -> None:
    forged = WHY | {
        "X-Road-Id": str(uuid4()), "X-Road-Service": f"{POPULATION}/population", "Onedoor-Person": "001196204817",
        "Onedoor-Gateway": "True", "onedoor.gateway": "True", "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Proto": "https", "Idempotency-Key": "forged",
    }  # fmt: skip
    body = json.dumps({"by": {"number": "001196204817"}}).encode()
    for path in (
        "population/lookup",
        "births/lookup",
        "births/records",
        "cases/hand-over",
        "cases/outcome",
        "reads/of-case",
    ):
        connection = HTTPConnection("127.0.0.1", nation.base + door, timeout=15)
        with closing(connection):
            connection.request("POST", f"/exchange/{path}", body=body, headers=forged)
            answer = connection.getresponse()
            text = answer.read()
        assert answer.status in (400, 403, 404), f"{path}: {answer.status}"
        assert b"Tr\xe1\xba\xa7n" not in text


def test_the_exchange_addresses_exist_and_are_refused_not_missing(nation: Running) -> None:
    with closing(HTTPConnection("127.0.0.1", nation.base + 1, timeout=15)) as connection:
        connection.request("POST", "/exchange/population/lookup", body=b"{}", headers=WHY)
        assert connection.getresponse().status == 403


def test_forged_headers_make_nobody_an_officer_or_a_person(nation: Running, told: Told) -> None:
    forged = {"Onedoor-Person": "001196204817", "Onedoor-Post": "commune-00199.civil-status", "X-Road-UserId": "x",
              "Remote-User": "civil-status", "X-Forwarded-User": "mother"}  # fmt: skip
    for address in (nation.places.desk("commune-00199", "desk/"), _api(nation, told["case"])[0]):
        parts = urlsplit(address)
        with closing(HTTPConnection("127.0.0.1", parts.port or 0, timeout=15)) as connection:
            connection.request("GET", parts.path, headers=forged)
            assert connection.getresponse().status in (302, 401, 403)


def _system(member: str) -> str:
    return "portal" if member == "G22" else f"node-{member}"


def _tls(port: int, shown: tuple[Path, Path] | None) -> bytes | None:
    """Return what an HTTP request over TLS is answered, None when the connection is refused."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if shown:
        context.load_cert_chain(*shown)
    request = b"POST /exchange/population/lookup HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
    try:
        with (
            closing(socket.create_connection(("127.0.0.1", port), 10)) as plain,
            closing(context.wrap_socket(plain)) as wrapped,
        ):
            wrapped.settimeout(10)
            wrapped.sendall(request)
            return wrapped.recv(4096) or None
    except (ssl.SSLError, ConnectionError):
        return None


# logs


def test_no_log_and_no_database_file_holds_a_name_a_number_or_a_way_to_anybody(
    nation: Running, told: Told, tmp_path: Path
) -> None:
    child = _child(told, tmp_path)
    wanted = [*nation.secrets_of_people(), *child, *_ways_to(nation)]
    assert len(wanted) == 11
    assert not nation.holding(*wanted)


def _ways_to(nation: Running) -> Iterator[str]:
    """Yield the address of the demonstration's persons, and the phone number and mail address of the mother."""
    (demonstration,) = nation.places.nation.documents("demonstration")
    yield demonstration.data["household"]["address"]
    (loaded,) = (nation.var / "people").iterdir()
    mother = next(one for one in files.read(loaded, "population") if one["number"] == "001196204817")
    yield from (mother["phone"], mother["email"])


def _child(told: Told, folder: Path) -> tuple[str, str]:
    """Return the child's name and new personal number: the data inside the birth certificate."""
    file = next(one["file"] for one in told["results"] if one["kind"] == "birth_certificate")
    child = data_of(Path(file), folder / "data")["child"]
    assert re.fullmatch(r"\d{12}", child["number"])
    return child["full_name"], child["number"]
