"""What becomes of requests under way when the other gateway refuses, or the link ends."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from onedoor.exchange.gateway import batches, messages
from onedoor.exchange.gateway.asking import AskingLink, Peer
from onedoor.exchange.gateway.bodies import Passing
from onedoor.exchange.gateway.faults import Fault
from onedoor.exchange.gateway.log import Callback
from onedoor.exchange.gateway.messages import Message, Response

NAMES = ("came", "waits")


class Core:
    """Keeps what is logged until the test says that it is durable."""

    id, operations = "VN/GOV/G22/GATEWAY", None

    def __init__(self) -> None:
        self.passing = Passing()
        self.durable: list[Callback] = []

    def check_signer(self, _: object) -> None: ...

    def keep(self, _kind: int, _payload: bytes, _signer: object, durable: Callback) -> None:
        self.durable.append(durable)


class Ends:
    """What became of each request."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.told: dict[str, str] = {}
        self.core = Core()
        gateway = cast("Any", SimpleNamespace(id="VN/GOV/G01/GATEWAY"))
        self.peer = Peer(cast("Any", self.core), gateway, cast("Any", None))
        monkeypatch.setattr(self.peer, "_reach", lambda: None)
        self.link = AskingLink(self.peer)
        self.link.peer = gateway
        for name in NAMES:
            self._ask(name)
        self.peer.outbox.drop()
        self.peer.ready(self.link)
        hashed = next(iter(self.peer.awaited[NAMES[0]].hashes)).encode()
        head = messages.response_head(200, b"OK", [(b"X-Road-Request-Id", b"came"), (b"X-Road-Request-Hash", hashed)])
        batch = SimpleNamespace(messages=[Message.of(head, b"")], signer=SimpleNamespace(signing=None))
        monkeypatch.setattr(batches, "unseal", lambda *_: batch)
        self.link.frame_received(batches.RESPONSES, b"", gateway)

    def _ask(self, name: str) -> None:
        def answered(_response: Response, _body: bytes, _stream: object) -> None:
            self.told[name] = "answered"

        def failed(fault: Fault) -> None:
            self.told[name] = fault.type

        head = messages.request_head(b"GET", b"/r1/x", [(b"X-Road-Request-Id", name.encode())])
        self.peer.ask(head, b"", name, answered, failed)


@pytest.mark.parametrize("how", ["refused", "lost"])
def test_an_answer_that_is_being_logged_when_the_link_ends_is_an_answer(
    monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    ends = Ends(monkeypatch)
    if how == "refused":
        ends.link.frame_received(batches.REFUSED, batches.LOG_FAILED, cast("Any", ends.link.peer))
    ends.link.connection_lost(None)
    why = "Server.ServerProxy.LoggingFailed" if how == "refused" else "Server.ClientProxy.NetworkError"
    assert ends.told == {"waits": why}
    ends.core.durable[0](None)
    assert ends.told == {"came": "answered", "waits": why}
    assert not ends.peer.awaited


def test_an_answer_that_cannot_be_logged_is_none_though_the_link_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = Ends(monkeypatch)
    ends.link.connection_lost(None)
    ends.core.durable[0](OSError(28, "no room"))
    assert ends.told == {"came": "Server.ClientProxy.LoggingFailed", "waits": "Server.ClientProxy.NetworkError"}
