"""Features are found by probes that visit the portal: two looks at a fresh one find the same."""

import json
from collections.abc import Iterator

import pytest
from django.test import Client

from onedoor.kernel import nation
from onedoor.measurement import board, features, inside, probes
from onedoor.measurement.pages import features as page
from onedoor.measurement.probes import Answer, Finding, Portal
from onedoor.measurement.tests.portal.test_stages import passed, text

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    page._found.cache_clear()
    board._board.cache_clear()
    yield
    page._found.cache_clear()


def by_client(path: str) -> Answer:
    response = Client().get(path)
    content = response.getvalue()
    media = response.headers.get("Content-Type", "").partition(";")[0]
    return Answer(response.status_code, media, content, response.headers.get("Location", ""))


def found(origin: str = "http://localhost:8000") -> dict[str, Finding]:
    evidence = features.evidence(nation.current())
    every = probes.check(features.load(features.WORLD), evidence, Portal(by_client, origin, "en"))
    return {one.feature.code: one for one in every}


def states(every: dict[str, Finding]) -> dict[str, str]:
    return {code: one.state for code, one in every.items() if one.state != probes.UNPROBED}


FRESH = {
    "CP-015": "present",
    "SP-050": "waiting",
    "SP-053": "waiting",
    "TEC-004": "absent",
    "TEC-005": "absent",
    "TEC-008": "absent",
    "TEC-022": "present",
    "TEC-023": "present",
    "TEC-071": "present",
    "TEC-074": "absent",
    "TEC-083": "waiting",
    "TEC-087": "waiting",
    "EGL-003": "present",
    "EGL-016": "present",
    "EGL-017": "absent",
}


def test_a_fresh_portal_gives_the_same_answer_twice() -> None:
    first = found()
    assert len(first) == 183
    assert states(first) == FRESH
    assert found() == first
    assert all(bool(one.evidence) == (one.state == "present") for one in first.values())


def test_evidence_is_an_address_that_answers() -> None:
    paths = {path for one in found().values() for path in one.evidence}
    assert paths
    assert {by_client(path).status for path in paths} == {200, 302}


def test_a_run_makes_checkable_what_only_a_case_can_show() -> None:
    passed()
    changed = {code: state for code, state in states(found()).items() if FRESH[code] != state}
    assert changed == {"SP-050": "present", "TEC-083": "present", "TEC-087": "present"}
    passed(case="2612-AAAA-A2", results=("identity_card_notice",))
    assert {"SP-050", "SP-053"} <= {code for code, state in states(found()).items() if state == "present"}


def test_https_is_seen_by_the_address() -> None:
    assert found("https://portal.example")["TEC-074"].state == "present"


def test_the_portal_asks_itself_as_a_stranger_and_finds_what_strangers_find() -> None:
    with_session = Client()
    with_session.post("/en/sign-in", {"persona": "mother"})
    for path in ("/en/", "/en/cases/", "/en/services/?q=khai%20sinh", "/sitemap.xml", "/fr/figures/stages.json"):
        asked, client = inside.ask(path), by_client(path)
        assert (asked.status, asked.media, asked.onward) == (client.status, client.media, client.onward)


@pytest.mark.parametrize(
    ("language", "title", "state"),
    [
        ("vi", "Tính năng của Chỉ số dịch vụ trực tuyến", "Chưa có phép thử"),
        ("en", "Features of the Online Service Index", "No probe"),
        ("fr", "Fonctions de l’indice des services en ligne", "Aucune sonde"),
    ],
)
def test_everybody_reads_it_in_their_language(language: str, title: str, state: str) -> None:
    shown = text(f"/{language}/figures/features")
    assert f"<h1>{title}</h1>" in shown
    assert f">{state}</span>" in shown


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("q=EGL-003", 1),
        ("q=HTTPS", 1),
        ("state=present", 6),
        ("state=waiting", 4),
        ("module=IF&page=9", 1),
        ("q=zz", 0),
    ],
)
def test_codes_are_searched_and_filtered(query: str, codes: int) -> None:
    shown = text(f"/en/figures/features?{query}")
    assert shown.count('<th scope="row"') == codes
    assert ("No code fits" in shown) == (codes == 0)


def test_it_can_be_taken_away_and_agrees_with_who_visits() -> None:
    told = json.loads(Client().get("/en/figures/features.json").content)
    visited = found()
    assert {one["code"]: one["state"] for one in told["codes"]} == {code: one.state for code, one in visited.items()}
    (english,) = [one for one in told["codes"] if one["code"] == "CP-015"]
    assert english["why"] == "Languages that the site speaks: 3."
    assert english["evidence"] == ["/vi/", "/en/", "/fr/"]
