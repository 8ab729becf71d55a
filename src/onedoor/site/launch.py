"""Start a program that ends when its parent ends; run as a script with nothing but the standard library.

``python -I -S launch.py PARENT SIGNAL USER PROGRAM ARGUMENTS…``: SIGNAL is sent to the program when the thread that
started it ends (0: never). USER says as whom: ``0`` as we are; ``as:USER:GROUP`` as that user; ``ns:USER`` as root who
sees itself as that user, in a user namespace: no file changes its owner and no folder its mode.
"""

import ctypes
import os
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000


def end_with_parent(parent: int, signal: int) -> None:
    """Have the kernel send *signal* to this process when its *parent* ends, however that happens."""
    if sys.platform != "linux" or not signal:
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)


def become(user: int) -> None:
    """Enter a user namespace in which this process, root outside, is the ordinary *user*."""
    outer_user, outer_group = os.geteuid(), os.getegid()
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {outer_user} 1")
    Path("/proc/self/gid_map").write_text(f"{user} {outer_group} 1")


def turn_into(who: str) -> None:
    """Become the user that *who* names."""
    kind, _, numbers = who.partition(":")
    if kind == "ns":
        become(int(numbers))
    elif kind == "as":
        user, group = (int(number) for number in numbers.split(":"))
        os.setgroups([])
        os.setgid(group)
        os.setuid(user)


def main(arguments: list[str]) -> None:
    """Become the program that *arguments* name."""
    turn_into(arguments[2])
    end_with_parent(int(arguments[0]), int(arguments[1]))
    os.execv(arguments[3], arguments[3:])  # noqa: S606 - the caller names the program


if __name__ == "__main__":
    main(sys.argv[1:])
