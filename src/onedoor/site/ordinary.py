"""Which ordinary user the embedded PostgreSQL runs as when root starts it: it refuses root, and no folder is opened."""

import os
import pwd
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.said import said
from onedoor.site import launch

NOBODY = 65534
OWN_USER = "onedoor"


class NoUserForDatabase(OnedoorError):
    """PostgreSQL refuses to run as root, and {why}. Please run onedoor as an ordinary user, or move its folder."""


@cache
def user(home: Path, program: Path) -> str:
    """Return as whom `launch` starts *program* with its files in *home*: ``0`` (as we are), ``ns:…`` or ``as:…``.

    Root maps itself to an ordinary user in a user namespace. Where the machine forbids that, a system user
    ``onedoor`` is made, if every folder on the way is open to it already.
    """
    if os.geteuid():
        return "0"
    known = next(entry.pw_uid for entry in pwd.getpwall() if 0 < entry.pw_uid < NOBODY)
    if _launches(f"ns:{known}"):
        return f"ns:{known}"
    _check_open(home)
    _check_open(program)
    own = _own_user()
    return f"as:{own.pw_uid}:{own.pw_gid}"


def owners() -> frozenset[int]:
    """Return who may own the folders of the database: ourselves and, for root, the system user of the database."""
    own = (entry.pw_uid for entry in pwd.getpwall() if entry.pw_name == OWN_USER and os.geteuid() == 0)
    return frozenset((os.geteuid(), *own))


def hand_over(folder: Path, who: str) -> None:
    """Give *folder* and what is in it to the user of ``as:…``; for anybody else there is nothing to do."""
    if who.startswith("as:"):
        owner, group = (int(part) for part in who.split(":")[1:])
        for path in (folder, *folder.rglob("*")):
            os.chown(path, owner, group, follow_symlinks=False)


def _launches(who: str) -> bool:
    command = [sys.executable, "-I", "-S", launch.__file__, "0", "0", who, "/bin/true"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603 - our own command


def _check_open(path: Path) -> None:
    for folder in path.resolve().parents:
        if folder.exists() and not folder.stat().st_mode & 0o001:
            raise NoUserForDatabase(why=said("the folder {folder} is closed to other users", folder=folder))


def _own_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(OWN_USER)
    except KeyError:
        program = shutil.which("useradd") or "/usr/sbin/useradd"
        command = [program, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", OWN_USER]
    try:
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own command
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoUserForDatabase(why=said("no system user could be made")) from error
    return pwd.getpwnam(OWN_USER)
