"""Who read my data: a person's list over all agencies, its pages, filters, exports and proofs."""

import csv
import io
import json
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import lxml.html
import pytest
from django.db import connection
from django.test import Client
from django.utils import translation

from onedoor.exchange import service as exchange
from onedoor.exchange.connections import Response
from onedoor.exchange.service import VIA_GATEWAY, Answer, Call, Refused, ServiceUnavailable
from onedoor.identity import service as identity
from onedoor.kernel import clock, nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.ledger import ProofFile, tiles_of
from onedoor.kernel.ledger.disclosures import Shown
from onedoor.kernel.ledger.tiles import HEIGHT
from onedoor.privacy import asking, own, own_api, pages, rights
from onedoor.privacy.models import ReadRecord
from onedoor.privacy.service import NotPermitted, Reader, permit
from onedoor.privacy.tests.one_process import of_one_each, tell_nothing_here
from onedoor.store import keys, ledger, proving

pytestmark = pytest.mark.django_db
PORTAL, REGISTRAR = "VN/GOV/G22/PORTAL", "VN/GOV/G15/CIVIL-STATUS"
MOTHER, FATHER = "001196204817", "036094117302"
CASE = "2611-7K4M-QK"
OFFICER = Reader(REGISTRAR, "commune-00199.civil-status", "birth-registration", "l60-2014.13", CASE)
MARRIED = {MOTHER: ["number", "wife"], FATHER: ["number", "husband"]}
SYSTEMS = 4
CHECK_US = Path(__file__).parents[4] / "docs" / "how-to" / "how-you-can-check-us.md"


class Transport:
    """Carries questions to the addresses below ``/exchange/`` of this process; some systems are silent."""

    def __init__(self) -> None:
        self.silent: set[str] = set()
        self.client = PORTAL

    def ask_each(self, calls: Any, *, timeout: float = 10.0) -> Iterator[Any]:
        yield from of_one_each([self.carry(call) for call in calls])

    def carry(self, call: Call) -> Answer | OnedoorError:
        system, _, code = call.service.rpartition("/")
        if system in self.silent:
            return ServiceUnavailable(who=system)
        headers = {
            VIA_GATEWAY: True,
            "HTTP_X_ROAD_CLIENT": self.client,
            "HTTP_X_ROAD_USERID": call.user,
            "HTTP_X_ROAD_ISSUE": call.reason.case,
            "HTTP_ONEDOOR_PURPOSE": call.reason.purpose,
            "HTTP_ONEDOOR_BASIS": call.reason.basis,
            "HTTP_IDEMPOTENCY_KEY": call.key,
        }
        with translation.override(translation.get_language()):
            response = Client().post(
                f"/exchange/{code}/{call.path}", json.dumps(call.body), "application/json", **headers
            )
        if response.status_code == 403:
            return Refused(who=system)
        headers = {"content-type": response["Content-Type"], "x-road-id": "m"}
        return exchange._answer(call, Response(response.status_code, headers, response.content))


@pytest.fixture(autouse=True)
def transport(monkeypatch: pytest.MonkeyPatch) -> Transport:
    found = Transport()
    monkeypatch.setattr(exchange, "ask_each", found.ask_each)
    tell_nothing_here(monkeypatch)
    return found


def person(persona: str = "mother", language: str = "en") -> Client:
    client = Client()
    client.post(f"/{language}/sign-in", {"persona": persona})
    return client


def page(client: Client, query: str = "", language: str = "en") -> lxml.html.HtmlElement:
    response = client.get(f"/{language}/reads{query}")
    assert response.status_code == 200, response.content
    tree = lxml.html.document_fromstring(response.content.decode())
    assert len(tree.xpath("//h1")) == 1
    ids = tree.xpath("//@id")
    assert len(ids) == len(set(ids))
    return tree


def text(tree: lxml.html.HtmlElement) -> str:
    return " ".join(tree.xpath("//main")[0].text_content().split())


def items(tree: lxml.html.HtmlElement) -> list[str]:
    return [" ".join(one.text_content().split()) for one in tree.xpath("//ol[starts-with(@class, 'reads')]/li")]


def read(persons: Any = (MOTHER,), reader: Reader = OFFICER, register: str = "births") -> str:
    return permit(reader, register=register, persons=persons).record


