"""Listening on an address, with a clear sentence when it is taken."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from onedoor.kernel.errors import OnedoorError


class AddressTaken(OnedoorError):
    """Another program already uses {address}. Stop it, or choose another port."""


@contextmanager
def listening(address: str) -> Iterator[tuple[str, int]]:
    """Give host and port of *address*; raise `AddressTaken` when another program listens there."""
    host, _, port = address.rpartition(":")
    try:
        yield host, int(port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise AddressTaken(address=address) from None
        raise
