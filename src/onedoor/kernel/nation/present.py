"""The nation of this process: one version throughout a request or job, the one in force for the next."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import date
from functools import lru_cache
from pathlib import Path
from threading import Lock

from onedoor.kernel import settings
from onedoor.kernel.nation import versions
from onedoor.kernel.nation.nation import BadNation, Nation, load

Mark = tuple[int, int, int]

_held: ContextVar[Nation | None] = ContextVar("nation", default=None)
_loading = Lock()
_last: dict[Path, tuple[Mark, Nation]] = {}
"""The nation last loaded of each folder, with what its history looked like then."""


def current() -> Nation:
    """Return the nation of the present request or job; outside of both the one in force."""
    return _held.get() or latest()


@contextmanager
def hold() -> Iterator[None]:
    """Keep to the nation in force now until the end, whatever is loaded meanwhile."""
    token = _held.set(_held.get() or latest())
    try:
        yield
    finally:
        _held.reset(token)


def latest() -> Nation:
    """Return the nation in force; raise `BadNation` when its base data are at fault."""
    folder = settings.current().nation
    mark = _mark(folder)
    last = _last.get(folder)
    if last and last[0] == mark:
        return last[1]
    with _loading:
        last, mark = _last.get(folder), _mark(folder)
        if not last or last[0] != mark:
            last = (mark, load(in_force(folder)))
            _last[folder] = last
        return last[1]


def in_force(folder: Path) -> Path:
    """Return where the files in force lie: *folder* itself when it holds a nation and no versions of one."""
    found = versions.history(folder)
    return versions.place(folder, found[-1]) if found else folder


def known_on(day: date) -> Nation:
    """Return the nation as its files stood at the end of *day*.

    Before the first version that is kept it is that one; where no versions are kept, the present one.
    """
    here, folder = current(), settings.current().nation
    found = versions.history(folder) if day < here.today() else []
    if not found:
        return here
    until = [one for one in found if here.calendar.local(one.at).date() <= day]
    then = versions.place(folder, until[-1] if until else found[0])
    return here if then == here.path else _earlier(then)


@lru_cache(maxsize=4)
def _earlier(folder: Path) -> Nation:
    return load(folder)


def kept(but: Nation) -> Iterator[Nation]:
    """Yield the other versions this installation keeps, the last first; what this engine cannot read is left out."""
    folder = settings.current().nation
    for digest in dict.fromkeys(one.digest for one in reversed(versions.history(folder))):
        if folder / digest != but.path:
            with suppress(BadNation):
                yield load(folder / digest)


def _mark(folder: Path) -> Mark:
    """Return what changes whenever something comes into force."""
    try:
        found = (folder / versions.HISTORY).stat()
    except FileNotFoundError:
        return (0, 0, 0)
    return (found.st_ino, found.st_size, found.st_mtime_ns)