def test_each_read_says_who_why_on_which_article_which_data_and_when() -> None:
    with clock.freeze(datetime(2026, 12, 8, 17, tzinfo=nation.current().zone)):
        read()
    (said,) = items(page(person()))
    for words in (
        "People’s Committee of Lang Ward · Civil-status officer",
        "8 December 2026, 5 pm",
        "Registering the birth",
        "(60/2014/QH13 13)",
        "Register of births – Birth registration number; Child’s personal identification number",
        "a case that is not yours",
    ):
        assert words in said
    assert CASE not in said


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("vi", ("Ai đã xem dữ liệu của tôi", "17:00 thứ Ba 08/12/2026", "Đăng ký khai sinh")),
        ("fr", ("Qui a consulté mes données", "8 décembre 2026, 17 h", "Enregistrer la naissance")),
    ],
)
def test_the_page_speaks_each_language(language: str, words: tuple[str, ...]) -> None:
    with clock.freeze(datetime(2026, 12, 8, 17, tzinfo=nation.current().zone)):
        read()
    said = text(page(person(language=language), language=language)).replace("\xa0", " ")
    assert not [one for one in words if one not in said]


def test_each_of_several_persons_sees_their_own_fields_alone() -> None:
    read(MARRIED, register="marriages")
    (mother,), (father,) = (items(page(person(one))) for one in ("mother", "father"))
    assert "Wife" in mother
    assert "Husband" not in mother
    assert "Husband" in father
    assert "Wife" not in father


def test_of_whom_nothing_was_read_sees_nothing() -> None:
    read({MOTHER: ["mother"], FATHER: []})
    assert len(items(page(person("mother")))) == 1
    assert not items(page(person("father")))


def test_a_strangers_reads_are_not_shown() -> None:
    read([FATHER])
    assert "Nobody has read anything yet" in text(page(person("mother")))


def test_the_looks_of_the_person_are_recorded_and_shown_when_asked_for() -> None:
    mother = person()
    page(mother)
    assert not items(page(mother))
    looks = items(page(mother, "?looks=yes"))
    assert len(looks) == 2 * SYSTEMS + 2, "ten a page"
    assert all("in your place" in one and "Seeing who read one’s own data" in one for one in looks)


def test_a_look_by_anybody_else_is_shown_without_asking() -> None:
    other = Reader(PORTAL, "another-account", "own-reads", "l91-2025")
    body = json.dumps({"person": MOTHER})
    headers = {VIA_GATEWAY: True, "HTTP_X_ROAD_CLIENT": other.client, "HTTP_X_ROAD_USERID": other.user}
    said = {"HTTP_ONEDOOR_PURPOSE": other.purpose, "HTTP_ONEDOOR_BASIS": other.basis}
    assert (
        Client().post("/exchange/own-reads/of-person", body, "application/json", **headers, **said).status_code == 200
    )
    (shown,) = items(page(person()))
    assert "in your place" not in shown


@pytest.mark.parametrize("client", ["VN/GOV/G15/CIVIL-STATUS", "VN/GOV/G01/POPULATION"])
def test_no_system_but_the_portal_may_ask_and_the_try_is_recorded(client: str) -> None:
    headers = {VIA_GATEWAY: True, "HTTP_X_ROAD_CLIENT": client, "HTTP_X_ROAD_USERID": "commune-00199.civil-status"}
    said = {"HTTP_ONEDOOR_PURPOSE": "own-reads", "HTTP_ONEDOOR_BASIS": "l91-2025"}
    body = json.dumps({"person": MOTHER})
    answer = Client().post("/exchange/own-reads/of-person", body, "application/json", **headers, **said)
    assert answer.status_code == 403
    assert ReadRecord.objects.get().refused == "not-granted"


def test_pages_follow_one_another_without_a_gap_or_a_double() -> None:
    records = [read() for _ in range(27)]
    mother, query, shown = person(), "", []
    for _ in range(3):
        tree = page(mother, query)
        shown += [one.split("/")[-1] for one in tree.xpath("//ol/li//a[contains(@href, '/reads/')]/@href")]
        older = tree.xpath("//a[@rel='next']/@href")
        query = older[0] if older else ""
    assert shown == records[::-1]
    assert not query


FILL = """
WITH made AS (
    INSERT INTO privacy_readrecord (id, moment, client, "user", purpose, basis, "case", register, operation, fields,
        refused, salt, entry, form)
    SELECT uuidv7(), now(), '', %s, '', '', '', %s, 'read', '{}', '', '', uuidv7(), 2 FROM generate_series(1, %s)
    RETURNING id
)
INSERT INTO privacy_readperson (person, looked_by, record_id, sealed) SELECT %s, %s, id, '' FROM made
"""


