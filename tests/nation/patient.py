"""The birth story as patient people play it: what does not answer is tried again, as by a second click."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from onedoor.kernel.errors import Unavailable
from onedoor.site.story.browser import Browser, Page
from onedoor.site.story.places import Places
from onedoor.site.story.play import Story

PATIENCE = 90.0
BROKEN = 500


class PatientBrowser(Browser):
    """Sends again what was cut off or answered with an error of the server; asks again for facts not fetched."""

    def _page(self, method: str, address: str, **sent: object) -> Page:
        deadline = time.monotonic() + PATIENCE
        page = super()._page(method, address, **sent)
        while _waits(page) and time.monotonic() < deadline:
            time.sleep(0.5)
            again = page.tree.get_element_by_id("again")
            fields = {name: value or "" for name, value in again.form_values()}
            page = super()._page("POST", again.action, data=fields, headers={"Referer": page.address})
        return page

    def _answer(self, method: str, address: str, **sent: object) -> requests.Response:
        """Try one step again by itself: a form that was accepted is not sent again when the page after it fails."""
        deadline, pause = time.monotonic() + PATIENCE, 0.1
        while True:
            try:
                answer = super()._answer(method, address, **sent)
            except Unavailable:
                if time.monotonic() > deadline:
                    raise
            else:
                if answer.status_code < BROKEN or time.monotonic() > deadline:
                    return answer
            time.sleep(pause)
            pause = min(pause * 1.5, 1.0)


class PatientStory(Story):
    """A story whose people never give up; the number of the birth notice can be looked at afterwards."""

    browser = PatientBrowser

    def __init__(self, places: Places, folder: Path) -> None:
        super().__init__(places, folder, lambda _sentence: None)
        self.notice = ""

    def give_birth(self) -> tuple[str, str]:
        self.notice, name = super().give_birth()
        return self.notice, name

    def case(self, part: str = "") -> Mapping[str, Any]:
        """Return the dossier; reads are asked again until every agency answers."""
        deadline = time.monotonic() + PATIENCE
        found = super().case(part)
        while found.get("silent") and time.monotonic() < deadline:
            time.sleep(0.5)
            found = super().case(part)
        return found


def _waits(page: Page) -> bool:
    """Return whether the page says that facts could not be fetched and offers to ask again."""
    return page.media == "text/html" and b'id="again"' in page.content
