"""The PKCS#11 token of this process: one session with it, opened at its first use; a child process opens its own."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pkcs11
from pkcs11.exceptions import (
    DeviceError,
    DeviceRemoved,
    PKCS11Error,
    SessionClosed,
    SessionHandleInvalid,
    TokenNotPresent,
    UserAlreadyLoggedIn,
    UserNotLoggedIn,
)

from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.settings import Settings, current


class TokenNotThere(OnedoorError):
    """The PKCS#11 token “{token}” does not open ({why}). Please check the settings ONEDOOR_PKCS11_MODULE, ONEDOOR_PKCS11_TOKEN and ONEDOOR_PKCS11_PIN_FILE, and that the device is connected."""  # noqa: E501 - one sentence after the other


@dataclass(frozen=True, slots=True)
class _Opened:
    of: tuple[int, Path | None, str]
    session: pkcs11.Session


LOST = (SessionHandleInvalid, SessionClosed, UserNotLoggedIn, DeviceRemoved, TokenNotPresent, DeviceError)
"""A session that ended from outside, such as by a device that was taken away: the next use opens another."""
_lock = threading.Lock()
_opened: list[_Opened] = []


@contextmanager
def session() -> Iterator[pkcs11.Session]:
    """Give this process's session with the token of its settings, to one thread at a time; raise `TokenNotThere`.

    A session that is lost is opened anew at the next use.
    """
    settings = current()
    mine = (os.getpid(), settings.pkcs11_module, settings.pkcs11_token)
    with _lock:
        if not _opened or _opened[0].of != mine:
            forked = bool(_opened) and _opened[0].of[0] != mine[0]
            _opened[:] = [_Opened(mine, _open(settings, forked=forked))]
        try:
            yield _opened[0].session
        except LOST as error:
            _opened.clear()
            raise TokenNotThere(token=settings.pkcs11_token, why=type(error).__name__) from error


def _open(settings: Settings, *, forked: bool) -> pkcs11.Session:
    try:
        library = pkcs11.lib(str(settings.pkcs11_module))
        if forked:
            library.reinitialize()
        token = library.get_token(token_label=settings.pkcs11_token)
        try:
            return token.open(rw=True, user_pin=settings.pkcs11_pin)
        except UserAlreadyLoggedIn:
            return token.open(rw=True)
    except (PKCS11Error, OSError, RuntimeError) as error:
        raise TokenNotThere(token=settings.pkcs11_token, why=type(error).__name__) from error
