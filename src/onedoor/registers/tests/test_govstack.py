"""The GovStack interface: real answers against the schemas of the specification itself, by schemathesis's validator."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
import yaml
from django.test import Client
from schemathesis.core.transport import Response
from structlog.testing import capture_logs

from onedoor.exchange.service import VIA_GATEWAY
from onedoor.kernel import clock
from onedoor.privacy.models import ReadRecord
from onedoor.privacy.service import Reader
from onedoor.registers import service
from onedoor.registers.models import Record
from onedoor.registers.tests.test_service import CHILD, COMMUNE, FATHER, HOME, MOTHER, POLICE, PORTAL, person

SPECIFICATION = schemathesis.openapi.from_dict(
    yaml.safe_load((Path(__file__).parent / "govstack-digital-registries-1.3.0.yaml").read_text("utf-8"))
)
OF = "/data/{registryName}/{versionNumber}"
NOON = datetime(2026, 11, 10, 5, tzinfo=UTC)
HOUSE = {"household": HOME["household"]}
OTHER = {**HOME, "household": "H0000000002", "head": FATHER, "members": [{"number": FATHER, "relation": "head"}]}
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def people() -> None:
    with clock.freeze(NOON - timedelta(days=30)):
        service.load("population", [person(MOTHER, "Trần Thu Hà", "1996-05-14", "F"),
                                    person(FATHER, "Lê Minh Quân", "1994-09-02", "M")])  # fmt: skip
        service.load("residence", [HOME, OTHER])


def ask(method: str, path: str, body: object = None, *, by: Reader = POLICE, key: str = "", **headers: object) -> Any:
    known = {
        "HTTP_X_ROAD_CLIENT": by.client,
        "HTTP_X_ROAD_USERID": by.user,
        "HTTP_X_ROAD_ISSUE": by.case,
        "HTTP_ONEDOOR_PURPOSE": by.purpose,
        "HTTP_ONEDOOR_BASIS": by.basis,
        "HTTP_IDEMPOTENCY_KEY": key,
        "HTTP_INFORMATION_MEDIATOR_CLIENT": by.client,
        "HTTP_ACCEPT_LANGUAGE": "en",
        VIA_GATEWAY: True,
    }
    content = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
    return Client().generic(method, f"/exchange/data/{path}", **content, **{**known, **headers})


def conforms(answer: Any, method: str, path: str) -> Any:
    """Return the body of *answer*, which the specification describes; schemathesis finds otherwise."""
    asked = requests.Request(method, "https://localhost/").prepare()
    headers = {name: [value] for name, value in answer.headers.items()}
    received = Response(answer.status_code, headers, answer.content, asked, elapsed=0, verify=False)
    SPECIFICATION[path][method].validate_response(received)
    return answer.json() if answer.content else None


def query(**content: Any) -> dict[str, Any]:
    return {"query": {"content": content}}


def write(**content: Any) -> dict[str, Any]:
    return {"write": {"content": content}}


def read(**content: Any) -> Any:
    return conforms(ask("POST", "residence/1/read", query(**content)), "POST", f"{OF}/read")


def test_the_validator_finds_what_the_specification_does_not_say() -> None:
    answer = ask("POST", "residence/1/exists", query(**HOUSE))
    answer.content = b'{"answer": {"status": "yes"}}'
    with pytest.raises(Exception, match="is not of type"):
        conforms(answer, "POST", f"{OF}/exists")


def test_one_record_is_read_through_the_gate_with_its_id() -> None:
    found = read(**HOUSE)["content"]
    assert {**found, "id": ""} == {**HOME, "id": ""}
    assert read(id=found["id"])["content"] == found
    recorded = ReadRecord.objects.order_by("-id")[0]
    assert (recorded.purpose, recorded.case, recorded.register) == (POLICE.purpose, POLICE.case, "residence")
    assert recorded.persons.count() == 2
    absent = ask("POST", "residence/1/read", query(household="H9999999999"))
    assert conforms(absent, "POST", f"{OF}/read") == {"detail": "no record found"}
    assert absent.status_code == 404


def test_a_purpose_opens_its_own_fields_alone() -> None:
    asked = ask("POST", "population/1/read", query(number=MOTHER), by=PORTAL)
    content = conforms(asked, "POST", f"{OF}/read")["content"]
    assert content["full_name"] == "Trần Thu Hà"
    assert "birth_registered_in" not in content
    nobody = Reader(PORTAL.client, PORTAL.user, "curiosity", PORTAL.basis, PORTAL.case)
    assert ask("POST", "population/1/read", query(number=MOTHER), by=nobody).status_code == 403
    assert ReadRecord.objects.order_by("-id")[0].refused == "unknown-purpose"


def test_whether_a_record_exists_is_a_read_too() -> None:
    before = ReadRecord.objects.count()
    for number, status in ((MOTHER, True), ("001190204813", False)):
        answer = ask("POST", "population/1/exists", query(number=number), by=PORTAL)
        assert conforms(answer, "POST", f"{OF}/exists")["answer"]["status"] is status
    assert ReadRecord.objects.count() == before + 2
    assert ReadRecord.objects.order_by("-id")[0].fields == ["number"]


def test_records_are_listed_by_a_declared_look_up_page_by_page() -> None:
    service.load("population", [person("001196000001", "Trần Thu Hà", "1996-01-01", "F")])
    asked = "population/1?query.full_name=tran+thu+ha&query.born_year=1996&pageSize=1"
    first = conforms(ask("GET", asked, by=PORTAL), "GET", OF)
    assert (first["count"], len(first["results"])) == (2, 1)
    assert "previous" not in first
    _, _, after = first["next"].partition("/data/")
    second = conforms(ask("GET", after, by=PORTAL), "GET", OF)
    assert second["results"][0]["id"] > first["results"][0]["id"]
    assert "next" not in second
    assert second["previous"].endswith("&page=1")
    backwards = conforms(ask("GET", f"{asked}&ordering=descending", by=PORTAL), "GET", OF)
    assert backwards["results"] == second["results"]


def test_search_and_filter_name_a_look_up() -> None:
    found = conforms(ask("GET", f"residence/1?search={MOTHER}&filter=member"), "GET", OF)
    assert [one["household"] for one in found["results"]] == [HOME["household"]]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("", "not listed as a whole"),
        ("?query.address=Hanoi", "It can be asked by: household; member"),
        ("?search=Hanoi&filter=address", "It can be asked by: household; member"),
        ("?search=Hanoi", "write both; there is no regex"),
        ("?query.household=H.*", ""),
        ("?query.household=", "a text of at most"),
        ("?query.household=H0000000001&page=0", "“page” is a whole number"),
        ("?query.household=H0000000001&pageSize=101", "“pageSize” is a whole number from 1 to 100"),
        ("?query.household=H0000000001&ordering=address", "“ordering” is one of ascending, descending"),
    ],
)
def test_what_no_look_up_covers_is_refused(asked: str, said: str) -> None:
    answer = ask("GET", f"residence/1{asked}")
    if said:
        assert answer.status_code == 400
        assert said in answer.json()["title"]
    else:
        assert answer.json() == {"count": 0, "results": []}


def test_a_record_is_created_once_for_its_key() -> None:
    first = ask("POST", "population/1/create", write(**CHILD), by=COMMUNE, key="c1")
    content = conforms(first, "POST", f"{OF}/create")["content"]
    assert content["number"].startswith("001326")
    assert ask("POST", "population/1/create", write(**CHILD), by=COMMUNE, key="c1").json()["content"] == content
    other = ask("POST", "population/1/create", write(**{**CHILD, "sex": "M"}), by=COMMUNE, key="c1")
    assert other.status_code == 409
    assert service.count("population") == 3
    again = write(**CHILD, number=content["number"])
    assert ask("POST", "population/1/create", again, by=COMMUNE, key="c2").status_code == 409
    assert str(Record.objects.get(id=content["id"]).register) == "population"


def test_the_id_of_the_message_is_the_key_of_a_write_without_one() -> None:
    for _ in range(2):
        made = ask("POST", "population/1/create", write(**CHILD), by=COMMUNE, HTTP_X_ROAD_ID="message-1")
        assert made.status_code == 200
    assert service.count("population") == 3
    assert ask("POST", "population/1/create", write(**CHILD), by=COMMUNE).status_code == 400


def test_an_update_is_a_new_version_and_answers_nothing() -> None:
    change = query(**HOUSE) | write(address="Số 1 Láng Hạ")
    for _ in range(2):
        answer = ask("PUT", "residence/1/update", change, key="u1")
        assert conforms(answer, "PUT", f"{OF}/update") is None
    assert read(**HOUSE)["content"]["address"] == "Số 1 Láng Hạ"
    assert Record.objects.filter(identity=Record.objects.get(id=read(**HOUSE)["content"]["id"]).identity).count() == 2
    absent = ask("PUT", "residence/1/update", query(household="H9999999999") | write(address="Số 1"), key="u2")
    assert (absent.status_code, absent.json()) == (404, {"detail": "no record found"})


def test_an_update_without_a_query_names_its_record_in_what_is_written() -> None:
    named = write(**HOUSE, address="Số 2")
    assert ask("PUT", "residence/1/update", named, key="u1").status_code == 200
    assert read(**HOUSE)["content"]["address"] == "Số 2"
    assert ask("PUT", "residence/1/update", write(address="Số 3"), key="u2").status_code == 400
    unknown = write(household="H9999999999", address="Số 3")
    assert ask("PUT", "residence/1/update", unknown, key="u3").status_code == 404
    assert ReadRecord.objects.get(refused="unfit").operation == "write", "that there is none tells something too"


def test_an_update_cannot_make_a_record_another_one() -> None:
    moved = query(**HOUSE) | write(household=OTHER["household"], address="Số 1")
    refused = ask("PUT", "residence/1/update", moved, key="u1")
    assert refused.status_code == 400
    assert "household says which record it is" in refused.json()["title"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("word", ["updateEntries", "update-entries"])
def test_every_record_that_is_found_is_updated_or_none(word: str) -> None:
    twin = {**OTHER, "household": "H0000000003"}
    service.load("residence", [twin])
    change = query(member=FATHER) | write(address="Số 5")
    answer = ask("PUT", f"residence/1/{word}", change, key="u1")
    assert conforms(answer, "PUT", f"{OF}/updateEntries") is None
    assert {read(household=one["household"])["content"]["address"] for one in (OTHER, twin)} == {"Số 5"}
    assert ask("PUT", "residence/1/update", change, key="u2").status_code == 409, "more than one record"
    count = Record.objects.count()
    assert ask("PUT", f"residence/1/{word}", query(member=FATHER) | write(address=""), key="u3").status_code == 400
    assert Record.objects.count() == count


@pytest.mark.parametrize("word", ["updateOrCreate", "update-or-create"])
def test_a_record_is_updated_or_created_and_the_same_again_is_the_same(word: str) -> None:
    new = {**OTHER, "household": "H0000000004"}
    asked = query(household=new["household"]) | write(**new)
    answers = [ask("POST", f"residence/1/{word}", asked, key="o1") for _ in range(2)]
    contents = [conforms(answer, "POST", f"{OF}/updateOrCreate")["content"] for answer in answers]
    assert contents[0] == contents[1]
    assert (service.count("residence"), Record.objects.filter(register="residence").count()) == (3, 3)
    for _ in range(2):
        changed = ask("POST", f"residence/1/{word}", asked | write(address="Số 9"), key="o2")
        assert changed.json()["content"] == {"id": contents[0]["id"], "household": new["household"], "address": "Số 9"}
    assert Record.objects.filter(register="residence").count() == 4


def test_a_deleted_record_holds_no_more_and_its_past_stays() -> None:
    name = read(**HOUSE)["content"]["id"]
    rows = Record.objects.filter(register="residence").count()
    with clock.freeze(NOON):
        for _ in range(2):
            answer = ask("DELETE", f"residence/1/{name}/delete", key="d1")
            assert answer.status_code == 204
            assert conforms(answer, "DELETE", f"{OF}/{{ID}}/delete") is None
        assert ask("DELETE", f"residence/1/{name}/delete", key="d2").status_code == 404
    with clock.freeze(NOON + timedelta(hours=1)):
        assert ask("POST", "residence/1/read", query(**HOUSE)).status_code == 404
        assert ask("POST", "residence/1/read", query(id=name)).status_code == 404
        assert service.lookup("residence", HOUSE, reader=POLICE).records == []
        yesterday = (NOON - timedelta(days=1)).date()
        assert service.lookup("residence", HOUSE, reader=POLICE, valid_on=yesterday).records == [HOME]
        assert service.lookup("residence", HOUSE, reader=POLICE, known_on=NOON - timedelta(hours=1)).records == [HOME]
        assert Record.objects.filter(register="residence").count() == rows + 1
        ended = service.provenance("residence", HOUSE, reader=POLICE)[-1]
        assert (ended.version, ended.client, ended.valid_from) == (2, POLICE.client, NOON.date())
        assert ended.grounds
        assert ended.grounds.operation == "write"


def test_a_record_that_ended_can_begin_again() -> None:
    name = read(**HOUSE)["content"]["id"]
    with clock.freeze(NOON):
        ask("DELETE", f"residence/1/{name}/delete", key="d1")
        assert ask("PUT", "residence/1/update", write(**HOUSE, address="Số 1"), key="u1").status_code == 404
        part = ask("POST", "residence/1/create", write(**HOUSE, address="Số 1"), key="c1")
        assert part.status_code == 400, "nothing of what ended is kept"
        again = ask("POST", "residence/1/create", write(**HOME), key="c2").json()["content"]
        assert again["id"] == name
        assert read(**HOUSE)["content"] == {**HOME, "id": name}


def test_what_begins_again_has_the_defaults_of_a_new_record() -> None:
    commune = Reader(COMMUNE.client, COMMUNE.user, COMMUNE.purpose, "l60-2014.14", COMMUNE.case)
    birth = {"number": "1/2026", "child": "001326123456", "full_name": "Lê An", "born": "2026-11-01", "sex": "F",
             "place": "Lotus", "registered_on": "2026-11-02", "registered_at": "commune-00199"}  # fmt: skip
    named = {"registered_at": "commune-00199", "number": "1/2026"}
    made = ask("POST", "births/1/create", write(**birth, ethnicity="kinh"), by=commune, key="b1").json()["content"]
    with clock.freeze(clock.now() + timedelta(days=1)):
        assert ask("DELETE", f"births/1/{made['id']}/delete", by=commune, key="b2").status_code == 204
        assert ask("POST", "births/1/create", write(**birth), by=commune, key="b3").status_code == 200
        record = ask("POST", "births/1/read", query(**named), by=commune).json()["content"]
        assert (record["id"], record["ethnicity"], record["nationality"]) == (made["id"], "", "VN")


def test_who_may_not_write_every_field_ends_nothing() -> None:
    asked = ask("POST", "population/1/read", query(number=MOTHER), by=PORTAL).json()["content"]["id"]
    assert ask("DELETE", f"population/1/{asked}/delete", by=COMMUNE, key="d").status_code == 403
    assert ask("DELETE", f"population/1/{MOTHER}/delete", by=COMMUNE, key="d").status_code in (400, 403)


@pytest.mark.parametrize("word", ["readValue", "read-value"])
def test_one_field_is_read_by_id(word: str) -> None:
    name = ask("POST", "population/1/read", query(number=MOTHER), by=PORTAL).json()["content"]["id"]
    path = f"{OF}/{{uuid}}/readValue/{{field}}.{{ext}}"
    value = ask("GET", f"population/1/{name}/{word}/full_name.json", by=PORTAL)
    assert conforms(value, "GET", path) == {"value": "Trần Thu Hà"}
    assert ReadRecord.objects.order_by("-id")[0].fields == ["full_name"]
    assert ask("GET", f"population/1/{name}/{word}/birth_registered_in.json", by=PORTAL).status_code == 403
    assert ask("GET", f"population/1/{name}/{word}/colour.json", by=PORTAL).status_code == 400
    assert ask("GET", f"population/1/{name}/{word}/full_name.xml", by=PORTAL).status_code == 400
    assert ask("GET", f"population/1/{MOTHER}/{word}/full_name.json", by=PORTAL).status_code == 400
    stranger = "01a2131673ed71eda4d6dd93dc09befa"
    assert ask("GET", f"population/1/{stranger}/{word}/full_name.json", by=PORTAL).status_code == 404


OWN = Reader(PORTAL.client, PORTAL.user, "own-case", "l91-2025", PORTAL.case)


@pytest.mark.parametrize("word", ["myPersonalDataUsage", "my-personal-data-usage"])
def test_a_person_sees_who_has_read_their_data(word: str) -> None:
    service.lookup("population", {"number": MOTHER}, reader=PORTAL)
    service.lookup("population", {"number": FATHER}, reader=PORTAL)
    answer = ask("GET", f"{word}?userId={MOTHER}&databaseId=population", by=OWN)
    (use,) = conforms(answer, "GET", "/data/myPersonalDataUsage")
    assert use["readerApplicationName"] == PORTAL.client
    assert use["refrences"] == [{"ReferenceID": PORTAL.case}]
    assert use["readerInstitutionName"]
    assert MOTHER not in answer.content.decode()
    look = ReadRecord.objects.order_by("-id")[0]
    assert (look.register, look.user, look.persons.count()) == ("own-reads", OWN.user, 1)
    assert ask("GET", f"{word}?userId=1&databaseId=population", by=OWN).status_code == 400
    assert ask("GET", f"{word}?userId={MOTHER}&databaseId=cars", by=OWN).status_code == 404
    assert ask("GET", f"{word}?userId={MOTHER}&databaseId=population", by=PORTAL).status_code == 403


def test_only_the_own_gateway_may_call_for_the_system_it_names() -> None:
    assert ask("POST", "residence/1/read", query(**HOUSE), **{VIA_GATEWAY: None}).status_code == 403
    for named in ("", "VN/GOV/G22/PORTAL"):
        wrong = ask("POST", "residence/1/read", query(**HOUSE), HTTP_INFORMATION_MEDIATOR_CLIENT=named)
        assert wrong.status_code == 400


@pytest.mark.parametrize(
    ("path", "status"), [("cars/1/read", 404), ("residence/2/read", 404), ("residence/x/read", 404)]
)
def test_an_unknown_register_or_version_is_not_found(path: str, status: int) -> None:
    assert ask("POST", path, query(**HOUSE)).status_code == status


@pytest.mark.parametrize(
    "body", [{}, {"query": {}}, {"query": {"content": {}}}, query(household=1), query(address="x")]
)
def test_a_bad_body_is_refused(body: object) -> None:
    assert ask("POST", "residence/1/read", body).status_code == 400


def test_a_personal_number_of_a_question_stands_in_no_log(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with capture_logs() as logs:
        ask("GET", f"residence/1?query.member={MOTHER}")
    (entry,) = [one for one in logs if one["event"] == "request"]
    assert entry["route"] == "exchange/data/<slug:register>/<int:version>"
    told = capsys.readouterr()
    assert MOTHER not in "".join([repr(logs), told.out, told.err, caplog.text])
