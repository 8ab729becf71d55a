"""What the pages show while they are measured: a dossier done, one at work, and a draft, made over HTTP."""

from dataclasses import dataclass, field
from pathlib import Path

import requests

from onedoor.site.story.browser import Browser, Page
from onedoor.site.story.places import Places
from onedoor.site.story.play import MOTHER, SERVICE, Story, _fill

PAGES = 20


@dataclass
class Stage:
    """Codes and addresses of what was made, and the browsers of who is signed in."""

    places: Places
    story: Story
    service: str = SERVICE
    done: str = ""
    fresh: str = ""
    kind: str = ""
    task: str = ""
    verify: str = ""
    form: list[str] = field(default_factory=list)
    decided: dict[str, str] = field(default_factory=dict)

    def browser(self, persona: str) -> Browser:
        """Return the browser of a persona, signed in where it acts."""
        agency = self.places.persona(persona).get("agency")
        address = self.places.desk(agency, "sign-in") if agency else self.places.page("sign-in")
        return self.story.signed_in(persona, address)

    def session(self, persona: str) -> requests.Session:
        """Return the cookies and headers of a persona's browser."""
        return self.browser(persona).session


def quiet(_sentence: str) -> None:
    """Say nothing."""


def set_up(places: Places, folder: Path) -> Stage:
    """Play one birth to its end, submit a second one, and fill in a third up to its review."""
    story = Story(places, folder, quiet)
    story.play()
    stage = Stage(places, story, done=story.told.case)
    case = story.case()
    stage.kind, stage.verify = case["results"][0]["kind"], case["results"][0]["verify_url"]
    stage.decided = {step["agency"]: _task(stage, step["agency"], stage.done, "done") for step in case["steps"]}
    story.declare(*story.give_birth())
    stage.fresh = story.told.case
    stage.task = _task(stage, case["steps"][0]["agency"], stage.fresh, "open")
    stage.form = _draft(stage)
    return stage


def _task(stage: Stage, agency: str, code: str, tab: str) -> str:
    browser = stage.browser(stage.places.officer(agency)["id"])
    desk = stage.places.desk(agency, f"desk/?tab={tab}&q={code}")
    listed = browser.until(desk, lambda page: any("#dossier" in link for link in page.tree.xpath("//main//a/@href")))
    return listed.link("#dossier").partition("#")[0].partition("?")[0]


def _draft(stage: Stage) -> list[str]:
    """Answer every page of a third declaration but the last; return the pages' ids."""
    notice, name = stage.story.give_birth()
    answers = {"relation": "mother", "notice": notice, "child_name": name, "wants_identity_card": "no"}
    browser = stage.browser(MOTHER)
    apply = stage.places.page(f"services/{SERVICE}")
    page: Page = browser.get(browser.get(apply).link(f"services/{SERVICE}/apply"))
    if page.address.endswith("/apply"):
        page = browser.submit(page.main_form())
    seen = []
    for _ in range(PAGES):
        seen.append(page.address.rpartition("/")[2])
        if seen[-1] == "review":
            return seen[:-1]
        form = page.main_form()
        _fill(form, answers)
        page = browser.submit(form)
    raise RuntimeError(f"the form does not come to its review: {seen}")