def test_the_newest_reads_are_found_by_the_person_alone_and_not_by_walking_their_own_looks() -> None:
    mark, account = keys.blind(own.BLIND, MOTHER), "account-1"
    with connection.cursor() as cursor:
        for user, register, count, person, looked_by in (
            ("x.y", "births", 2000, mark, ""),
            (account, own.SERVICE, 2000, mark, account),
            ("x.y", "births", 30_000, b"x" * 32, ""),
        ):
            cursor.execute(FILL, [user, register, count, person, looked_by])
        cursor.execute("ANALYZE privacy_readperson, privacy_readrecord")
        asked = own._Asked(MOTHER, account, own.LAST, (), (), 10)
        for part, found in {**dict.fromkeys(own.OTHERS, 0), own.OTHERS[0]: 10, own.OWN_LOOKS: 10}.items():
            statement, values = own._newest_of_each((part,), asked)
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values)
            told = json.dumps(cursor.fetchone()[0])
            walked = [float(one) for one in re.findall(r'"Actual Rows": ([0-9.]+)', told)]
            assert max(walked) <= (found or 100), f"what was there before may still be in the index: {told}"
    mine = own.reads_of_person(MOTHER, own.Wanted(most=15, looks=True), account)
    assert [one.register for one in mine] == [own.SERVICE] * 15
    assert {one.register for one in own.reads_of_person(MOTHER, own.Wanted(most=15), account)} == {"births"}
    stranger = own.reads_of_person(MOTHER, own.Wanted(most=15), "account-2")
    assert [one.register for one in stranger] == [own.SERVICE] * 15, "who else looked is shown"


def test_the_list_is_narrowed_by_agency_purpose_period_and_case() -> None:
    with clock.freeze(datetime(2026, 1, 5, 9, tzinfo=nation.current().zone)):
        read()
    with clock.freeze(datetime(2026, 2, 6, 23, 59, tzinfo=nation.current().zone)):
        read(reader=Reader(PORTAL, "account-1", "birth-form", "nd63-2024.4.5", "2611-7K4M-Q8"), register="population")
    mother = person()
    for query, words in {
        "agency=commune-00199": "Lang Ward",
        "agency=G22": "Government Office",
        "agency=G15": "",
        "purpose=birth-form": "Government Office",
        "since=06/02/2026&until=06/02/2026": "Government Office",
        "until=2026-02-05": "Lang Ward",
        f"case={CASE.lower()}": "",
    }.items():
        found = items(page(mother, f"?{query}"))
        assert len(found) == (1 if words else 0), query
        assert not words or words in found[0]


@pytest.mark.parametrize("query", ["since=31/02/2026", "until=soon", "case=x", "since=2026-02-02&until=2026-02-01"])
def test_what_cannot_be_asked_is_said_at_its_field(query: str) -> None:
    response = person().get(f"/en/reads?{query}")
    tree = lxml.html.document_fromstring(response.content.decode())
    assert response.status_code == 422
    assert tree.xpath("//input[@aria-invalid='true']")
    assert tree.xpath("//div[@class='errors']//a/@href")
    assert not ReadRecord.objects.exists()


def test_two_wrong_days_are_told_apart_in_the_list_of_what_is_wrong() -> None:
    tree = lxml.html.document_fromstring(person().get("/en/reads?since=soon&until=late").content.decode())
    told = [" ".join(one.text_content().split()) for one in tree.xpath("//div[@class='errors']//a")]
    assert told == ["Enter the first day as in 31/12/2026.", "Enter the last day as in 31/12/2026."]


@pytest.mark.parametrize("name", ["agency", "purpose"])
def test_a_zero_among_the_signs_of_a_filter_counts_for_nothing(name: str) -> None:
    read()
    assert len(items(page(person(), f"?{name}=%00"))) == 1
    whole = {"person": MOTHER, name: "a\0b"}
    assert not own_api._question.is_valid(whole)
    assert own_api._question.is_valid(whole | {name: "ab"})


def test_an_agency_that_does_not_answer_is_named(transport: Transport) -> None:
    transport.silent = {REGISTRAR}
    said = text(page(person()))
    assert "Some agencies do not answer" in said
    assert "Ministry of Justice" in said


