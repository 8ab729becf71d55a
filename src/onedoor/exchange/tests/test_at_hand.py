"""More signatures wait for a time-stamp than are kept at hand: the log has them, and gives them in parts."""

import asyncio
import base64
import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from onedoor.exchange.gateway import batches, reading, stamping
from onedoor.exchange.gateway.batches import Sealer
from onedoor.exchange.gateway.log import Log
from onedoor.exchange.gateway.messages import Message
from onedoor.exchange.gateway.stamping import Signed, Stamping
from onedoor.signing.certificates import Authority, Subject
from onedoor.signing.keys import new_key

KEY = b"k" * 32


def stamped(_stamping: Stamping, taken: list[Signed], _configuration: object) -> dict[str, Any]:
    return {"certificates": {}, "signatures": [("", base64.b64encode(one.value).decode(), "") for one in taken]}


async def stamping_of(core: Any, payloads: list[bytes]) -> Stamping:
    made = Stamping(core, "http://127.0.0.1:9/tsa", "", 60)
    with patch.object(reading, "records", side_effect=BlockingIOError), pytest.raises(BlockingIOError):
        await made.stamp()
    assert await made.stamp(), "what was not read is read again"
    for payload in (*payloads, *payloads[:1]):  # one comes again
        core.log.append(reading.SENT_REQUESTS, payload, lambda _: None)
        made.note(payload, core.sealer)
    return made


@pytest.mark.parametrize("again", [False, True], ids=["at once", "after a start anew"])
def test_of_what_waits_no_more_is_at_hand_than_fits_and_each_is_stamped_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, again: bool
) -> None:
    monkeypatch.setattr(stamping, "AT_HAND", 2)
    monkeypatch.setattr(Stamping, "_made", stamped)
    key = new_key()
    sealer = Sealer.of("G", key, Authority.create(tmp_path / "ca").issue(Subject("G"), key.public_key(), "message"))
    payloads = [batches.seal(batches.REQUESTS, sealer, "H", [Message.of(b"%d" % n, b"")], n) for n in range(5)]

    async def run() -> None:
        log = Log(tmp_path / "log", KEY)
        known = SimpleNamespace(gateways={})
        core = SimpleNamespace(log=log, logs=[log.folder], local=SimpleNamespace(log_key=KEY), id="G", sealer=sealer)
        core.current = lambda: known
        made = await stamping_of(core, payloads)
        assert made.waiting == 2
        made = await stamping_of(core, []) if again else made
        assert await asyncio.gather(made.stamp(), made.stamp()) == [True, True]  # as for one who wants evidence now
        log.close()

    asyncio.run(run())
    stamps = [one.payload or b"" for one in reading.records(tmp_path / "log", KEY) if one.kind == reading.STAMPED]
    assert [(len(reading.stamped(one)), json.loads(one)["left"]) for one in stamps] == [(2, 1), (2, 1), (1, 0)]
    values = [value for one in stamps for value in reading.stamped(one)]
    assert values == [batches.sealed(one)[1] for one in payloads]


def test_what_another_workers_token_covers_waits_no_more_whatever_came_after_it(tmp_path: Path) -> None:
    key = new_key()
    sealer = Sealer.of("G", key, Authority.create(tmp_path / "ca").issue(Subject("G"), key.public_key(), "message"))
    payload = batches.seal(batches.REQUESTS, sealer, "H", [Message.of(b"head", b"")], 1)
    token = {"certificates": {}, "signatures": [("", base64.b64encode(batches.sealed(payload)[1]).decode(), "")]}

    async def run() -> None:
        ours, theirs = (Log(tmp_path / name, KEY) for name in ("ours", "theirs"))
        theirs.append(reading.SENT_REQUESTS, payload, lambda _: None)
        ours.append(reading.STAMPED, json.dumps({"taken": 0, "left": 1, **token}).encode(), lambda _: None)
        later = {"taken": time.time_ns() + 1, "left": 0, "certificates": {}, "signatures": []}
        ours.append(reading.STAMPED, json.dumps(later).encode(), lambda _: None)
        for log in (ours, theirs):
            log.close()

    asyncio.run(run())
    assert [*stamping.unstamped([tmp_path / "theirs"], KEY)[0]]
    assert not [*stamping.unstamped([tmp_path / "ours", tmp_path / "theirs"], KEY)[0]]
