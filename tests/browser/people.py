"""People at their browsers: each has an own one; every kind of page they meet is looked at once, wide and narrow."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Response

from tests.nation.running import ROOT, Running

WIDE, PHONE, NARROWEST = 1280, 390, 320
HEIGHT = 900
SCREENSHOTS = ROOT / "var" / "screenshots"
EXPECTED = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SYNTHETIC = {
    "vi": ("mọi người và dữ liệu ở đây đều là giả lập", "con người, mã số và giấy tờ đều là giả lập"),
    "en": ("all people and data here are synthetic", "the people, their numbers and their papers are synthetic"),
    "fr": (
        "toutes les personnes et données sont fictives",
        "les personnes, leurs numéros et leurs documents sont fictifs",
    ),
}
"""What the head and the foot of every page say of a demonstration."""
AXE = Axe()
ONLY_FAULTS = {"resultTypes": ["violations"]}


@dataclass
class Walk:
    """One way through the pages in one language, with or without JavaScript, and all that was wrong on it."""

    nation: Running
    chromium: Browser
    language: str
    scripts: bool = True
    looks: bool = True
    seen: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    contexts: dict[tuple[str, str], BrowserContext] = field(default_factory=dict)

    @contextmanager
    def open(self) -> Iterator["Walk"]:
        """Close every browser at the end."""
        try:
            yield self
        finally:
            for context in self.contexts.values():
                context.close()

    @property
    def name(self) -> str:
        return self.language if self.scripts else f"{self.language}-without-javascript"

    def anybody(self) -> Page:
        """Return a page of a browser that nobody is signed in at."""
        return self._context("", "").new_page()

    def person(self, persona: str, agency: str = "") -> Page:
        """Return a page of a persona's browser, signed in by the form at the portal or at an agency's node."""
        if (persona, agency) in self.contexts:
            return self._context(persona, agency).pages[0]
        page = self._context(persona, agency).new_page()
        page.goto(self.address("sign-in", agency))
        self.look(page, "sign-in-of-an-agency" if agency else "sign-in")
        page.check(f"input[name=persona][value='{persona}']")
        page.click("main button[type=submit]")
        assert "/sign-in" not in page.url, page.inner_text("main")
        return page

    def address(self, path: str, agency: str = "") -> str:
        """Return the address of a page in the language of this walk."""
        address = self.nation.places.desk(agency, path) if agency else self.nation.places.page(path)
        return address.replace("/vi/", f"/{self.language}/", 1)

    def _context(self, persona: str, agency: str) -> BrowserContext:
        if (persona, agency) not in self.contexts:
            context = self.chromium.new_context(
                java_script_enabled=self.scripts,
                locale=self.language,
                viewport={"width": WIDE, "height": HEIGHT},
                reduced_motion="reduce",
            )
            context.set_default_timeout(30_000)
            context.on("console", self._console)
            context.on("response", self._response)
            context.on("weberror", lambda error: self.wrong.append(f"script error: {error.error}"))
            self.contexts[persona, agency] = context
        return self.contexts[persona, agency]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not EXPECTED.match(message.text):
            self.wrong.append(f"{message.page.url if message.page else ''}: console: {message.text}")

    def _response(self, response: Response) -> None:
        policy = response.headers.get("content-security-policy", "")
        if "default-src 'none'" not in policy or "unsafe" in policy:
            self.wrong.append(f"{response.url}: its content policy is “{policy}”")

    def look(self, page: Page, kind: str) -> None:
        """Look at a kind of page once: nothing for axe to find, nothing that scrolls sideways, a picture to look at."""
        if kind in self.seen or not self.looks:
            return
        self.seen.add(kind)
        assert page.locator("html").get_attribute("lang") == self.language, page.url
        for part, sentence in zip(("header", "footer"), SYNTHETIC[self.language], strict=True):
            if sentence not in page.locator(f"body > {part}").first.inner_text():
                self.wrong.append(f"{kind}: its {part} does not say: {sentence}")
        for width in (WIDE, PHONE):
            page.set_viewport_size({"width": width, "height": HEIGHT})
            self.picture(page, f"{kind}-{width}")
            if width == WIDE and self.language != self.nation.places.language:
                continue  # of its own language axe sees both; the others differ in their words, which are the same
            for fault in AXE.run(page, options=ONLY_FAULTS).response["violations"]:
                places = "; ".join(node["html"][:160] for node in fault["nodes"][:3])
                self.wrong.append(f"{kind} at {width}: axe {fault['id']}: {fault['help']}: {places}")
        page.set_viewport_size({"width": NARROWEST, "height": HEIGHT})
        if (over := page.evaluate(OVERFLOW)) > 0:
            self.wrong.append(f"{kind}: {over} pixels wider than {NARROWEST}: {_too_wide(page)}")
        page.set_viewport_size({"width": WIDE, "height": HEIGHT})

    def report(self) -> None:
        """Write down what was wrong, beside the pictures."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        (SCREENSHOTS / f"{self.name}.txt").write_text("\n".join(self.wrong) + "\n" if self.wrong else "")

    def picture(self, page: Page, name: str) -> None:
        """Keep a picture for people to look at."""
        page.screenshot(path=Path(SCREENSHOTS / self.name / f"{name}.png"), full_page=True)


def _too_wide(page: Page) -> str:
    script = f"""[...document.body.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > {NARROWEST} + 1)
        .slice(0, 3).map(e => e.outerHTML.replace(/\\s+/g, ' ').slice(0, 80)).join(' | ')"""
    return str(page.evaluate(script))


def answer(page: Page, answers: dict[str, str]) -> None:
    """Answer what a page of the form asks: what is known, else the first choice there is; agree to everything."""
    form = page.locator("main form[method=post]").first
    for name in dict.fromkeys(filter(None, form.locator("[name]").evaluate_all("all => all.map(one => one.name)"))):
        fields = form.locator(f"[name='{name}']")
        kind = fields.first.get_attribute("type") or fields.first.evaluate("one => one.tagName.toLowerCase()")
        if kind == "radio":
            _choose(fields, answers.get(name, ""))
        elif kind == "select":
            _select(fields.first, answers.get(name, ""))
        elif kind == "checkbox":
            fields.first.check()
        elif name in answers and kind in ("text", "textarea"):
            fields.first.fill(answers[name])


def _choose(radios: Locator, value: str) -> None:
    wanted = [one for one in radios.all() if one.get_attribute("value") == value]
    if wanted:
        wanted[0].check()
    elif not any(one.is_checked() for one in radios.all()):
        radios.first.check()


def _select(box: Locator, value: str) -> None:
    options = [one for one in box.locator("option").evaluate_all("all => all.map(one => one.value)") if one]
    if value in options:
        box.select_option(value)
    elif not box.input_value():
        box.select_option(options[0])


def until(page: Page, address: str, there: Callable[[], object]) -> None:
    """Go to *address* again and again until what is looked for is *there*; fail after half a minute."""
    for _ in range(120):
        page.goto(address)
        if there():
            return
        page.wait_for_timeout(250)
    raise AssertionError(f"nothing comes at {address}: {page.inner_text('main')[:500]}")


def spoken(languages: Iterable[str]) -> list[Any]:
    """Return the nation's own language for every run, and the others for the long counts."""
    first, *others = languages
    return [first, *(pytest.param(one, marks=pytest.mark.soak) for one in others)]
