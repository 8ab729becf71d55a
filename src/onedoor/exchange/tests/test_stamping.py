"""What waits for a time-stamp, taken from the log of a gateway that ended, and messages found there by who may."""

import asyncio
import base64
import json
import shutil
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from onedoor.exchange.directory import lab
from onedoor.exchange.directory.layout import Layout
from onedoor.exchange.gateway import asic, batches, messages, reading
from onedoor.exchange.gateway import local as files
from onedoor.exchange.gateway.asic import Wanted
from onedoor.exchange.gateway.consuming import Consuming, How
from onedoor.exchange.gateway.core import Core
from onedoor.exchange.gateway.log import SEGMENT, Log
from onedoor.exchange.gateway.messages import Fields, Headers, Message, Response
from onedoor.exchange.gateway.stamping import Signed, Stamping
from onedoor.exchange.gateway.systems import Asked
from onedoor.exchange.gateway.workers import Share
from onedoor.exchange.tests.nation import LOOKUP, PROVIDER, WHY
from onedoor.kernel.nation import load
from onedoor.kernel.settings import REPOSITORY
from onedoor.signing.certificates import Authority, Subject, fingerprint
from onedoor.signing.keys import new_key

OWN, OTHER = "VN/GOV/G22/GATEWAY", "VN/GOV/G01/GATEWAY"
MOMENT = 1_700_000_000 * 10**9
Step = Callable[[Core], Coroutine[Any, Any, None]]


@pytest.fixture(scope="module")
def provisioned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    var, nation = tmp_path_factory.mktemp("var"), load(REPOSITORY / "nations" / "vietnam")
    lab.provision(nation, var, 20_000)
    (seat,) = (one for one in Layout(nation, var, 20_000).seats() if one.member.id.endswith("G22"))
    (published,) = var.glob("directory/**/configuration.signed")
    (seat.gateway_state / files.CONFIGURATION).write_bytes(published.read_bytes())
    return seat.gateway_state


@pytest.fixture(params=[SEGMENT, 1], ids=["read", "indexed"])
def run(request: pytest.FixtureRequest, provisioned: Path, tmp_path: Path) -> Callable[..., None]:
    """Run a step with the gateway's core and an empty log of its own: one segment, or one for each record."""

    def run(step: Step) -> None:
        local = replace(files.read(provisioned), folder=tmp_path)
        for name in (files.SIGNING_CERTIFICATE, f"{files.OUTER}.pem"):
            shutil.copy(provisioned / name, tmp_path)
        signed = (provisioned / files.CONFIGURATION).read_bytes()

        async def running() -> None:
            core = Core(local, Log(local.log, local.log_key, size=request.param), Share())
            assert core.accept(signed)
            try:
                await step(core)
            finally:
                core.indices.close()
                core.log.close()

        asyncio.run(running())

    return run


def head(**changed: str) -> bytes:
    said = WHY | {"X-Road-Id": "one"} | {name.replace("_", "-"): value for name, value in changed.items()}
    target = said.pop("target", LOOKUP)
    return messages.request_head(b"POST", target.encode(), [(k.encode(), v.encode()) for k, v in said.items()])


def sealed(core: Core, *heads: bytes, body: bytes = b"{}") -> bytes:
    return batches.seal(batches.REQUESTS, core.sealer, OTHER, [Message.of(one, body) for one in heads], MOMENT)


async def kept(core: Core, payload: bytes, kind: int = reading.SENT_REQUESTS) -> None:
    durable = asyncio.get_running_loop().create_future()
    core.log.append(kind, payload, durable.set_result)
    core.log.append(reading.REFUSED, b"", lambda _: None)
    assert await durable is None
    while any(one.catch_up() for one in core.indices._own.values()):
        pass


async def waiting(core: Core) -> list[Signed]:
    made = Stamping(core, "http://127.0.0.1:9/tsa", "", 60)
    assert not await made.stamp()
    return made._waiting


