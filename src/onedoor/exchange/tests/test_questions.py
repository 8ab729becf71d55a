"""Questions that take reading many files: they hold nothing else up, and who owns no record has no file read."""

import asyncio
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from onedoor.exchange.gateway import monitoring, operations, records
from onedoor.exchange.gateway.faults import Fault
from onedoor.exchange.gateway.questions import Questions
from onedoor.exchange.tests.test_monitoring import criteria, question
from onedoor.exchange.tests.xroad import PORTAL, PROVIDER


def test_one_question_of_a_client_is_under_way_and_the_threads_of_others_stay_free() -> None:
    async def crowd() -> None:
        questions, held, begun = Questions(), threading.Event(), list[str]()

        def work(client: str) -> bool:
            begun.append(client)
            return held.wait(5)

        questions.admit("a")
        asked = [questions.of("a", work, "a")]
        with pytest.raises(Fault, match="not answered yet") as refused:
            questions.admit("a")
        assert (refused.value.type, refused.value.retry) == ("Server.ServerProxy.Overloaded", True)
        for number in range(99):
            questions.admit(f"b{number}")
            asked.append(questions.of(f"b{number}", work, f"b{number}"))
        assert await asyncio.wait_for(asyncio.to_thread(lambda: "stamped"), 2) == "stamped"
        assert begun == ["a"], "they are answered one after another"
        held.set()
        assert all(await asyncio.gather(*asked))
        questions.admit("a")

    asyncio.run(crowd())


def test_who_owns_no_record_here_has_no_file_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Read(Exception):
        """A file is read."""

    def found(*_: object) -> None:
        raise Read

    monkeypatch.setattr(records, "found", found)
    kept = operations.Operations(tmp_path)
    raw = question(monitoring.DATA, criteria(1, 3)).encode()
    _, body = monitoring.answer(kept, monitoring.DATA, None, raw)
    assert b"recordsCount>0<" in body
    with pytest.raises(Read):
        monitoring.answer(kept, monitoring.DATA, lambda _: False, raw)


def test_whoever_filters_by_a_provider_is_told_no_more_than_without_and_nothing_of_the_last_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def found(_folder: Path, start: int, end: int, wanted: monitoring.Wanted, _most: int) -> tuple[list[Any], None]:
        asked.update(start=start, end=end, wanted=wanted)
        return [], None

    monkeypatch.setattr(records, "found", found)
    now = int(time.time())
    raw = question(monitoring.DATA, criteria(now - 900, now + 900, PROVIDER)).encode()
    theirs = {"client": PORTAL, "service": f"{PROVIDER}/persons"}
    monitoring.answer(operations.Operations(tmp_path), monitoring.DATA, lambda one: one.owner == "own", raw)
    assert (asked["start"], now - 62 <= asked["end"] < int(time.time()) - 60) == (now - 900, True)
    told = [SimpleNamespace(owner=owner, **theirs) for owner in ("own", "other")]
    assert [one.owner for one in told if asked["wanted"](one)] == ["own"]


@pytest.mark.parametrize("text", ["9" * 5000, "\u0661", "-1", "1e3", ""])
def test_a_moment_is_asked_for_in_seconds(tmp_path: Path, text: str) -> None:
    raw = question(monitoring.DATA, criteria(1, 3).replace(">1<", f">{text}<")).encode()
    with pytest.raises(Fault, match="recordsFrom is not a Unix timestamp"):
        monitoring.answer(operations.Operations(tmp_path), monitoring.DATA, lambda _: True, raw)
