"""The whole story in a real browser, as parent and officers; every kind of page is open to everybody."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from onedoor.kernel import clock
from onedoor.site.story.names import child_name
from tests.browser.people import Walk, answer, until
from tests.nation.running import Running

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
SERVICE = "vn.birth-linked"
FACILITY, COMMUNE, POLICE, INSURANCE = "facility-01901", "commune-00199", "police-00199", "vss-01"
OFFICERS = {COMMUNE: "civil-status", POLICE: "residence", INSURANCE: "cards"}
KINDS = {
    *("home", "search", "search-without-result", "service", "not-found", "not-allowed"),
    *("sign-in", "sign-in-of-an-agency", "sign-in-error"),
    *("birth-notice", "birth-notice-error", "birth-notice-issued"),
    *("start", "form-error", "saved", "review", "receipt"),
    *(
        "cases",
        "case-at-work",
        "case-done",
        "withdraw",
        "result",
        "reads",
        "own-reads",
        "own-read",
        "check",
        "sealed-reads",
        "breaches",
        "inbox",
    ),
    *("consents", "consents-agreed", "suggested"),
    *("desk", "desk-empty", "task", "decision-error", "decision", "task-done"),
    *("look-up", "look-up-form", "look-up-error", "look-up-nothing", "look-up-found"),
    *("verify", "verify-same", "verify-differs"),
}
"""Kinds of pages that every walk with a look meets, besides the pages of the form (``form-…``)."""
FORM = {"form-who", "form-child", "form-clinic", "form-receive", "form-error"}
"""Pages of the form that nobody skips: others are left out when only one answer is possible."""
WORDS = "Cha mẹ của bé không cư trú ở phường này."
ASKED, ANSWERED = "Please send the paper of the flat.", "Here it is: the lease of flat 12."
"""What is written when more is asked for; no log and no file of a database may hold it."""
SUPPLEMENT = {"decision-supplement", "task-waiting", "case-asked", "supplement", "supplement-error"}


@pytest.mark.parametrize(
    ("language", "scripts", "supplement"),
    [
        ("vi", True, False),
        pytest.param("en", True, False, marks=pytest.mark.soak),
        ("fr", True, True),
        ("vi", False, True),
    ],
)
def test_the_whole_story_in_a_browser(
    nation: Running, chromium: Browser, tmp_path: Path, language: str, scripts: bool, supplement: bool
) -> None:
    walk = Walk(nation, chromium, language, scripts=scripts, looks=scripts)
    with walk.open():
        public(walk)
        name = child_name()
        notice = give_birth(walk)
        agree(walk)
        code = declare(walk, notice, name)
        decide(walk, code, COMMUNE)
        if supplement:
            ask_for_more(walk, code)
        look_up(walk, code)
        decide(walk, code, POLICE)
        decide(walk, code, INSURANCE)
        collect(walk, code, tmp_path)
    walk.report()
    assert not walk.wrong, "\n".join(walk.wrong)
    assert not nation.holding(name, ASKED, ANSWERED)
    if walk.looks:
        assert KINDS | (SUPPLEMENT if supplement else set()) <= walk.seen, KINDS - walk.seen
        assert walk.seen >= FORM


def test_a_grandmother_declares_with_an_identity_card_and_is_refused(nation: Running, chromium: Browser) -> None:
    walk = Walk(nation, chromium, "vi", seen=KINDS | FORM - {"form-who"})  # what the mother's walk looks at as well
    answers = {
        "relation": "grandparent",
        "mother_number": nation.places.persona("mother")["number"],
        "child_name": child_name(),
        "wants_identity_card": "yes",
    }
    with walk.open():
        code = declare_shortly(walk, "grandmother", answers | {"notice": give_birth(walk)})
        refuse(walk, code)
    walk.report()
    assert not walk.wrong, "\n".join(walk.wrong)
    assert walk.seen >= {"decision-refuse", "task-refused", "case-refused"}


def declare_shortly(walk: Walk, persona: str, answers: dict[str, str]) -> str:
    """Declare a birth without a search before it; return the code of the case."""
    page = walk.person(persona)
    page.goto(walk.address(f"services/{SERVICE}/apply"))
    if page.url.endswith("/apply"):
        send(page)
    for _ in range(20):
        if "/receipt" in page.url:
            return page.url.split("/cases/")[1].split("/")[0]
        fill_in(walk, page, answers)
    raise AssertionError(page.inner_text("main")[:500])


def refuse(walk: Walk, code: str) -> None:
    """Refuse the birth on an article as the registrar; the applicant reads the article and the words."""
    page = task_of(walk, code, COMMUNE)
    page.check("form.act input[name=decision][value=refuse]")
    page.locator("form.act button[type=submit]").last.click()
    walk.look(page, "decision-refuse-error")
    page.select_option("form.act [name=article]", index=1)
    page.fill("[name=refuse_text]", WORDS)
    page.locator("form.act button[type=submit]").last.click()
    walk.look(page, "decision-refuse")
    page.click("button[name=confirm]")
    walk.look(page, "task-refused")
    applicant = walk.person("grandmother")
    until(applicant, walk.address(f"cases/{code}"), lambda: WORDS in applicant.inner_text("main"))
    walk.look(applicant, "case-refused")
    assert WORDS in applicant.inner_text("main")


def public(walk: Walk) -> None:
    """Look around without signing in."""
    page = walk.anybody()
    for kind, path in (
        ("home", ""),
        ("search", "services?q=khai sinh"),
        ("search-without-result", "services?q=zzzz"),
        ("service", f"services/{SERVICE}"),
        ("not-found", "services/nothing"),
    ):
        page.goto(walk.address(path))
        walk.look(page, kind)
    page.goto(walk.address("sign-in"))
    page.click("main button[type=submit]")
    walk.look(page, "sign-in-error")


def give_birth(walk: Walk) -> str:
    """Issue the notice as the midwife."""
    page = walk.person("midwife", FACILITY)
    page.goto(walk.address("desk/birth-notice", FACILITY))
    walk.look(page, "birth-notice")
    page.click("main form[method=post] button[type=submit]")
    walk.look(page, "birth-notice-error")
    born = walk.nation.places.nation.calendar.local(clock.now()) - timedelta(days=1, hours=3)
    page.fill("input[name=mother]", walk.nation.places.persona("mother")["number"])
    page.fill("input[name=born]", f"{born:%Y-%m-%dT%H:%M}")
    page.check("input[name=sex][value=F]")
    page.fill("input[name=weight_g]", "3150")
    page.click("main form[method=post] button[type=submit]")
    walk.look(page, "birth-notice-issued")
    return page.inner_text("main .code").strip()


def agree(walk: Walk) -> None:
    """Agree as the mother to be told of her birth notices, find the one there is, and take it back."""
    page = walk.person("mother")
    page.goto(walk.address("suggested"))
    assert not page.locator("main a.btn").count()
    page.click("main a[href*='consents#']")
    walk.look(page, "consents")
    page.click("main button[name=answer][value=yes]")
    walk.look(page, "consents-agreed")
    page.goto(walk.address("suggested"))
    walk.look(page, "suggested")
    assert page.locator(f"main a.btn[href*='services/{SERVICE}/apply']").count()
    page.goto(walk.address("consents"))
    page.click("main button[name=answer][value=no]")
    page.goto(walk.address("suggested"))
    assert not page.locator("main a.btn").count()


def declare(walk: Walk, notice: str, name: str) -> str:
    """Declare the birth as the mother, from the first page on; return the code of the case."""
    page = walk.person("mother")
    page.goto(walk.address(""))
    page.fill("main input[type=search]", "khai sinh")
    page.keyboard.press("Enter")
    page.locator(f"main a[href*='services/{SERVICE}']").first.click()
    page.locator(f"main a[href*='services/{SERVICE}/apply']").first.click()
    if page.url.endswith("/apply"):
        walk.look(page, "start")
        send(page)
    answers = {"relation": "mother", "notice": notice, "child_name": name, "wants_identity_card": "no"}
    for _ in range(20):
        if "/receipt" in page.url:
            break
        fill_in(walk, page, answers)
    walk.look(page, "receipt")
    code = page.url.split("/cases/")[1].split("/")[0]
    for kind, path in (("cases", "cases/"), ("case-at-work", f"cases/{code}"), ("withdraw", f"cases/{code}/withdraw")):
        page.goto(walk.address(path))
        walk.look(page, kind)
    return code


def fill_in(walk: Walk, page: Page, answers: dict[str, str]) -> None:
    """Fill in one page of the form; before that, send the page with the name empty, once, and save a draft, once."""
    place = page.url.rstrip("/").rpartition("/")[2]
    walk.look(page, "review" if place == "review" else f"form-{place}")
    if page.locator("[name=child_name]").count() and "form-error" not in walk.seen:
        page.fill("[name=child_name]", "")
        send(page)
        assert page.locator(".errors a").count(), page.inner_text("main")
        walk.look(page, "form-error")
        walk.seen.add("form-error")
        answer(page, answers)
        page.click("button[name=save]")
        walk.look(page, "saved")
        page.goto(walk.address(f"services/{SERVICE}/apply/{place}"))
    answer(page, answers)
    send(page)


def send(page: Page) -> None:
    page.locator("main form[method=post]").first.locator(".actions button").first.click()


def task_of(walk: Walk, code: str, agency: str) -> Page:
    """Open the task of a case at the desk of *agency*, as soon as it is there."""
    page = walk.person(OFFICERS[agency], agency)
    if "desk-empty" not in walk.seen:
        page.goto(walk.address("desk/?q=zzzz", agency))
        walk.look(page, "desk-empty")
    link = page.locator("main a[href*='#dossier']")
    until(page, walk.address(f"desk/?q={code}", agency), link.count)
    walk.look(page, "desk")
    link.first.click()
    return page


def decide(walk: Walk, code: str, agency: str) -> None:
    """Look at the task, forget to choose, choose, look at the decision, confirm, wait for the result."""
    page = task_of(walk, code, agency)
    walk.look(page, "task")
    if "decision-error" not in walk.seen:
        page.locator("form.act button[type=submit]").last.click()
        walk.look(page, "decision-error")
        walk.seen.add("decision-error")
    page.check("form.act input[name=decision][value=accept]")
    page.locator("form.act button[type=submit]").last.click()
    walk.look(page, "decision")
    page.click("button[name=confirm]")
    until(page, page.url, page.locator("main a[href*='/verify/']").count)
    walk.look(page, "task-done")


def look_up(walk: Walk, code: str) -> None:
    """Look the mother up by hand as the police, by the keyboard alone: nothing typed, a number nobody has, hers."""
    page = task_of(walk, code, POLICE)
    page.goto(walk.address("desk/look-up", POLICE))
    walk.look(page, "look-up")
    page.locator("main a[href$='/look-up/permanent-residence/population/number']").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("[name=by-number]")
    walk.look(page, "look-up-form")
    address = page.url
    look_for(page, "", "")
    assert page.locator(".errors a").count() == 2, page.inner_text("main")
    walk.look(page, "look-up-error")
    mother = walk.nation.places.persona("mother")
    for number, kind in (("001190204813", "nothing"), (mother["number"], "found")):
        look_for(page, number, code)
        assert page.locator("#found").count()
        assert (mother["name"] in page.inner_text("main")) == (kind == "found")
        assert page.url == address
        walk.look(page, f"look-up-{kind}")


def look_for(page: Page, number: str, code: str) -> None:
    page.locator("[name=by-number]").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type(number or " ")
    page.keyboard.press("Tab")
    page.keyboard.press("Control+A")
    page.keyboard.type(code or " ")
    with page.expect_navigation():
        page.keyboard.press("Enter")


def ask_for_more(walk: Walk, code: str) -> None:
    """Ask for a supplement as the police, answer it as the mother."""
    page = task_of(walk, code, POLICE)
    page.check("form.act input[name=decision][value=supplement]")
    page.fill("[name=supplement_text]", ASKED)
    page.locator("form.act button[type=submit]").last.click()
    walk.look(page, "decision-supplement")
    page.click("button[name=confirm]")
    walk.look(page, "task-waiting")
    mother = walk.person("mother")
    link = mother.locator("main a[href*='/supplement']")
    until(mother, walk.address(f"cases/{code}"), link.count)
    walk.look(mother, "case-asked")
    link.first.click()
    walk.look(mother, "supplement")
    send(mother)
    walk.look(mother, "supplement-error")
    mother.fill("[name=text]", ANSWERED)
    send(mother)
    until(page, walk.address(f"desk/?q={code}", POLICE), page.locator("main a[href*='#dossier']").count)


def collect(walk: Walk, code: str, folder: Path) -> None:
    """Download the results as the mother, verify one as anybody, with the file and with one changed byte."""
    page = walk.person("mother")
    downloads = "main a.btn[href*='/results/']:not([href$='/about'])"
    until(page, walk.address(f"cases/{code}"), lambda: page.locator(downloads).count() >= 3)
    walk.look(page, "case-done")
    for kind, path in (
        *(("reads", f"cases/{code}/reads"), ("own-reads", "reads"), ("check", "how-you-can-check-us")),
        *(
            ("sealed-reads", "sealed-reads"),
            ("breaches", "breaches"),
            ("inbox", "inbox"),
            ("not-allowed", "cases/2611-0000-00"),
        ),
    ):
        page.goto(walk.address(path))
        walk.look(page, kind)
    page.goto(walk.address("reads"))
    page.locator("main ol.reads a[href*='/reads/']").first.click()
    walk.look(page, "own-read")
    page.goto(walk.address(f"cases/{code}"))
    with page.expect_download() as download:
        page.locator(downloads).first.click()
    file = folder / "result.pdf"
    download.value.save_as(file)
    assert file.read_bytes().startswith(b"%PDF")
    page.goto(walk.address(f"cases/{code}/results/birth_certificate/about"))
    walk.look(page, "result")
    verify(walk, page, file)


def verify(walk: Walk, result: Page, file: Path) -> None:
    link = result.locator("main a[href*='/verify/']").first.get_attribute("href")
    assert link
    page = walk.anybody()
    page.goto(re.sub(r"/vi/verify/", f"/{walk.language}/verify/", link))
    walk.look(page, "verify")
    altered = file.with_name("altered.pdf")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    altered.write_bytes(content)
    for kind, sent in (("same", file), ("differs", altered)):
        page.set_input_files("input[name=file]", sent)
        page.click("main form[method=post] button[type=submit]")
        assert page.locator("[data-verdict]").get_attribute("data-verdict") == kind
        walk.look(page, f"verify-{kind}")
