"""Features are found by probes that visit the portal: two looks at a fresh one find the same."""

import json
from collections.abc import Iterator
from datetime import date

import pytest
from django.test import Client

from onedoor.kernel import nation
from onedoor.measurement import board, features, inside, probes
from onedoor.measurement.features import Probe
from onedoor.measurement.pages import features as page
from onedoor.measurement.portal import Answer, Portal
from onedoor.measurement.probes import Finding
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
    every = probes.check(
        features.load(features.WORLD), evidence, Portal(by_client, origin, "en", nation.current().today())
    )
    return {one.feature.code: one for one in every}


def states(every: dict[str, Finding]) -> dict[str, str]:
    """Return what became of each code but those that were looked for by name and not found."""
    return {code: one.state for code, one in every.items() if one.why not in ("not-named", "not-offered")}


FRESH = {
    "CP-015": "present",
    "SP-050": "waiting",
    "SP-053": "waiting",
    "SP-095": "waiting",
    "SP-095a": "waiting",
    "TEC-002": "unprobed",
    "TEC-004": "absent",
    "TEC-005": "absent",
    "TEC-008": "absent",
    "TEC-022": "present",
    "TEC-023": "present",
    "TEC-071": "present",
    "TEC-072": "absent",
    "TEC-074": "absent",
    "TEC-083": "waiting",
    "TEC-087": "waiting",
    "TEC-195": "present",
    "TEC-196": "present",
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
    assert all(
        one.facts["n"] >= (30 if one.why == "not-named" else 1) for one in first.values() if "words" in one.facts
    )


def test_evidence_is_an_address_that_answers() -> None:
    paths = {path for one in found().values() for path in one.evidence}
    assert paths
    assert {by_client(path).status for path in paths} == {200, 302}


def test_a_run_makes_checkable_what_only_a_case_can_show() -> None:
    passed()
    changed = {code: state for code, state in states(found()).items() if FRESH[code] != state}
    assert changed == {"SP-050": "present", "TEC-083": "present", "TEC-087": "present"}
    passed(case="2612-AAAA-A3", results=("insurance_card",))
    assert {"SP-095", "SP-095a"} <= {code for code, state in states(found()).items() if state == "present"}
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
        ("vi", "Tính năng của Chỉ số dịch vụ trực tuyến", "Chưa có"),
        ("en", "Features of the Online Service Index", "Not present"),
        ("fr", "Fonctions de l’indice des services en ligne", "Absent"),
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
        ("state=present", 8),
        ("state=waiting", 6),
        ("state=unprobed", 1),
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


PAGES = {
    "/en/": '<h1>Hill</h1><nav><a hreflang="en" href="/en/">English</a></nav><a href="data/">Open data</a>'
    '<a href="/en/empty">Help</a> <a href="https://social.example/hill">Facebook</a> <a href="/en/gone">Live chat</a>'
    '<a href="mailto:hill@hill.example">Write to us</a> <a href="https://hill.example/en/data/">Whole address</a>',
    "/en/data/": "<h1>Open data of Hill</h1><h2>Petitions</h2><h3>Whole address</h3>"
    '<time datetime="2026-12-01">1 December</time><a href="/en/deep">On</a>',
    "/en/empty": "<h1>Nothing here</h1>",
    "/en/deep": '<h1>Deep</h1><a href="/en/deeper">On</a>',
    "/en/deeper": "<h1>Scholarships</h1>",
}
WHOLE = '<!doctype html><html lang="en"><head><title>Hill</title>{}</head><body><main>{}</main></body></html>'


def of_hill(
    probe: Probe, pages: dict[str, str] | None = None, stages: str = "[]", head: str = ""
) -> tuple[str, str, tuple[str, ...]]:
    """Return state, why and evidence of a probe at a small portal."""
    known = {**PAGES, **(pages or {}), "/en/figures/stages.json": f'{{"stages": {stages}}}'}

    def ask(path: str) -> Answer:
        if path not in known:
            return Answer(404, "text/html", b"")
        page = WHOLE.format(head, known[path])
        return Answer(200, "", (known[path] if path.endswith((".json", ".css")) else page).encode())

    hill = Portal(ask, "https://hill.example", "en", date(2026, 12, 7))
    feature = features.Feature("X-001", "X", {}, "")
    listed = features.FeatureList("x", {}, {}, (feature,), {"X-001": probe})
    (one,) = probes.check(listed, {}, hill)
    return one.state, one.why, one.evidence


@pytest.mark.parametrize(
    ("words", "state", "evidence"),
    [
        ("open data", "present", ("/en/data/",)),
        ("petitions", "present", ("/en/data/",)),
        ("facebook", "present", ("https://social.example/hill",)),
        ("help", "absent", ()),
        ("write to us", "absent", ()),
        ("whole address", "present", ("/en/data/",)),
        ("live chat", "absent", ()),
        ("pen data", "absent", ()),
        ("scholarships", "absent", ()),
    ],
)
def test_a_name_counts_when_it_is_a_heading_or_leads_to_one(words: str, state: str, evidence: tuple[str, ...]) -> None:
    """A page that does not show what its link promises is no evidence; nor is what lies too deep."""
    found_ = of_hill(Probe("named", words={"en": (words,)}))
    assert (found_[0], found_[2]) == (state, evidence)


@pytest.mark.parametrize(("least", "state"), [(6, "present"), (5, "absent")])
def test_a_date_is_as_old_as_it_is(least: int, state: str) -> None:
    assert of_hill(Probe("dated", least=least))[0] == state


def test_markup_and_styles_are_held_to_their_standards() -> None:
    assert of_hill(Probe("markup"))[:2] == ("present", "standard")
    assert of_hill(Probe("markup"), {"/en/empty": "<h1>Nothing</h2>"})[:2] == ("absent", "fault")
    assert of_hill(Probe("styles"))[0] == "waiting"
    head = '<link rel="stylesheet" href="/a.css">'
    assert of_hill(Probe("styles"), {"/a.css": "a{color:red}"}, head=head)[0] == "present"
    assert of_hill(Probe("styles"), {"/a.css": "a{color red}"}, head=head)[0] == "absent"


def test_a_service_is_looked_for_by_its_title_and_is_no_evidence_by_itself() -> None:
    on_offer = '[{"service": "x.1", "title": "Driving licence", "level": 4, "proved": null}]'
    probe = Probe("catalogue", words={"en": ("driving licence",)})
    other = on_offer.replace("Driving", "Dog")
    assert of_hill(probe)[:2] == ("waiting", "nothing")
    assert of_hill(probe, {}, other)[:2] == ("absent", "not-offered")
    assert of_hill(probe, {}, on_offer)[:2] == ("waiting", "offered")
