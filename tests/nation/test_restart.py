"""``onedoor restart``: a request under way is answered, nothing acknowledged is lost, and the rest goes on."""

import socket
import threading
from contextlib import closing
from pathlib import Path

import pytest

from tests.nation.patient import PatientStory
from tests.nation.running import Running, alive, family, onedoor, wait_for

pytestmark = [pytest.mark.nation, pytest.mark.timeout(400)]
ROLLED = ("gateway-G22", "node-G15", "portal-web", "gateway-G15", "portal-worker")
HEAD = b"POST /vi/sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\nConnection: close\r\n\r\n"


def restart(nation: Running, *names: str) -> str:
    done = onedoor("restart", *names, "--var", str(nation.var), seconds=200)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("name", "place"), [("portal-web", 0), ("node-G15", 2)])
def test_a_request_under_way_is_answered_while_its_process_is_started_anew(
    nation: Running, name: str, place: int
) -> None:
    nation.wait_for_all()
    before = {nation.pids()[name], *family(nation.pids()[name])}
    said: list[str] = []
    with closing(socket.create_connection(("127.0.0.1", nation.base + place), 30)) as connection:
        connection.sendall(HEAD + b"per")
        asking = threading.Thread(target=lambda: said.append(restart(nation, name)))
        asking.start()
        wait_for((nation.var / "restart" / name).exists, "nothing was asked")
        wait_for(lambda: turned_away(nation, name, place, before), "it was not asked to end")
        connection.sendall(b"sona=x")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    asking.join(60)
    assert answer.startswith(b"HTTP/1.1 4"), answer[:200]  # the form has no token: that is an answer
    assert said == [f"{name} runs anew.\n"]
    now = {nation.pids()[name], *family(nation.pids()[name])}
    assert now != before
    nation.wait_for_all()


def turned_away(nation: Running, name: str, place: int, before: set[int]) -> bool:
    """Return whether the process has heard: it listens no more, or a second worker of it runs."""
    if name == "portal-web":
        return len(family(nation.pids()[name])) > len(before) - 1
    with closing(socket.socket()) as door:
        return door.connect_ex(("127.0.0.1", nation.base + place)) != 0


def test_a_story_goes_on_while_what_it_needs_is_started_anew(nation: Running, tmp_path: Path) -> None:
    nation.wait_for_all()
    before = nation.pids()
    rolling = threading.Thread(target=lambda: restart(nation, *ROLLED))
    rolling.start()
    told = PatientStory(nation.places, tmp_path).play()
    rolling.join(200)
    assert told.good, told.line()
    nation.wait_for_all()
    now = nation.pids()
    changed = {name for name in now if now[name] != before[name]}
    # The web server replaces its worker, a gateway becomes what is installed now: both keep their sockets.
    assert changed == {name for name in ROLLED if name != "portal-web" and not name.startswith("gateway-")}
    for name in ("gateway-G22", "gateway-G15"):
        assert b"LISTEN_ANEW=" in Path(f"/proc/{now[name]}/environ").read_bytes()
    assert not [name for name in changed if alive(before[name])]


@pytest.mark.parametrize("name", ["postgres", "nobody", "../run.json"])
def test_what_cannot_be_started_anew_is_refused_in_a_sentence(nation: Running, name: str) -> None:
    done = onedoor("restart", name, "--var", str(nation.var))
    assert done.returncode == 2
    assert "can be started anew" in done.stderr