def test_what_waited_is_stamped_under_the_certificate_it_was_signed_with(
    run: Callable[..., None], tmp_path: Path
) -> None:
    async def step(core: Core) -> None:
        before = core.sealer
        await kept(core, sealed(core, head()))
        der = base64.b64encode(before.signing.public_bytes(Encoding.DER)).decode()
        stamp = {"taken": 1, "left": 1, "certificates": {fingerprint(before.signing): der}, "signatures": []}
        await kept(core, json.dumps(stamp).encode(), reading.STAMPED)
        authority, key = Authority.create(tmp_path / "another"), new_key()
        core.sealer = batches.Sealer.of(OWN, key, authority.issue(Subject(OWN), key.public_key(), "sign"))
        known = core.configuration("")
        own = replace(known.gateways[OWN], signing=core.sealer.signing, template=core.sealer.template)
        core._configuration = replace(known, gateways={**known.gateways, OWN: own})
        await kept(core, sealed(core, head()))
        assert [one.signing for one in await waiting(core)] == [before.signing, core.sealer.signing]

    run(step)


def test_what_waited_while_its_signers_certificate_was_renewed_is_stamped_under_the_former_one(
    run: Callable[..., None], tmp_path: Path
) -> None:
    async def step(core: Core) -> None:
        before, known = core.sealer, core.configuration("")
        await kept(core, sealed(core, head()))
        renewed = Authority.create(tmp_path / "ca").issue(Subject(OWN), before.key.public_key(), "message")
        core.sealer = batches.Sealer.of(OWN, before.key, renewed)
        own = known.gateways[OWN]
        own = replace(own, signing=renewed, template=core.sealer.template, former=(before.signing,))
        core._configuration = replace(known, gateways={**known.gateways, OWN: own})
        assert [one.signing for one in await waiting(core)] == [before.signing]

    run(step)


def test_what_a_format_of_before_signed_waits_for_nothing(run: Callable[..., None]) -> None:
    async def step(core: Core) -> None:
        await kept(core, sealed(core, head()).replace(batches.FORMAT.encode(), b"onedoor-batch-1"))
        made = Stamping(core, "http://127.0.0.1:9/tsa", "", 60)
        assert await made.stamp()

    run(step)


def test_how_long_it_waits_is_by_the_own_clock_not_by_what_the_signer_says(run: Callable[..., None]) -> None:
    async def step(core: Core) -> None:
        core.stamping = Stamping(core, "http://127.0.0.1:9/tsa", "", 60)
        await core.stamping._remember()
        core.keep(reading.RECEIVED_REQUESTS, sealed(core, head()), core.sealer, lambda _: None)
        assert core.stamping._waiting
        assert core.stamping.longest < 60 < (time.time_ns() - MOMENT) / 10**9
        (again,) = await waiting(core)
        assert again.moment > MOMENT

    run(step)


def test_what_waited_is_taken_up_when_a_configuration_comes(run: Callable[..., None]) -> None:
    async def step(core: Core) -> None:
        configuration, core._configuration = core._configuration, None
        made = Stamping(core, "http://127.0.0.1:9/tsa", "", 60)
        payload = sealed(core, head())
        await kept(core, payload)
        assert not await made.stamp()
        made.note(payload, core.sealer)
        core._configuration = configuration
        assert not await made.stamp()
        assert len(made._waiting) == 1

    run(step)


@pytest.mark.parametrize(
    "trick",
    [
        {"X_Road_Service": "VN/GOV/G15/CIVIL-STATUS/births"},
        {"target": f"{LOOKUP}?x-road-id:other"},
        {"target": LOOKUP.replace("POPULATION", "%50OPULATION")},
        {"X_Road_Client": "VN/GOV/G22/%50ORTAL"},
    ],
    ids=["another-service", "id-in-the-target", "encoded-target", "encoded-client"],
)
def test_who_asks_cannot_hide_a_message_from_who_was_asked(run: Callable[..., None], trick: dict[str, str]) -> None:
    async def step(core: Core) -> None:
        await kept(core, sealed(core, head(X_Road_Id="more"), head(**trick)))
        for client in (PROVIDER, WHY["X-Road-Client"]):
            (found,) = asic.find(core, Wanted("one", client, ("request",), unique=False, force=False))
            assert found.message.head == head(**trick)
        assert not asic.find(core, Wanted("one", "VN/GOV/G15/CIVIL-STATUS", ("request",), unique=False, force=False))

    run(step)


@pytest.mark.parametrize("service", ["VN/GOV/G15/CIVIL-STATUS/births", "no service"])
def test_who_was_asked_cannot_hide_an_answer_from_who_asked(run: Callable[..., None], service: str) -> None:
    async def step(core: Core) -> None:
        client = WHY["X-Road-Client"]
        names = {b"X-Road-Client": client.encode(), b"X-Road-Service": service.encode(), b"X-Road-Id": b"one"}
        answer = Message.of(messages.response_head(200, b"X-Road-Client:a", names.items()), b"{}")
        payload = batches.seal(batches.RESPONSES, core.sealer, OTHER, [answer], MOMENT)
        await kept(core, payload, reading.RECEIVED_RESPONSES)
        (found,) = asic.find(core, Wanted("one", client, ("response",), unique=False, force=False))
        assert found.message == answer

    run(step)


