"""Play the birth story over the pages: a midwife, a mother and three officers, each in a browser of their own."""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from onedoor.kernel import clock
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.text import pick
from onedoor.signing.pades import check_pdf
from onedoor.site import messages
from onedoor.site.messages import text as _
from onedoor.site.story.browser import Browser, Form, Page, UnexpectedPage
from onedoor.site.story.names import child_name
from onedoor.site.story.places import Places
from onedoor.site.story.told import Issued, Told

SERVICE = "vn.birth-linked"
MIDWIFE, MOTHER = "midwife", "mother"
PAGES = 20
PATIENCE = 90.0
ENDED = {"done", "partly", "refused", "stopped", "withdrawn"}
Tell = Callable[[str], None]


class StoryEnded(OnedoorError):
    """The dossier {case} ended as “{state}” instead of with its results. Its page is {address}."""


class Story:
    """One birth, from the hospital's notice to the signed results."""

    browser: type[Browser] = Browser

    def __init__(self, places: Places, folder: Path, tell: Tell = print, *, identity_card: bool = False) -> None:
        self.places = places
        self.folder = folder
        self.tell = tell
        self.identity_card = identity_card
        self.told = Told()
        self.browsers: dict[str, Browser] = {}

    def play(self) -> Told:
        """Play the whole story and return what it told."""
        start = time.perf_counter()
        notice, name = self.give_birth()
        self.declare(notice, name)
        self.follow()
        self.collect(self.case())
        self.told.seconds = time.perf_counter() - start
        return self.told

    def signed_in(self, persona: str, address: str) -> Browser:
        """Return the persona's browser, signed in at the system of *address*."""
        if persona not in self.browsers:
            browser = self.browser(self.places.language)
            form = browser.get(address).form("persona").fill({"persona": persona})
            browser.submit(form).found()
            self.browsers[persona] = browser
        return self.browsers[persona]

    def give_birth(self) -> tuple[str, str]:
        """Issue a birth notice at the hospital; return its number and the name the parents chose."""
        midwife = self.places.persona(MIDWIFE)
        sign_in, address = (self.places.desk(midwife["agency"], path) for path in ("sign-in", "desk/birth-notice"))
        browser = self.signed_in(MIDWIFE, sign_in)
        born = self.places.nation.calendar.local(clock.now()) - timedelta(days=1, hours=2)
        name = child_name()
        form = (
            browser.get(address)
            .form("mother")
            .fill(
                {
                    "mother": self.places.persona(MOTHER)["number"],
                    "born": f"{born:%Y-%m-%dT%H:%M}",
                    "sex": "F",
                    "weight_g": "3200",
                }
            )
        )
        page = browser.submit(form)
        codes = page.tree.xpath("//*[contains(@class, 'code')]")
        if not codes:
            raise UnexpectedPage(address=page.address, what=page.text()[:300])
        notice = codes[0].text_content().strip()
        self.tell(_("The hospital issued birth notice {notice}.", notice=notice))
        return notice, name

    def declare(self, notice: str, name: str) -> None:
        """Declare the birth as the mother: search, read, fill in what is not known, submit."""
        browser = self.signed_in(MOTHER, self.places.page("sign-in"))
        found = browser.get(self.places.page("services?q=khai sinh"))
        service = browser.get(found.link(f"services/{SERVICE}"))
        page = browser.get(service.link(f"services/{SERVICE}/apply"))
        answers = {
            "relation": "mother",
            "notice": notice,
            "child_name": name,
            "wants_identity_card": "yes" if self.identity_card else "no",
        }
        for _page in range(PAGES):
            form = page.main_form()
            _fill(form, answers)
            page = browser.submit(form)
            if "/receipt" in page.address:
                break
        else:
            raise UnexpectedPage(address=page.address, what=page.text()[:300])
        self.told.case = page.address.split("/cases/")[1].split("/")[0]
        self.tell(
            _(
                "The mother declared {name} once; the dossier is {case}: {address}",
                name=name,
                case=self.told.case,
                address=self.places.told(page.address),
            )
        )

    def case(self, part: str = "") -> Mapping[str, Any]:
        """Return the dossier (or its reads) as the portal tells it to the mother's browser."""
        page = self.browsers[MOTHER].get(f"{self.places.portal}/api/cases/{self.told.case}{part}")
        found: Mapping[str, Any] = json.loads(page.found().content)
        return found

    def follow(self) -> None:
        """Do each step at its desk as it arrives, until the dossier ends."""
        done: set[str] = set()
        end, pause = time.monotonic() + PATIENCE, 0.02
        while True:
            try:
                case = self.case()
            except OnedoorError:
                if time.monotonic() > end:
                    raise
                case = {"state": "working", "steps": []}
            if case["state"] in ENDED:
                break
            for step in case["steps"]:
                if step["state"] == "working" and step["id"] not in done:
                    self.decide(step)
                    done.add(step["id"])
                    pause = 0.02
            if time.monotonic() > end:
                raise UnexpectedPage(address=self.places.page(f"cases/{self.told.case}"), what=case["state"])
            time.sleep(pause)
            pause = min(pause * 1.1, 0.1)
        if case["state"] != "done":
            address = self.places.told(self.places.page(f"cases/{self.told.case}"))
            raise StoryEnded(case=self.told.case, state=case["state"], address=address)

    def decide(self, step: Mapping[str, Any]) -> None:
        """Accept a step at the desk of its agency, as that agency's officer."""
        officer = self.places.officer(step["agency"])
        browser = self.signed_in(officer["id"], self.places.desk(step["agency"], "sign-in"))
        inbox = self.places.desk(step["agency"], f"desk/?q={self.told.case}")
        listed = browser.until(
            inbox, lambda page: any("#dossier" in link for link in page.tree.xpath("//main//a/@href"))
        )
        task = browser.get(listed.link("#dossier"))
        preview = browser.submit(task.form("decision").fill({"decision": "accept"}))
        page = browser.submit(preview.form("confirm"), ("confirm", "1")).found()
        self.tell(
            _(
                "{officer} of {agency} accepted “{step}”: {address}",
                officer=officer["name"],
                agency=self._agency(step["agency"]),
                step=_spoken(step["title"]),
                address=self.places.told(page.address),
            )
        )

    def collect(self, case: Mapping[str, Any]) -> None:
        """Download and check every result; note the reads, the facts reused and the portal's ledger."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for result in case["results"]:
            self._collect(result)
        self.told.facts_reused, self.told.questions_asked = case["facts_reused"], case["questions_asked"]
        keys = ("by", "purpose", "basis", "fields")
        reads = self.case("/reads")
        self.told.reads = [{key: read[key] for key in keys} | {"by": _english(read["by"])} for read in reads["reads"]]
        self.told.touched = Counter(
            (_spoken(read["by"]), "wrote" if read["operation"] == "write" else "read", read["register"])
            for read in reads["reads"]
        )
        self.told.silent = [_spoken(name) for name in reads["silent"]]
        ledger = self.browsers[MOTHER].get(f"{self.places.portal}/api/ledger").found()
        self.told.ledger = {key: json.loads(ledger.content)[key] for key in ("size", "root")}

    def _collect(self, result: Mapping[str, Any]) -> None:
        page = self.browsers[MOTHER].get(result["file"]).found()
        path = self.folder / f"{self.told.case}-{result['kind']}.pdf"
        path.write_bytes(page.content)
        signature = self._signature(page, result)
        self.told.results.append(Issued(result["kind"], result["agency"], str(path), signature))
        self.tell(
            _(
                "{agency} sealed “{result}”; {signature}: {address}",
                agency=self._agency(result["agency"]),
                result=_spoken(result["title"]),
                signature=_("valid") if signature == "valid" else signature,
                address=self.places.told(result["verify_url"]),
            )
        )

    def _signature(self, page: Page, result: Mapping[str, Any]) -> str:
        """Check a result twice: the signature in the file, and the file at the issuing agency's public page."""
        verdict = check_pdf(page.content, self.places.trust(), twice=False)
        if not verdict.valid:
            return f"invalid: {'; '.join(str(reason) for reason in verdict.reasons)}"
        anybody = self.browser(self.places.language)
        public = anybody.get(result["verify_url"])
        sent = anybody.submit(public.form("file"), files={"file": ("result.pdf", page.content)})
        same = sent.tree.xpath("//*[@data-verdict]/@data-verdict")
        return "valid" if same == ["same"] else f"invalid: the issuing agency says “{' '.join(same) or sent.status}”"

    def _agency(self, agency: str) -> str:
        return _spoken(self.places.nation.agencies[agency].name)


def _spoken(text: Mapping[str, str]) -> str:
    return pick(text, messages.language())


def _english(text: Mapping[str, str]) -> str:
    return pick(text, "en")


def _fill(form: Form, answers: Mapping[str, str]) -> None:
    """Answer what the page asks: what the story knows, else the first choice there is."""
    form.fill({name: value for name, value in answers.items() if name in form.names})
    for name in form.names - set(answers):
        if (options := form.options(name)) and not form.chosen(name):
            form.choose(name, options[0])
    for box in form.element.xpath(".//input[@type='checkbox']"):
        box.checked = True
