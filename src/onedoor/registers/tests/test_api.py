import json

import jsonschema_rs
import pytest
from django.test import Client

from onedoor.exchange.service import VIA_GATEWAY
from onedoor.registers import definition, openapi, service

MOTHER = "001196204817"
PERSON = {"number": MOTHER, "full_name": "Trần Thu Hà", "born": "1996-05-14", "sex": "F"}
HEADERS = {
    "HTTP_X_ROAD_CLIENT": "VN/GOV/G22/PORTAL",
    "HTTP_X_ROAD_USERID": "account-1",
    "HTTP_X_ROAD_ISSUE": "2611-7K4M-Q8",
    "HTTP_ONEDOOR_PURPOSE": "birth-form",
    "HTTP_ONEDOOR_BASIS": "nd63-2024.4.5",
    VIA_GATEWAY: True,
}
COMMUNE = {
    "HTTP_X_ROAD_CLIENT": "VN/GOV/G15/CIVIL-STATUS",
    "HTTP_X_ROAD_USERID": "commune-00199.civil-status",
    "HTTP_ONEDOOR_PURPOSE": "birth-registration",
    "HTTP_ONEDOOR_BASIS": "l26-2023.12",
    "HTTP_IDEMPOTENCY_KEY": "key-1",
}
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def people() -> None:
    service.load("population", [PERSON])


def post(path: str, body: object, **headers: object):
    content = body if isinstance(body, str) else json.dumps(body)
    return Client().post(f"/exchange/{path}", content, "application/json", **{**HEADERS, **headers})


def test_a_look_up_is_posted_and_answered_with_the_id_of_its_record() -> None:
    answer = post("population/lookup", {"by": {"number": MOTHER}, "fields": ["full_name"]})
    assert answer.status_code == 200
    assert answer.json()["records"] == [{"full_name": "Trần Thu Hà"}]
    assert len(answer.json()["read"]) == 36


BAD_QUESTIONS = [
    "not json",
    [],
    {},
    {"by": {}},
    {"by": {"number": 1}},
    {"by": {"colour": "red"}},
    {"by": {"number": MOTHER}, "x": 1},
    {"by": {"number": MOTHER}, "fields": []},
    {"by": {"number": MOTHER}, "fields": ["colour"]},
    {"by": MOTHER},
    {"by": {"number": "\x00"}},
    '{"by": {"number": "\\ud800"}}',
]


@pytest.mark.parametrize("body", BAD_QUESTIONS)
def test_a_bad_question_is_refused_clearly(body: object) -> None:
    assert post("population/lookup", body).status_code == 400


POLICE = {
    "HTTP_X_ROAD_CLIENT": "VN/GOV/G01/POPULATION",
    "HTTP_X_ROAD_USERID": "police-00199.residence",
    "HTTP_ONEDOOR_PURPOSE": "permanent-residence",
    "HTTP_ONEDOOR_BASIS": "l68-2020",
}


def test_another_day_and_earlier_knowledge_are_asked_in_the_body() -> None:
    question = {"by": {"number": MOTHER}, "fields": ["full_name"], "valid_on": "2026-03-01"}
    assert post("population/lookup", question, **POLICE).json()["records"] == [{"full_name": "Trần Thu Hà"}]
    question["known_on"] = "2020-03-31T23:59:59+07:00"
    assert post("population/lookup", question, **POLICE).json()["records"] == []
    assert post("population/lookup", question).status_code == 403


def test_whoever_may_ask_for_the_past_is_told_who_wrote_each_version() -> None:
    written = {"number": MOTHER, "full_name": "Trần Thu Hà"}
    assert post("population/records", written, **COMMUNE).status_code == 201
    answer = post("population/provenance", {"by": {"number": MOTHER}}, **POLICE)
    loaded, second = answer.json()["versions"]
    assert (loaded["version"], loaded["user"], loaded["grounds"]) == (1, "load", None)
    assert (second["version"], second["client"]) == (2, COMMUNE["HTTP_X_ROAD_CLIENT"])
    assert second["grounds"] == {"purpose": COMMUNE["HTTP_ONEDOOR_PURPOSE"], "basis": COMMUNE["HTTP_ONEDOOR_BASIS"]}
    shape = openapi.document(definition.register_of("population"))["paths"]["/provenance"]["post"]["responses"]["200"]
    jsonschema_rs.validate(shape["content"]["application/json"]["schema"], answer.json())
    assert post("population/provenance", {"by": {"number": MOTHER}}).status_code == 403
    assert post("population/provenance", {"by": {"number": MOTHER}, "x": 1}, **POLICE).status_code == 400


@pytest.mark.parametrize(
    "moment",
    [
        "2020-03-31",
        "2020-03-31T10:00:00",
        "2999-01-01T00:00:00Z",
        "2016-12-31T23:59:60Z",
        "0001-01-01T00:00:00+01:00",
        "March",
    ],
)
def test_a_moment_that_is_not_past_or_has_no_zone_is_refused(moment: str) -> None:
    question = {"by": {"number": MOTHER}, "known_on": moment}
    assert post("population/lookup", question, **POLICE).status_code == 400


def test_a_moment_at_an_offset_that_the_database_does_not_know_is_answered() -> None:
    question = {"by": {"number": MOTHER}, "known_on": "2020-03-31T10:00:00-22:02"}
    assert post("population/lookup", question, **POLICE).status_code == 200


def test_a_day_of_the_year_0_is_refused() -> None:
    assert post("population/lookup", {"by": {"number": MOTHER}, "valid_on": "0000-01-01"}, **POLICE).status_code == 400


def test_an_unknown_register_is_not_found() -> None:
    assert post("cars/lookup", {"by": {"number": MOTHER}}).status_code == 404
    assert Client().get("/exchange/cars/openapi.json", **HEADERS).status_code == 404


def test_forged_headers_past_the_gateway_are_refused() -> None:
    assert post("population/lookup", {"by": {"number": MOTHER}}, **{VIA_GATEWAY: None}).status_code == 403


def test_a_purpose_that_is_not_granted_is_refused() -> None:
    assert post("population/lookup", {"by": {"number": MOTHER}}, HTTP_ONEDOOR_PURPOSE="own-case").status_code == 403


def test_a_record_is_written_once_for_its_key() -> None:
    child = {"full_name": "Lê An", "born": "2026-11-01", "sex": "F", "birth_registered_in": "00199", "mother": MOTHER}
    first = post("population/records", child, **COMMUNE)
    again = post("population/records", child, **COMMUNE)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert first.json()["record"]["number"].startswith("001326")
    assert post("population/records", child | {"sex": "M"}, **COMMUNE).status_code == 409
    assert (
        post("population/records", child | {"born": "soon"}, **{**COMMUNE, "HTTP_IDEMPOTENCY_KEY": "2"}).status_code
        == 400
    )
    assert post("population/records", child, **{**COMMUNE, "HTTP_IDEMPOTENCY_KEY": ""}).status_code == 400


@pytest.mark.parametrize("register", sorted(definition.registers()))
def test_each_register_describes_itself(register: str) -> None:
    document = Client().get(f"/exchange/{register}/openapi.json", **HEADERS).json()
    held = definition.registers()[register]
    corrected = {"/corrections", "/corrections/asked"} if held.corrections else set()
    past = {"/provenance"} if held.history else set()
    assert set(document["paths"]) == {"/lookup", "/records"} | corrected | past
    question = document["paths"]["/lookup"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    jsonschema_rs.meta.validate(question)
    assert document == json.loads(json.dumps(openapi.document(definition.register_of(register))))
