"""``kill -9`` of both gateways, the provider and the consumer at each named step, under load and over each other."""

import io
import itertools
import random
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from onedoor.exchange.gateway import batches, reading
from onedoor.exchange.tests.mortal import (
    ASKING,
    PROVIDING,
    Nursery,
    Step,
    at,
    check,
    environments,
    lines,
    wait_for_traffic,
)
from onedoor.exchange.tests.nation import PROVIDER, WHY, Place, free_base, wait_for
from onedoor.exchange.tests.test_asic import asked, unpacked
from onedoor.signing.asice import integrity

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
STAMPING = tuple(
    one
    for side in (ASKING, PROVIDING)
    for one in (
        at(side, "the authority is about to be asked", "stamping:Stamping._made"),
        at(side, "the authority has answered", "stamping:Stamping._made", before=False),
        at(side, "a token is in no log", "stamping:Stamping._kept"),
        at(side, "a token is durable and what it covers still waits", "stamping:Stamping._kept", before=False),
        at(side, "what waits is being read at the start", "stamping:unstamped"),
        at(side, "what waits was read and is not stamped", "stamping:unstamped", before=False),
    )
)
ONCE = ("recover", "remember", "unstamped")
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


@pytest.mark.timeout(180)
def test_kills_while_stamping_leave_every_signature_under_one_token(tmp_path: Path) -> None:
    place = Place(tmp_path, free_base())
    own = environments(place)
    for name in (ASKING, PROVIDING):
        own[name] |= {"ONEDOOR_TSA_URL": place.environments[name]["ONEDOOR_TSA_URL"], "EVERY": "0.1"}
    with place, Nursery(own, place) as nursery:
        place.start("directory")
        killed = kill(nursery, 2, STAMPING, most=3)
        wait_for_traffic(place)
        nursery.end("consumer")
        for member in ("G22", "G01"):
            folder = place.seats[member].gateway_state
            wait_for(partial(all_stamped, folder), f"time-stamps at {member}")
        acknowledged = lines(place.var / "consumer")
        assert whole(place, acknowledged[:: max(1, len(acknowledged) // 8)])
        for name in (ASKING, PROVIDING):
            nursery.end(name)
    assert sorted(killed.values()) == [2] * len(STAMPING)
    check(place)
    for member in ("G22", "G01"):
        assert set(signatures(place.seats[member].gateway_state)[1].values()) == {1}


def signatures(gateway: Path) -> tuple[set[bytes], Counter[bytes]]:
    """Return the signatures in a gateway's log, and how many tokens in it cover each."""
    signed, covered = set[bytes](), Counter[bytes]()
    for one in reading.records(gateway / "log", (gateway / "log.key").read_bytes()):
        if one.kind == reading.STAMPED:
            covered.update(reading.stamped(one.payload or b""))
        elif one.kind != reading.REFUSED:
            signed.add(batches.sealed(one.payload or b"")[1])
    return signed, covered


def all_stamped(gateway: Path) -> bool:
    signed, covered = signatures(gateway)
    return signed == set(covered)


def whole(place: Place, ids: Sequence[str]) -> bool:
    """Return whether both gateways hand out evidence of each message that proves what it says."""
    for member, subsystem in (("G22", WHY["X-Road-Client"]), ("G01", PROVIDER)):
        with closing(place.client(member)) as client:
            for one in ids:
                containers = unpacked(asked(client, one, subsystem).body)
                assert len(containers) == 2
                assert {integrity.check(io.BytesIO(data)).verdict for data in containers.values()} == {"valid"}
    return bool(ids)


def kill(nursery: Nursery, rounds: int, steps: Sequence[Step] = STEPS, most: int = 9) -> Counter[Step]:
    """Let each process end at each of its *steps* in turn, all at the same time; return how often each did.

    It ends at one of the first calls, at the latest at the one that is *most*.
    """
    chance, killed = random.Random(7), Counter[Step]()
    left = {
        name: itertools.chain.from_iterable(itertools.repeat([one for one in steps if one.victim == name], rounds))
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
            number = 1 if following and following.function.endswith(ONCE) else chance.randint(1, most)
            nursery.bear(name, following, number)
            if following is None:
                going.discard(name)
        assert time.monotonic() < until, f"not reached: {[one and one.name for one in armed.values()]}"
        time.sleep(0.005)
    return killed
