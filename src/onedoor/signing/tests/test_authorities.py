"""The authorities that are asked over HTTP: why one gives nothing is said in words."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from onedoor.kernel.fetching import BadAnswer
from onedoor.signing.authorities import Responders, TimeStampAuthority
from onedoor.signing.stamps import NoTimeStamp
from onedoor.signing.tests.containers import lab


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ConnectionRefusedError(), "nobody answers there"),
        (TimeoutError(), "did not come in time"),
        (BadAnswer(), "cannot be read"),
    ],
)
def test_why_there_is_no_time_stamp_is_said_in_words(error: OSError, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onedoor.signing.authorities.Server.ask", Mock(side_effect=error))
    with pytest.raises(NoTimeStamp, match=why) as told:
        TimeStampAuthority("http://127.0.0.1:1").stamp(b"stamped")
    assert type(error).__name__ not in str(told.value)


@pytest.mark.parametrize(
    ("left", "asked"),
    [(timedelta(hours=1), 1), (timedelta(), 2), (-timedelta(minutes=1), 2), (None, 1)],
    ids=["for an hour", "no longer", "no more", "it does not say"],
)
def test_what_a_responder_tells_is_kept_no_longer_than_it_holds(
    left: timedelta | None, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    since = now - timedelta(hours=1)
    told = SimpleNamespace(since=since, until=since if left is None else now + left)
    ask = Mock(return_value=told)
    monkeypatch.setattr(Responders, "_ask", ask)
    responders, certificate = Responders("http://127.0.0.1:1"), lab().signer.certificate
    assert [responders.status(certificate, lab().ca.certificate) for _ in range(2)] == [told, told]
    assert ask.call_count == asked
