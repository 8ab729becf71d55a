"""The PKCS#11 token of this process: one session with it, opened at its first use; a child process opens its own."""

import logging
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
    MultipleTokensReturned,
    NoSuchToken,
    PinExpired,
    PinIncorrect,
    PinInvalid,
    PinLenRange,
    PinLocked,
    PKCS11Error,
    SessionClosed,
    SessionHandleInvalid,
    TokenNotPresent,
    TokenNotRecognised,
    UserAlreadyLoggedIn,
    UserNotLoggedIn,
    UserPinNotInitialized,
)

from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.said import Said, said
from onedoor.kernel.settings import Settings, current


class TokenNotThere(OnedoorError):
    """The PKCS#11 token “{token}” does not open ({why}). Please check the settings ONEDOOR_PKCS11_MODULE, ONEDOOR_PKCS11_TOKEN and ONEDOOR_PKCS11_PIN_FILE, and that the device is connected."""  # noqa: E501 - one sentence after the other


@dataclass(frozen=True, slots=True)
class _Opened:
    of: tuple[int, Path | None, str]
    session: pkcs11.Session


_logger = logging.getLogger("onedoor.pkcs11")
LOST = (SessionHandleInvalid, SessionClosed, UserNotLoggedIn, DeviceRemoved, TokenNotPresent, DeviceError)
"""A session that ended from outside, such as by a device that was taken away: the next use opens another."""
_WHYS = (
    ((NoSuchToken, TokenNotPresent, TokenNotRecognised), said("no token of this name is there")),
    ((MultipleTokensReturned,), said("several tokens have this name")),
    ((PinIncorrect, PinInvalid, PinLenRange), said("the PIN is not that of the token")),
    ((PinLocked,), said("its PIN is locked after too many wrong ones")),
    ((PinExpired, UserPinNotInitialized), said("its PIN has expired or was never set")),
    ((DeviceRemoved, DeviceError), said("the device was taken away or has failed")),
    (
        (SessionHandleInvalid, SessionClosed, UserNotLoggedIn),
        said("its session was ended from outside; the next use opens another"),
    ),
)
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
            raise TokenNotThere(token=settings.pkcs11_token, why=_why(error)) from error


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
        raise TokenNotThere(token=settings.pkcs11_token, why=_why(error)) from error


def _why(error: Exception) -> Said:
    """Return in words why the token does not open; the log has the name that PKCS#11 gives it."""
    _logger.info("pkcs11.refused error=%s", type(error).__name__)
    if not isinstance(error, PKCS11Error) or type(error) is PKCS11Error:
        return said("its library cannot be loaded")
    found = (why for kinds, why in _WHYS if isinstance(error, kinds))
    return next(found, said("the token refuses; the log says with which error of PKCS#11"))
