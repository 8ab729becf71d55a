import json

import pytest
from django.test import Client

from onedoor.exchange.service import VIA_GATEWAY
from onedoor.privacy.models import ReadRecord
from onedoor.privacy.service import Reader, permit

pytestmark = pytest.mark.django_db
CASE = "2611-7K4M-Q8"
HEADERS = {
    "HTTP_X_ROAD_CLIENT": "VN/GOV/G22/PORTAL",
    "HTTP_X_ROAD_USERID": "account-1",
    "HTTP_X_ROAD_ISSUE": CASE,
    "HTTP_ONEDOOR_PURPOSE": "own-case",
    "HTTP_ONEDOOR_BASIS": "l91-2025",
    VIA_GATEWAY: True,
}


def ask(body: object = None, **changes: object):
    content = json.dumps(body or {"case": CASE})
    return Client().post("/exchange/reads/of-case", content, "application/json", **{**HEADERS, **changes})


def test_the_portal_is_told_the_reads_of_the_case() -> None:
    reader = Reader("VN/GOV/G22/PORTAL", "account-1", "birth-form", "nd63-2024.4.5", CASE)
    permit(reader, register="residence", persons=["001196204817"])
    answer = ask()
    assert answer.status_code == 200
    assert [read["register"] for read in answer.json()["reads"]] == ["residence"]
    assert "001196204817" not in answer.content.decode()


def test_the_portal_is_told_the_newest_reads_page_by_page() -> None:
    reader = Reader("VN/GOV/G22/PORTAL", "account-1", "birth-form", "nd63-2024.4.5", CASE)
    made = [permit(reader, register="residence", persons=["001196204817"]).record for _ in range(5)]
    newest = [read["record"] for read in ask({"case": CASE, "most": 2}).json()["reads"]]
    assert newest == made[:2:-1]
    older = [read["record"] for read in ask({"case": CASE, "most": 9, "before": newest[-1]}).json()["reads"]]
    assert older == made[2::-1]
    (said,) = ask({"case": CASE, "most": 1.0, "language": "fr"}).json()["reads"]
    assert list(said["purpose_text"]) == ["fr"]
    assert [read["record"] for read in ask().json()["reads"]] == made


def test_another_purpose_is_refused_and_recorded() -> None:
    assert ask(HTTP_ONEDOOR_PURPOSE="birth-form", HTTP_ONEDOOR_BASIS="nd63-2024.4.5").status_code == 403
    assert ReadRecord.objects.get().refused == "not-granted"


def test_past_the_gateway_nothing_is_told() -> None:
    assert ask(**{VIA_GATEWAY: None}).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {"case": "2611-0000-00"},
        {"case": CASE, "more": 1},
        ["x"],
        {"case": 5},
        {"case": CASE, "most": 0},
        {"case": CASE, "most": 100_000},
        {"case": CASE, "most": 5, "before": "yesterday"},
        {"case": CASE, "before": "01a22b3c-4f32-7745-9bb8-b760f8c9b39a"},
    ],
)
def test_a_body_that_does_not_fit_the_signed_case_is_refused(body: object) -> None:
    assert ask(body).status_code == 400


def test_the_service_describes_itself() -> None:
    document = Client().get("/exchange/reads/openapi.json", **HEADERS).json()
    assert "/of-case" in document["paths"]
