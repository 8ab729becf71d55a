"""An audit of a ledger whose server means no good ends, in bounded memory and time."""

import time
import tracemalloc

import pytest

from onedoor.exchange.tests.hostile import Hostile, answering, dripping, flooding
from onedoor.site.commands.ledger_sources import Address, NotReached


def test_a_server_cannot_fill_the_memory() -> None:
    with Hostile(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", flooding) as one:
        tracemalloc.start()
        with pytest.raises(NotReached, match="serves no ledger"):
            Address(one.url).read("checkpoint", 65_536)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 2**22  # the flood's own megabytes included


def test_a_server_cannot_hold_the_audit_for_ever() -> None:
    with Hostile(b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n", dripping) as one:
        begun = time.monotonic()
        with pytest.raises(NotReached, match="not come in time"):
            Address(one.url, 0.4).read("checkpoint", 65_536)
        assert time.monotonic() - begun < 20


def test_where_nobody_listens_that_is_said_in_words() -> None:
    with Hostile(b"") as gone:
        pass
    with pytest.raises(NotReached, match="nobody answers there"):
        Address(gone.url).read("checkpoint", 100)


def test_each_refusal_says_why() -> None:
    for first, why in (
        (answering(b"x" * 101), "more than 100 bytes"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n", "302"),
    ):
        with Hostile(first) as one, pytest.raises(NotReached, match=why):
            Address(one.url).read("checkpoint", 100)
    with Hostile(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n") as one:
        assert Address(one.url).read("checkpoint", 100) is None
