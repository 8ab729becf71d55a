"""The invented country runs as real processes, in French first: one service from the form to a signed result."""

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from onedoor.kernel import settings
from onedoor.signing.pades import check_pdf
from onedoor.site.story.browser import Browser, Page
from tests.nation.running import HOME, Running, free_base, kept_running, wait_for

pytestmark = [pytest.mark.nation, pytest.mark.timeout(200)]
TESTLAND = settings.REPOSITORY / "nations" / "testland"
SERVICE = "tl.bicycle-mark"
TOWN = "town-N101"


@pytest.fixture(scope="module")
def testland(request: pytest.FixtureRequest) -> Iterator[Running]:
    """Give the invented country, running."""
    var = HOME / f"{os.getpid()}-testland"
    running = Running(var, free_base(), TESTLAND)
    with kept_running(running, var, request.session):
        yield running


def begun(browser: Browser, address: str) -> Page:
    """Return the first page of the form, after the one that says who will be asked."""
    return browser.submit(browser.get(address).found().main_form()).found()


def declare(testland: Running, colour: str) -> str:
    """Have the rider ask for a second bicycle to be marked; return the code of the dossier."""
    rider = testland.signed_in("rider", language="fr")
    found = rider.get(testland.places.page("services?q=velo")).found()
    service = rider.get(found.link(f"services/{SERVICE}")).found()
    assert "Faire marquer un vélo" in service.text()
    page = begun(rider, service.link(f"services/{SERVICE}/apply"))
    assert "Quel vélo ?" in page.text()
    for _ in range(4):
        form = page.main_form()
        if "colour" in form.names:
            form.choose("colour", colour)
        page = rider.submit(form).found()
        if "/receipt" in page.address:
            return page.address.split("/cases/")[1].split("/")[0]
    raise AssertionError(page.text())


def accept(testland: Running, case: str) -> None:
    """Have the town's clerk accept the step at the desk of the register's system."""
    clerk = testland.signed_in("clerk", TOWN, "fr")
    inbox = testland.places.desk(TOWN, f"desk/?q={case}")
    listed = clerk.until(inbox, lambda page: any("#dossier" in one for one in page.tree.xpath("//main//a/@href")))
    task = clerk.get(listed.link("#dossier")).found()
    assert "Marquer le vélo" in task.text()
    preview = clerk.submit(task.form("decision").fill({"decision": "accept"})).found()
    clerk.submit(preview.form("confirm"), ("confirm", "1")).found()


def dossier(testland: Running, case: str) -> dict[str, Any]:
    page = testland.browsers["rider", ""].get(f"{testland.places.portal}/api/cases/{case}").found()
    return dict(json.loads(page.content))


def test_a_service_of_another_nation_goes_from_the_form_to_a_signed_result(testland: Running) -> None:
    front = Browser("").get(testland.places.portal + "/").found()
    assert front.address.endswith("/fr/")
    assert front.tree.get("lang") == "fr"
    case = declare(testland, "red")
    accept(testland, case)
    done = wait_for(lambda: (found := dossier(testland, case))["state"] == "done" and found, "the dossier stays open")
    (result,) = done["results"]
    assert (result["kind"], result["agency"], result["title"]["fr"]) == ("slip", TOWN, "Marquage du vélo")
    content = testland.browsers["rider", ""].get(result["file"]).found().content
    verdict = check_pdf(content, testland.places.trust())
    assert verdict.valid, verdict.reasons
    public = Browser("fr").get(result["verify_url"]).found()
    assert "Mairie de Colline" in public.text()
    reads = testland.browsers["rider", ""].get(testland.places.page(f"cases/{case}/reads")).found()
    assert "registre des vélos" in reads.text().casefold()
    assert not [one for one in ("Việt", "Viet Nam", "12 chiffres") if one in front.text() + reads.text()]
