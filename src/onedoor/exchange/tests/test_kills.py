"""``kill -9`` of both gateways, the provider and the consumer at each named step, under load and over each other."""

import itertools
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from onedoor.exchange.tests.mortal import ASKING, PROVIDING, Nursery, Step, at, check, environments, wait_for_traffic
from onedoor.exchange.tests.nation import Place, free_base

OWN = "onedoor.exchange.tests.mortal:"
STEPS = (
    at(ASKING, "a request was read", "consuming:_read_headers"),
    at(ASKING, "a batch is about to be signed", "asking:Peer._send"),
    at(ASKING, "a batch is signed and in no log", "core:Core.keep"),
    at(ASKING, "a batch is in the log and may be lost", "log:Log._write", before=False),
    at(ASKING, "a batch was written to the link", "asking:AskingLink.write", before=False),
    at(ASKING, "what was written is durable", "log:Log._synced"),
    at(ASKING, "a batch of responses came", "asking:AskingLink.frame_received"),
    at(ASKING, "responses are durable and nobody has them", "asking:AskingLink._logged"),
    at(ASKING, "a response was written to who asked", "systems:SystemConnection.answer", before=False),
    at(ASKING, "a segment is full", "log:Log._roll"),
    at(ASKING, "a segment was begun", "log:Log._roll", before=False),
    at(ASKING, "the log is being read at the start", "log:recover", before=False),
    at(PROVIDING, "a batch of requests came", "providing:ProvidingLink.frame_received"),
    at(PROVIDING, "a batch was verified and is in no log", "core:Core.keep"),
    at(PROVIDING, "a batch is in the log and may be lost", "log:Log._write", before=False),
    at(PROVIDING, "requests are durable and not forwarded", "providing:ProvidingLink._received"),
    at(PROVIDING, "a request was forwarded", "nodes:NodeConnection.start", before=False),
    at(PROVIDING, "the system has answered", "nodes:NodeConnection._finish"),
    at(PROVIDING, "responses are about to be signed", "providing:ProvidingLink._send"),
    at(PROVIDING, "responses are durable and not sent", "providing:ProvidingLink._logged"),
    at(PROVIDING, "responses were sent", "providing:ProvidingLink._logged", before=False),
    at(PROVIDING, "a segment was begun", "log:Log._roll", before=False),
    at(PROVIDING, "the ids of before are being read", "replay:remember"),
    at("provider", "a request came and is nowhere", OWN + "provide"),
    at("provider", "a request was done and not answered", OWN + "answered"),
    at("consumer", "an answer came and was not taken down", OWN + "acknowledge"),
)
ONCE = ("recover", "remember")
"""What is called once in a process's life."""
ROUNDS, MANY = 4, 40
WITHIN = 90.0


@pytest.mark.timeout(180)
def test_a_hundred_kills_at_named_steps_lose_nothing_and_deliver_nothing_twice(tmp_path: Path) -> None:
    kill_and_check(tmp_path, ROUNDS)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_thousand_kills_at_named_steps_lose_nothing_and_deliver_nothing_twice(tmp_path: Path) -> None:
    kill_and_check(tmp_path, MANY)


def kill_and_check(var: Path, rounds: int) -> None:
    place = Place(var, free_base())
    with Nursery(environments(place), place) as nursery:
        killed = kill(nursery, rounds)
        wait_for_traffic(place)
        for name in ("consumer", ASKING, PROVIDING):
            nursery.end(name)
    assert sorted(killed.values()) == [rounds] * len(STEPS)
    check(place)


def kill(nursery: Nursery, rounds: int) -> Counter[Step]:
    """Let each process end at each of its steps in turn, all at the same time; return how often each did."""
    chance, killed = random.Random(7), Counter[Step]()
    left = {
        name: itertools.chain.from_iterable(itertools.repeat([one for one in STEPS if one.victim == name], rounds))
        for name in ("provider", PROVIDING, ASKING, "consumer")
    }
    armed: dict[str, Step | None] = dict.fromkeys(left)
    going = set(left)
    until = time.monotonic() + WITHIN + 20 * rounds
    while going:
        for name in list(going):
            if name in nursery.living and nursery.lives(name):
                continue
            if step := armed[name]:
                killed[step] += 1
            armed[name] = following = next(left[name], None)
            number = 1 if following and following.function.endswith(ONCE) else chance.randint(1, 9)
            nursery.bear(name, following, number)
            if following is None:
                going.discard(name)
        assert time.monotonic() < until, f"not reached: {[one and one.name for one in armed.values()]}"
        time.sleep(0.005)
    return killed
