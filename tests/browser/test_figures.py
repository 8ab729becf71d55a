"""The figures in a real browser: open to everybody, nothing for axe to find, a slider that needs no script."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.people import Walk
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
}


@pytest.mark.parametrize("language", ["vi", "en", "fr"])
def test_the_figures_are_open_to_everybody(nation: Running, chromium: Browser, language: str) -> None:
    walk = Walk(nation, chromium, language)
    with walk.open():
        page = walk.anybody()
        for kind, path in PAGES.items():
            page.goto(walk.address(path))
            walk.look(page, f"figures-{kind}")
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
