"""The nation that the tutorial writes starts, and gives Ada the extract she asks for."""

import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from onedoor.exchange.directory.national import NotPublished, reader
from onedoor.kernel.fetching import Server
from onedoor.site.story.play import MOTHER, Story
from tests.docs import runner
from tests.nation.running import HOME, ROOT, Running, free_base, kept_running

pytestmark = [pytest.mark.nation, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def islands(request: pytest.FixtureRequest) -> Iterator[Running]:
    """Write the nation as the page says, and start it."""
    folder = HOME / f"{os.getpid()}-tutorial"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    runner.play(ROOT / "docs" / "tutorials" / "a-nation-of-your-own.md", folder)
    running = Running(folder / "var", free_base(), folder / "islands")
    running.places = replace(running.places, language="en")
    with kept_running(running, folder, request.session):
        yield running


def test_a_ledger_that_has_not_begun_is_not_taken_for_a_silent_one(islands: Running) -> None:
    for one in (islands.base, islands.base + 1):
        with closing(Server(f"http://127.0.0.1:{one}/ledger", 5.0)) as server, pytest.raises(NotPublished):
            reader(server)("checkpoint", 4096)


def test_ada_asks_the_islands_for_an_extract_and_gets_it_sealed(islands: Running, tmp_path: Path) -> None:
    story = Story(islands.places, tmp_path)
    ada = islands.signed_in("ada", language="en")
    story.browsers[MOTHER] = ada
    page = ada.get(ada.get(islands.places.page("services?q=extract")).link("services/xi.extract"))
    page = ada.get(page.link("services/xi.extract/apply"))
    page = ada.submit(page.main_form())
    assert "Ada Reef" in page.text()
    page = ada.submit(page.main_form().fill({"use": "travel"}))
    form = page.main_form()
    for box in form.element.xpath(".//input[@type='checkbox']"):
        box.checked = True
    page = ada.submit(form)
    assert "/receipt" in page.address, page.text()
    story.told.case = page.address.split("/cases/")[1].split("/")[0]
    story.follow()
    story.collect(story.case())
    assert [(one.kind, one.agency, one.signature) for one in story.told.results] == [("extract", "hall-N101", "valid")]
    reads = [(one["purpose"], one["basis"]) for one in story.told.reads]
    assert reads.count(("extract", "act-1.4")) == 1
    assert set(reads) == {("extract", "act-1.4"), ("hand-over", "act-1.5")}, "the hall was given it, and opened it"
