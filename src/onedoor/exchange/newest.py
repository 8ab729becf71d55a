"""How new a signed configuration must be to count here: none that is older than one that did, also after a restart.

What orders them is a number: the serial of our own form, the end of X-Road's signed list, which has nothing else.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from onedoor.exchange.configuration import ConfigurationRefused
from onedoor.kernel.durable import alone, write_durably
from onedoor.kernel.said import said

_logger = logging.getLogger(__name__)


def known(path: Path) -> int:
    """Return the number of the newest one that counted, which is kept at *path*; 0 when there was none."""
    try:
        return int(path.read_text("ascii"))
    except FileNotFoundError:
        return 0
    except (OSError, ValueError):
        _logger.exception("configuration.newest_unreadable path=%s", path)
        return 0


def check(path: Path, number: int) -> None:
    """Raise `ConfigurationRefused` where the one with *number* is older than one that counted."""
    if number < known(path):
        raise _older()


@contextmanager
def counted(path: Path, number: int) -> Iterator[None]:
    """Keep that the one with *number* counts once the body was left; raise `ConfigurationRefused` for an older one."""
    with taken(path, number) as fit:
        if not fit:
            raise _older()
        yield


@contextmanager
def taken(path: Path, number: int) -> Iterator[bool]:
    """Say whether the one with *number* may count, and keep that it does once the body was left; others wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with alone(path.parent):
        newest = known(path)
        yield number >= newest
        if number > newest:
            write_durably(path, f"{number}\n".encode(), mode=0o644)


def _older() -> ConfigurationRefused:
    return ConfigurationRefused(why=said("it is older than one that was in force here"))
