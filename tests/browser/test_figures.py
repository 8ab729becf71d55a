"""The figures in a real browser: open to everybody, nothing for axe to find, a slider that needs no script."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.people import Walk, spoken
from tests.nation.running import Running

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
HOME = "figures/egdi"
OWN = f"{HOME}/VN"
PAGES = {
    "figures": "figures/",
    "index": f"{HOME}?group=asean",
    "why": f"{OWN}/why",
    "goal": f"{OWN}/goal?field=moving",
    "origin": f"{OWN}/origin",
    "stages": "figures/stages",
    "stage": "figures/stages/vn.birth-linked",
    "features": "figures/features",
    "live": "figures/indices/decision-766?whose=commune-00199",
    "assessments": "figures/assessments",
    "services": "exchange-services",
    "service": "exchange-services/VN/GOV/G01/POPULATION/population",
}
UNITS = {"vi": "01", "en": "79", "fr": "48"}
"""Of each language another, so that each finds a unit that nobody assesses yet."""
ASSESSORS = {"assessor-1": "SP-253", "assessor-2": "TEC-202"}
"""Each says that another indicator is not there."""
ANSWER = """async absent => {
    for (const part of document.querySelectorAll("main .reads a")) {
        const whole = await (await fetch(part.href)).text();
        const form = new DOMParser().parseFromString(whole, "text/html").querySelector("main form");
        for (const radio of form.querySelectorAll("input[type=radio]"))
            radio.checked = radio.value === (radio.name === absent ? "absent" : "present");
        for (const link of form.querySelectorAll("input[type=url]")) link.value = "https://unit.example/seen";
        await fetch(part.href, {method: "POST", body: new URLSearchParams(new FormData(form))});
    }
}"""


@pytest.mark.parametrize("language", spoken(["vi", "en", "fr"]))
def test_the_figures_are_open_to_everybody_and_a_gateways_to_its_operator(
    nation: Running, chromium: Browser, language: str
) -> None:
    walk = Walk(nation, chromium, language)
    with walk.open():
        page = walk.anybody()
        for kind, path in PAGES.items():
            page.goto(walk.address(path))
            walk.look(page, f"figures-{kind}")
        operator = walk.person("operator-22")
        operator.goto(walk.address("desk/operation?period=hour"))
        expect(operator.locator("main figure")).to_have_count(2)
        walk.look(operator, "operation")
    walk.report()
    assert not walk.wrong, "\n".join(walk.wrong)


@pytest.mark.parametrize("scripts", [True, False])
def test_the_slider_sets_the_goal_with_and_without_a_script(
    nation: Running,
    chromium: Browser,
    scripts: bool,
) -> None:
    walk = Walk(nation, chromium, "en", scripts=scripts, looks=False)
    with walk.open():
        page = walk.anybody()
        page.goto(walk.address(f"{OWN}/goal"))
        page.locator("#slide").fill("71")
        if not scripts:
            page.locator("#wanted button").click()
        expect(page.locator("#answer")).to_contain_text("+27 of 144 features")
        expect(page.locator("#place")).to_have_value("71")
    assert not walk.wrong, "\n".join(walk.wrong)


@pytest.mark.parametrize("language", spoken(["vi", "en", "fr"]))
def test_a_unit_is_assessed_by_two_and_reconciled_by_a_third(nation: Running, chromium: Browser, language: str) -> None:
    walk = Walk(nation, chromium, language)
    with walk.open():
        head = walk.person("reconciler")
        head.goto(walk.address("assessments"))
        head.select_option("#unit", UNITS[language])
        walk.look(head, "assessments-reconciler")
        head.locator("main form button").click()
        for persona, absent in ASSESSORS.items():
            _assess(walk, walk.person(persona), absent)
        head.goto(walk.address("assessments"))
        head.locator("main .reads a").last.click()
        walk.look(head, "assessment-differences")
        for code in ASSESSORS.values():
            head.check(f"#{code}")
            head.fill(f"#{code}-reason", "https://unit.example/seen")
        head.locator("button[value=publish]").click()
        walk.look(head, "figures-assessment")
        expect(head.locator(".kpis")).to_contain_text("1.0000" if language == "en" else "1,0000")
    walk.report()
    assert not walk.wrong, "\n".join(walk.wrong)


def _assess(walk: Walk, page: Page, absent: str) -> None:
    page.goto(walk.address("assessments"))
    walk.look(page, "assessments-assessor")
    page.locator("button[value=take]").last.click()
    walk.look(page, "assessment-sheet")
    sheet = page.url
    page.locator("main .reads a").first.click()
    walk.look(page, "assessment-part")
    page.goto(sheet)
    page.evaluate(ANSWER, absent)
    page.locator("button[value=submit]").click()
    expect(page.locator("main .notice--ok")).to_be_visible()
