"""The birth story as patient people play it: what does not answer is tried again, as by a second click."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from onedoor.kernel.errors import Unavailable
from onedoor.site.story.browser import Browser, Page
from onedoor.site.story.places import Places
from onedoor.site.story.play import Story

PATIENCE = 90.0
BROKEN = 500


class PatientBrowser(Browser):
    """Sends again what was cut off or answered with an error of the server; asks again for facts not fetched."""

    def _page(self, method: str, address: str, **sent: object) -> Page:
        deadline, pause = time.monotonic() + PATIENCE, 0.1
        while True:
            try:
                page = super()._page(method, address, **sent)
            except Unavailable:
                page = None
            if page and page.status < BROKEN and not _waits(page):
                return page
            if time.monotonic() > deadline:
                if page is None:
                    raise Unavailable(who=address)
                return page
            time.sleep(pause)
            pause = min(pause * 1.5, 1.0)
            if page and _waits(page):
                again = page.tree.get_element_by_id("again")
                fields = {name: value or "" for name, value in again.form_values()}
                method, address, sent = "POST", again.action, {"data": fields, "headers": {"Referer": page.address}}


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
