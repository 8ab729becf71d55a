"""Which of a member's gateways is asked next, and when none may be: what the first one may have taken."""

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import pytest

from onedoor.exchange.gateway.bodies import Body, Limits
from onedoor.exchange.gateway.circuits import FAILURES, Circuit
from onedoor.exchange.gateway.faults import UNKNOWN, UNTAKEN, Fault, client_side
from onedoor.exchange.gateway.replay import Seen, TooMany
from onedoor.exchange.gateway.several import Sending, Several


class Peer:
    """A gateway that refuses to be asked, or waits for the test to say how it went."""

    def __init__(self, name: str, *, refuses: bool = False) -> None:
        self.gateway = SimpleNamespace(id=name)
        self.circuit, self.linked, self.refuses = Circuit(name), False, refuses
        self.asked: list[Callable[[Fault], None]] = []

    def ask(self, *given: Any) -> None:
        if self.refuses:
            raise client_side("Overloaded", "Too many requests wait for this provider", retry=True)
        self.asked.append(given[-1])

    def fail(self, fate: str) -> None:
        fault = client_side("NetworkError", "lost")
        fault.fate = fate
        self.asked.pop()(fault)


class Both:
    """Two gateways of one member, and what became of what was sent."""

    def __init__(self, *, refuse: bool = False) -> None:
        self.core = SimpleNamespace(id="VN/GOV/G22/GATEWAY", sent=cast("Any", Seen(slots=256)), draining=False)
        self.peers = {name: Peer(name, refuses=refuse) for name in ("one", "two")}
        self.several = Several(cast("Any", self.core), cast("Any", self.peers))
        self.failed: list[Fault] = []

    def send(self, message_id: str = "id", *, harmless: bool = False, body: bytes | Body = b"") -> None:
        given = b"head", body, "r-1", "client", message_id, harmless
        sending = Sending(*given, lambda *_: None, self.failed.append)
        self.several.send(sending, self.gateways, Mock())

    @property
    def gateways(self) -> list[Any]:
        return [one.gateway for one in self.peers.values()]

    @property
    def asked(self) -> Peer:
        """Return the only gateway that is asked now."""
        (found,) = (one for one in self.peers.values() if one.asked)
        return found

    def is_known(self) -> bool:
        """Return whether the id is refused when it comes again."""
        try:
            self.send()
        except Fault as fault:
            return fault.type.endswith("InvalidRequest")
        return False


def test_an_id_that_no_gateway_would_take_may_come_again() -> None:
    both = Both(refuse=True)
    for _ in range(2):
        with pytest.raises(Fault, match="Overloaded"):
            both.send()


@pytest.mark.parametrize(
    ("fates", "harmless", "known"),
    [
        ([UNTAKEN, UNTAKEN], False, False),
        ([UNTAKEN, UNKNOWN], False, True),
        ([UNKNOWN], False, True),
        ([""], False, True),
        ([UNKNOWN, UNTAKEN], True, True),
        ([""], True, True),
    ],
)
def test_what_may_have_been_taken_is_sent_again_only_when_it_is_harmless_and_never_by_the_client(
    fates: list[str], harmless: bool, known: bool
) -> None:
    both = Both()
    both.send(harmless=harmless)
    for fate in fates:
        assert not both.failed
        both.asked.fail(fate)
    assert len(both.failed) == 1
    assert both.is_known() == known


def test_of_three_none_lets_an_id_come_again_that_another_may_have_taken() -> None:
    both = Both()
    both.peers["three"] = Peer("three")
    both.send(harmless=True)
    first = both.asked
    second = both.several._preferred(both.gateways)[1]
    both.peers[second].refuses = True
    first.fail(UNKNOWN)
    assert both.asked.gateway.id not in (first.gateway.id, second)
    both.asked.fail(UNTAKEN)
    assert (len(both.failed), both.is_known()) == (1, True)


def test_who_is_known_to_fail_is_asked_last_and_first_who_has_a_link() -> None:
    both = Both()
    first, second = (both.peers[name] for name in both.several._preferred(both.gateways))
    second.linked = True
    assert both.several._preferred(both.gateways) == [second.gateway.id, first.gateway.id]
    second.circuit.failed(time.monotonic(), times=FAILURES)
    assert both.several._preferred(both.gateways) == [first.gateway.id, second.gateway.id]


def test_not_all_begin_with_the_same_gateway() -> None:
    both, begun = Both(), set()
    for number in range(16):
        both.core.id = f"VN/GOV/G{number}/GATEWAY"
        begun.add(both.several._preferred(both.gateways)[0])
    assert begun == {"one", "two"}


def test_a_gateway_that_is_stopping_asks_no_other_one() -> None:
    both = Both()
    both.send()
    both.core.draining = True
    both.asked.fail(UNTAKEN)
    assert len(both.failed) == 1


def test_who_asked_is_told_when_the_next_gateway_has_left_the_configuration_meanwhile() -> None:
    both = Both()
    both.send()
    asked = both.asked
    for gone in both.peers.keys() - {asked.gateway.id}:
        del both.peers[gone]
    asked.fail(UNTAKEN)
    assert [one.message.partition(" has ")[2] for one in both.failed] == ["left the configuration"]
    assert not both.is_known()


def test_a_large_body_of_which_some_has_gone_is_not_sent_to_another() -> None:
    both, body = Both(), Body(Mock(), 8, Limits(), set(), cast("Any", client_side))
    both.send(body=body)
    body.attach(Mock())
    both.asked.fail(UNTAKEN)
    assert len(both.failed) == 1


def test_a_client_that_sent_more_ids_than_are_remembered_is_told_to_come_later() -> None:
    both = Both()
    both.core.sent = Mock(first_time=Mock(side_effect=TooMany))
    with pytest.raises(Fault, match="Overloaded") as refused:
        both.send("more")
    assert refused.value.retry
