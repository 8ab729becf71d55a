"""Listening on an address, with a clear sentence when it is taken; and handing the sockets to who comes after.

Sockets are handed on as systemd hands them to the services it starts (``LISTEN_PID``, ``LISTEN_FDS``): a process that
starts itself anew does it for itself, and whoever connects meanwhile waits in the queue of the socket.
"""

import errno
import fcntl
import os
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from onedoor.kernel.errors import OnedoorError

FIRST = 3
"""The number of the first file that is handed on."""
FAR = 500
"""Numbers from here on are free when sockets are put in their places."""
PID, COUNT = "LISTEN_PID", "LISTEN_FDS"
ANEW = "LISTEN_ANEW"
"""How often a process became another of the same number: who watches it tells them apart by their environment."""


class AddressTaken(OnedoorError):
    """Another program already uses {address}. Stop it, or choose another port."""


@contextmanager
def listening(address: str, *, shared: bool = False) -> Iterator[socket.socket]:
    """Give a socket for *address*, that which was handed on or a new one; raise `AddressTaken`.

    Several processes may have one each where it is *shared*.
    """
    host, _, port = address.rpartition(":")
    try:
        family, kind, number, _, where = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0]
        if (found := _handed_on(where[:2])) is None:
            found = socket.socket(family, kind, number)
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shared:
                found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            found.bind(where)
        found.setblocking(False)
        yield found
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise AddressTaken(address=address) from None
        raise


def _handed_on(where: tuple[object, ...]) -> socket.socket | None:
    """Return the socket at *where* among those that were handed to this process."""
    if os.environ.get(PID) != str(os.getpid()):
        return None
    for number in range(FIRST, FIRST + int(os.environ.get(COUNT, "0"))):
        with suppress(OSError):
            found = socket.socket(fileno=os.dup(number))
            if found.getsockname()[:2] == where:
                return found
            found.close()
    return None


def was_another() -> bool:
    """Return whether this process was another program before, by `become_anew`."""
    return ANEW in os.environ and os.environ.get(PID) == str(os.getpid())


def far(number: int) -> int:
    """Return another number for the same file, where no socket that is handed on is put."""
    return fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, FAR)


def become_anew(sockets: Sequence[socket.socket], **told: str) -> None:
    """Start this process anew by its own command line, as what is installed now, and hand *sockets* on to it.

    What it is *told* besides stands in its environment.
    """
    numbers = [far(one.fileno()) for one in sockets]
    for place, number in enumerate(numbers, FIRST):
        os.dup2(number, place, inheritable=True)
    sys.stdout.flush()
    sys.stderr.flush()
    times = int(os.environ.get(ANEW, "0")) + 1
    environment = {**os.environ, PID: str(os.getpid()), COUNT: str(len(numbers)), ANEW: str(times), **told}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)  # noqa: S606 - ourselves