def test_the_list_can_be_taken_along_as_a_table_and_as_json() -> None:
    read()
    with pytest.raises(NotPermitted):
        read(reader=Reader(PORTAL, "=HYPERLINK(1)", "=1+1", "x", CASE))
    mother = person()
    table = mother.get("/en/reads.csv").content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(table)))
    assert len(rows) == 3
    assert rows[0][:2] == ["When", "Agency"]
    assert not [cell for row in rows for cell in row if cell.startswith("=")]
    told = json.loads(mother.get("/en/reads.json").content)
    assert [one["refused"] for one in told["reads"]] == [True, False]
    assert told["reads"][1]["law"] == "60/2014/QH13 13"
    assert CASE not in table
    assert mother.get("/en/reads.exe").status_code == 404


def test_a_file_holds_many_pages_and_says_where_it_ends_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST", 3)
    monkeypatch.setattr(pages, "ROUNDS", 2)
    records = [read() for _ in range(5)][::-1]
    mother = person()
    *rows, last = csv.reader(io.StringIO(mother.get("/en/reads.csv").content.decode("utf-8-sig")))
    assert [row[-1] for row in rows[1:]] == records[:4]
    assert last[3].startswith("older reads are not in this file")
    assert json.loads(mother.get("/en/reads.json").content)["continues_before"] == records[3]
    monkeypatch.setattr(pages, "ROUNDS", 3)
    assert "older reads" not in mother.get("/en/reads.csv").content.decode()


def test_one_read_is_told_with_the_source_of_its_article() -> None:
    address = f"/en/reads/VN.GOV.G15.CIVIL-STATUS/{read()}"
    said = text(lxml.html.document_fromstring(person().get(address).content.decode()))
    assert "Source: codified text read in a public copy" in said
    assert "Civil-status officer" in said


