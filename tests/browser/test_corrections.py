"""What one asks about one's own data, in a real browser: a correction, a restriction; and the desks that decide."""

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.people import Walk, spoken, until
from tests.nation.running import Running

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
POLICE = "police-00199"
SAID = {"vi": ("Tày", "accept"), "en": ("Mường", "decline"), "fr": ("Thái", "accept")}
WORDS = {
    "vi": "Giấy khai sinh bản chính ghi như bạn nói.",
    "en": "The birth certificate that we hold says what the register says.",
    "fr": "L’acte de naissance original dit ce que vous dites.",
}
KINDS = {
    *(
        "corrections",
        "correction-new",
        "correction-error",
        "corrections-open",
        "inbox-answered",
        "corrections-answered",
    ),
    *("desk-corrections", "desk-correction", "desk-correction-error", "desk-correction-decided", "desk-decided"),
}
RIGHTS = {"my-data", "my-data-ask", "my-data-held", "desk-requests", "desk-request"}
BREACHES = {"desk-breaches", "desk-breach", "desk-breach-persons", "desk-sealed"}
BESIDE = {"vi": RIGHTS | BREACHES, "en": RIGHTS, "fr": BREACHES}
"""What else is looked at in each language: all of it in the nation's first, each page in one more."""


@pytest.mark.parametrize("language", spoken(SAID))
def test_a_correction_from_asking_to_the_answer(nation: Running, chromium: Browser, language: str) -> None:
    walk = Walk(nation, chromium, language)
    with walk.open():
        code = ask(walk, SAID[language][0])
        decide(walk, code, SAID[language][1])
        read(walk, code)
        if BESIDE[language] >= RIGHTS:
            rights(walk)
        if BESIDE[language] >= BREACHES:
            breaches(walk)
    walk.report()
    assert not walk.wrong, "\n".join(walk.wrong)
    assert walk.seen >= KINDS | BESIDE[language], (KINDS | BESIDE[language]) - walk.seen


def ask(walk: Walk, value: str) -> str:
    """Say as the grandmother that her ethnicity is wrong; forget it all at first. Return the code of the request."""
    page = walk.person("grandmother")
    page.goto(walk.address("corrections/"))
    before = codes(page)
    walk.look(page, "corrections")
    page.locator("main a.btn").click()
    walk.look(page, "correction-new")
    send(page)
    assert page.locator(".errors a").count() == 3, page.inner_text("main")
    walk.look(page, "correction-error")
    page.check("input[name=fact][value='population.ethnicity']")
    page.fill("input[name=value]", value)
    page.fill("textarea[name=why]", "Giấy khai sinh số 15/1968, Ủy ban nhân dân xã.")
    send(page)
    walk.look(page, "corrections-open")
    (code,) = codes(page) - before
    return code


def decide(walk: Walk, code: str, decision: str) -> None:
    """Decide as an officer of the owner, who forgets to choose at first, and sees the outcome from then on."""
    page = walk.person("residence", POLICE)
    page.goto(walk.address("desk/corrections/", POLICE))
    walk.look(page, "desk-corrections")
    page.click(f"main a[href*='{code}']")
    walk.look(page, "desk-correction")
    send(page)
    walk.look(page, "desk-correction-error")
    page.check(f"input[name=decision][value={decision}]")
    page.fill("[name=words]", WORDS[walk.language])
    send(page)
    assert code in page.url
    assert WORDS[walk.language] in page.inner_text("main")
    assert not page.locator("main form").count()
    walk.look(page, "desk-correction-decided")
    page.goto(walk.address("desk/corrections/", POLICE))
    walk.look(page, "desk-decided")


def read(walk: Walk, code: str) -> None:
    """Read the notice as the grandmother, and the answer where it leads."""
    page = walk.person("grandmother")
    until(page, walk.address("inbox"), lambda: code in page.inner_text("main"))
    walk.look(page, "inbox-answered")
    page.locator("main li", has_text=code).locator("button").click()
    assert page.url.endswith("/corrections/")
    assert WORDS[walk.language] in page.inner_text("main")
    walk.look(page, "corrections-answered")


def rights(walk: Walk) -> None:
    """Ask for a restriction, which the chief refuses on an article; its person reads the words."""
    page, chief = walk.person("grandmother"), walk.person("chief", POLICE)
    page.goto(walk.address("my-data/held"))
    walk.look(page, "my-data-held")
    page.goto(walk.address("my-data/ask/restrict"))
    walk.look(page, "my-data-ask")
    page.check("input[name=where][value='VN/GOV/G01/POPULATION']")
    page.fill("textarea[name=words]", "Tôi không muốn.")
    send(page)
    chief.goto(walk.address("desk/requests", POLICE))
    walk.look(chief, "desk-requests")
    chief.click("main h2 a")
    walk.look(chief, "desk-request")
    chief.check("input[name=decision][value=refuse]")
    chief.fill("[name=article]", "91/2025/QH15")
    chief.fill("[name=words]", WORDS[walk.language])
    send(chief)
    page.goto(walk.address("my-data"))
    assert WORDS[walk.language] in page.inner_text("main")
    walk.look(page, "my-data")


def breaches(walk: Walk) -> None:
    """Begin a notice of a breach as the chief, count whom reads touched, and see that no sealed read waits."""
    chief = walk.person("chief", POLICE)
    chief.goto(walk.address("desk/breaches/", POLICE))
    walk.look(chief, "desk-breaches")
    chief.locator("main form.mb4 button").click()
    walk.look(chief, "desk-breach")
    chief.goto(f"{chief.url}/persons")
    chief.select_option("[name=client]", "VN/GOV/G22/PORTAL")
    chief.fill("[name=since]", "01/01/2026")
    chief.click("button[name=do][value=count]")
    walk.look(chief, "desk-breach-persons")
    chief.goto(walk.address("desk/sealed-reads", POLICE))
    walk.look(chief, "desk-sealed")


def codes(page: Page) -> set[str]:
    return set(page.locator("main .num").all_inner_texts())


def send(page: Page) -> None:
    page.locator("main form[method=post]").first.locator(".actions button").first.click()