def test_a_batch_that_came_twice_is_handed_out_once_under_its_first_time_stamp(run: Callable[..., None]) -> None:
    async def step(core: Core) -> None:
        payload = sealed(core, head(), head(X_Road_Issue="another"))
        value = base64.b64encode(batches.sealed(payload)[1]).decode()
        await kept(core, payload)
        await kept(core, json.dumps({"signatures": [["", value, ""]]}).encode(), reading.STAMPED)
        await kept(core, payload, reading.RECEIVED_REQUESTS)
        found = asic.find(core, Wanted("one", PROVIDER, ("request",), unique=False, force=False))
        assert [one.index for one in found if one.stamp] == [one.index for one in found] == [0, 1]

    run(step)


def test_who_closes_a_stream_twice_cannot_hide_what_it_closed_first(run: Callable[..., None]) -> None:
    async def step(core: Core) -> None:
        opening = Message.of(head(), b"")
        for message in (opening, Message.closing(head(), b"a" * 64), Message.closing(head(), b"b" * 64)):
            await kept(core, batches.seal(batches.REQUESTS, core.sealer, OTHER, [message], MOMENT))
        for unique, told in ((False, [b"a", b"b"]), (True, [b"a"])):
            found = asic.find(core, Wanted("one", PROVIDER, ("request",), unique=unique, force=False))
            assert [one.message.digests.body[:1] for one in found] == told

    run(step)


def test_as_much_is_handed_out_as_fits(run: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    async def step(core: Core) -> None:
        for _ in range(3):
            await kept(core, sealed(core, head(), body=bytes(400)))
        monkeypatch.setattr(asic, "MOST_BYTES", 600)
        with pytest.raises(asic.Refused):
            asic.find(core, Wanted("one", PROVIDER, ("request",), unique=False, force=False))
        assert len(asic.find(core, Wanted("one", PROVIDER, ("request",), unique=True, force=False))) == 1

    run(step)


class Answers:
    """A link to a provider, and a connection of a system: what is asked is answered under other names."""

    arrived = 0

    def __init__(self, **names: str) -> None:
        self.names = names
        self.given: list[tuple[int, Headers]] = []

    def ask(
        self, head: bytes, body: bytes, id_: str, answered: Callable[[Response, bytes, None], None], _: object
    ) -> None:
        service = LOOKUP.removeprefix("/r1/").rpartition("/")[0]
        same = {"X-Road-Client": WHY["X-Road-Client"], "X-Road-Service": service, "X-Road-Id": "one", **self.names}
        named = [(name.replace("_", "-").encode(), value.encode()) for name, value in same.items()]
        answered(Response(200, b"OK", Fields(named)), b"{}", None)

    def answer(self, status: int, reason: bytes, headers: Headers, body: bytes, *, head_only: bool) -> None:
        self.given.append((status, headers))


@pytest.mark.parametrize(
    ("names", "status"),
    [
        ({}, 200),
        ({"X-Road-Id": "two"}, 500),
        ({"X-Road-Client": "VN/GOV/G22/OTHER"}, 500),
        ({"X-Road-Service": "VN/GOV/G01/POPULATION/other"}, 500),
        ({"X-Road-Service": ""}, 500),
    ],
)
def test_an_answer_with_another_id_client_or_service_is_none(
    run: Callable[..., None], names: dict[str, str], status: int
) -> None:
    async def step(core: Core) -> None:
        there: Any = Answers(**names)
        certificate = next(iter(core.configuration("").subsystems[WHY["X-Road-Client"]].systems))
        headers = [(name.encode(), value.encode()) for name, value in {**WHY, "X-Road-Id": "one"}.items()]
        asked = Asked(b"POST", LOOKUP.encode(), Fields(headers), b"{}", certificate, secure=True)
        Consuming(core, {OTHER: there}, How()).handle(asked, there)
        assert [one for one, _ in there.given] == [status]
        fault = Fields(there.given[0][1]).first(b"x-road-error")
        assert fault == ("" if status == 200 else "Server.ClientProxy.InconsistentResponse")

    run(step)