@pytest.fixture
def publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what puts the ledger in order and publishes it, as the worker does each second."""
    monkeypatch.setattr(proving, "folder_in", lambda _state: tmp_path / "published")

    def publish() -> None:
        ledger.integrate()
        for tile in tiles_of(ledger.size_and_root()[0]):
            path = tmp_path / "published" / tile.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"".join(ledger.hashes(tile.level * HEIGHT, tile.start, tile.width)))
        (tmp_path / "published" / proving.CHECKPOINT).write_text(ledger.checkpoint())

    return publish


def test_a_proof_holds_without_us_and_tells_its_person_what_is_theirs(publish: Callable[[], None]) -> None:
    address = f"/en/reads/VN.GOV.G15.CIVIL-STATUS/{read(MARRIED, register='marriages')}"
    mother = person()
    waiting = mother.get(f"{address}/proof")
    assert waiting.status_code == 503
    assert "about a second" in waiting.content.decode()
    publish()
    proof, details = (mother.get(f"{address}/{part}") for part in ("proof", "details"))
    assert proof["Content-Disposition"].endswith('.tlog-proof"')
    leaf, _checkpoint = ProofFile.parse(proof.content.decode()).verify(ledger.verifier())
    shown = Shown.parse(details.content)
    assert leaf.commitment == sha256(shown.entered).digest()
    claims = dict(shown.claims)
    assert claims["person"]["fields"] == ["number", "wife"]
    assert claims["user"] == OFFICER.user
    assert "case" not in claims
    assert mother.get(f"{address}/key").content.decode().strip() == str(ledger.verifier())


def test_the_program_that_the_page_for_people_shows_verifies_what_is_downloaded(
    tmp_path: Path, publish: Callable[[], None]
) -> None:
    record = read(MARRIED, register="marriages")
    publish()
    for part in ("proof", "key", "details"):
        answer = person().get(f"/en/reads/VN.GOV.G15.CIVIL-STATUS/{record}/{part}")
        (tmp_path / part).write_bytes(answer.content)
    program = re.search(r"```python\n(.*?)```", CHECK_US.read_text(), re.DOTALL)[1]
    assert "onedoor" not in program
    (tmp_path / "check.py").write_text(program)
    command = [sys.executable, "-I", "check.py", "proof", "key", "details"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert f"record: {record}" in done.stdout
    rotating, another = (tmp_path / "proof").read_text(), f"— {ledger.origin()} {b64encode(bytes(68)).decode()}\n"
    (tmp_path / "proof").write_text(rotating.replace("\n\n— ", f"\n\n{another}— "))  # two keys sign at a rotation
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout == done.stdout
    (tmp_path / "details").write_text((tmp_path / "details").read_text()[:-3] + "AA\n")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode


@pytest.mark.parametrize("part", ["", "/proof", "/details"])
def test_anothers_read_is_refused_and_recorded(part: str, publish: Callable[[], None]) -> None:
    record = read([FATHER])
    publish()
    before = ReadRecord.objects.filter(refused="not-yours").count()
    answer = person("mother").get(f"/en/reads/VN.GOV.G15.CIVIL-STATUS/{record}{part}")
    assert answer.status_code == 403
    assert "This read is not about you, or it is not shown yet." in answer.content.decode()
    refused = ReadRecord.objects.filter(refused="not-yours")
    assert refused.count() == before + 1
    assert refused.latest("id").user == identity.account_of(MOTHER)


@pytest.mark.parametrize("service", ["one", "proof"])
def test_the_system_that_holds_it_tells_of_anothers_read_nothing(service: str, publish: Callable[[], None]) -> None:
    """The portal asks for the one before the other; who asks for the proof alone gets no further."""
    record = read([FATHER])
    publish()
    for whose, status in ((MOTHER, 403), (FATHER, 200)):
        assert asked_of_holder(service, {"person": whose, "record": record}).status_code == status
    assert ReadRecord.objects.filter(refused="not-yours").count() == 1


def asked_of_holder(service: str, body: object) -> Any:
    headers = {VIA_GATEWAY: True, "HTTP_X_ROAD_CLIENT": PORTAL, "HTTP_X_ROAD_USERID": "account-1"}
    said = {"HTTP_ONEDOOR_PURPOSE": "own-reads", "HTTP_ONEDOOR_BASIS": "l91-2025"}
    return Client().post(f"/exchange/own-reads/{service}", json.dumps(body), "application/json", **headers, **said)


def test_where_nothing_is_asked_there_is_no_page() -> None:
    mother = person()
    assert mother.get(f"/en/reads/VN.GOV.G99.NOTHING/{UUID(int=1)}").status_code == 404
    assert Client().get("/en/reads").status_code == 302


def test_the_service_describes_itself() -> None:
    document = Client().get("/exchange/own-reads/openapi.json", **{VIA_GATEWAY: True}).json()
    assert {"/of-person", "/one", "/proof"} == set(document["paths"])


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"person": 1},
        {"person": "\ud800"},
        {"person": MOTHER, "most": 0},
        {"person": MOTHER, "before": "x"},
        {"person": MOTHER, "case": "\0"},
        {"person": MOTHER, "since": "9999-12-31"},
        {"person": MOTHER, "record": str(UUID(int=1))},
    ],
)
def test_a_question_of_another_form_is_refused(body: object) -> None:
    assert asked_of_holder("of-person", body).status_code == 400


def test_a_whole_number_may_be_written_as_json_schema_allows() -> None:
    assert asked_of_holder("of-person", {"person": MOTHER, "most": 2.0}).status_code == 200


def test_how_to_check_us_is_open_to_anybody() -> None:
    said = text(lxml.html.document_fromstring(Client().get("/en/how-you-can-check-us").content.decode()))
    assert str(ledger.verifier()) in said
    assert "onedoor ledger verify" in said


def test_a_nation_without_the_right_links_to_no_list_and_says_so_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    mother, link = person(), 'href="/en/reads"'
    assert all(link in mother.get(f"/en/{page}").content.decode() for page in ("my-data", "consents", "inbox"))
    monkeypatch.setitem(nation.current()._made, rights._by_service, {})
    assert not any(link in mother.get(f"/en/{page}").content.decode() for page in ("my-data", "consents", "inbox"))
    for language, words in (("en", "no law lets"), ("vi", "chưa có luật"), ("fr", "aucune loi")):
        answer = mother.get(f"/{language}/reads")
        assert (answer.status_code, words in answer.content.decode()) == (404, True)


def test_whether_a_person_may_see_a_case_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[set[str]] = []

    def see(_actor: Actor, codes: Collection[str]) -> set[str]:
        asked.append(set(codes))
        return {code for code in codes if code == "mine"}

    monkeypatch.setattr(asking, "_seen_cases", [see])
    cases = asking._Cases(Actor(person="account-1"))
    assert cases.seen(["mine", "", "other"]) == cases.seen(["mine"]) == cases.seen(["new", "other"]) == {"mine"}
    assert asked == [{"mine", "other"}, {"new"}]
