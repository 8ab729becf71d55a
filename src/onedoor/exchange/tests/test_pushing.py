"""A room pushes to whom its own gateway grants to subscribe, and to nobody else: its operator's word ends it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from onedoor.exchange.granting import Provider
from onedoor.exchange.permissions import Permission
from onedoor.exchange.tests.nation import Place, free_base, system_of, wait_for

ROOM, SUBSCRIBER = "VN/GOV/G15/CIVIL-STATUS", "VN/GOV/G24/INSURANCE"
QUICK = "from onedoor.exchange.gateway import main; main.REFRESH = 0.3"
API = f"{ROOM}/api"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with Place(tmp_path, free_base(), before=QUICK) as place:
        place.start("directory", "gateway-G15", "gateway-G24")
        yield place


@pytest.mark.parametrize("away", [False, True], ids=["", "while the directory is away"])
def test_who_may_subscribe_no_more_is_pushed_nothing_by_the_rooms_own_gateway(place: Place, away: bool) -> None:
    folder = place.seats["G15"].gateway_state
    client = place.client("G15")

    def pushed(service: str = f"{SUBSCRIBER}/events") -> str:
        answer = place.ask(f"/r1/{service}/v1/birth", client=client, X_Road_Client=ROOM, Onedoor_Purpose="events",
                           Onedoor_Basis="nd278-2025")  # fmt: skip
        return answer.headers.get("x-road-error", "")

    with system_of(place, "G24") as system:
        wait_for(lambda: not pushed(), "the room pushes")
        if away:
            place.kill("directory")
        ended = Provider(folder, datetime.now(UTC)).revoke(SUBSCRIBER, API)
        wait_for(lambda: pushed() == "Server.ClientProxy.AccessDenied", "the room's gateway refuses")
        seen = len(system.seen)
        assert pushed() == "Server.ClientProxy.AccessDenied"
        assert len(system.seen) == seen
        assert pushed(f"{SUBSCRIBER}/changes") != "Server.ClientProxy.AccessDenied", "it is about pushes alone"
        (one,) = {grant.permission for grant in ended}
        Provider(folder, datetime.now(UTC)).grant(Permission(SUBSCRIBER, API, one.purposes, one.endpoints), None)
        wait_for(lambda: not pushed(), "the room pushes again")
    client.close()
