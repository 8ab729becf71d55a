"""The authorities that are asked over HTTP: why one gives nothing is said in words."""

from unittest.mock import Mock

import pytest

from onedoor.kernel.fetching import BadAnswer
from onedoor.signing.authorities import TimeStampAuthority
from onedoor.signing.stamps import NoTimeStamp


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
