"""A breach over the real exchange: its notice is acknowledged, and whom it touched is told once."""

from datetime import timedelta

import pytest

from onedoor.kernel import clock
from tests.nation.running import Running

pytestmark = [pytest.mark.nation, pytest.mark.timeout(200)]
COMMUNE, POLICE = "commune-00199", "police-00199"
PORTAL = "VN/GOV/G22/PORTAL"
WORDS = "Tệp có tên của bạn đã mở trong một ngày."
SAID = {"what": "A file lay open.", "persons": "1", "consequences": "Calls", "measures": "Closed", "contact": "Office"}


def test_a_breach_from_being_found_to_the_inbox(nation: Running) -> None:
    mother, chair = nation.signed_in("mother"), nation.signed_in("chair", COMMUNE)
    mother.get(nation.places.page("reads")).found()
    page = chair.submit(chair.get(nation.places.desk(COMMUNE, "desk/breaches/")).form("key"))
    at = page.address
    now = clock.now().astimezone(nation.places.nation.zone)
    notice = page.form("what").fill(SAID | {"found": f"{now - timedelta(minutes=5):%d/%m/%Y %H:%M}"})
    notice.element.xpath(".//input[@name='kinds']")[0].set("checked", "checked")
    assert "2026" in chair.submit(notice, ("do", "send")).found().text()
    code = at.rpartition("/")[2]
    chief = nation.signed_in("chief", POLICE)
    listed = chief.until(nation.places.desk(POLICE, "desk/breaches/"), lambda page: code in page.text())
    received = chief.get(next(a.get("href") for a in listed.tree.xpath("//section//a") if code in a.text_content()))
    assert SAID["what"] in received.text()
    chief.submit(received.main_form()).found()
    chair.until(at, lambda page: "đã xác nhận" in page.text())

    reads = {"client": PORTAL, "since": f"{now - timedelta(days=1):%d/%m/%Y}"}
    counted = chair.submit(chair.get(f"{at}/persons").form("client").fill(reads), ("do", "count")).found()
    told = counted.form("words-vi").fill({"words-vi": WORDS, "contact": "Office"})
    for _twice in range(2):
        chair.submit(told, ("do", "tell")).found()
    inbox = mother.until(nation.places.page("inbox"), lambda page: WORDS in page.text())
    assert len([one for one in inbox.tree.xpath("//ol/li/h2") if WORDS in one.text_content()]) == 1
    month = f"{now:%m/%Y}"
    public = nation.signed_in("mother").until(nation.places.page("breaches"), lambda page: month in page.text(), 90)
    assert "phường Láng" in public.text()
