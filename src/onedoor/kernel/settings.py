"""The settings of one process, read from the environment alone."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from onedoor.kernel.errors import OnedoorError

ROLES = ("portal", "node", "test", "gateway", "directory")
LOG_LEVELS = ("debug", "info", "warning", "error")
REPOSITORY = Path(__file__).resolve().parents[3]
SHORTEST_SECRET = 32
DESK_THREADS, MOST_THREADS = 8, 64
"""Requests that a node's desk serves at the same time: enough that a few slow ones leave room for the others."""
LAST_PORT = 65535
LOOPBACK = ("127.0.0.1", "[::1]")
SUBSYSTEM = r"[A-Z0-9-]+(/[A-Z0-9-]+){3}"
URL = r"https?://[^/\s]+(/\S*)?"


class BadSetting(OnedoorError):
    """The setting {name} is “{value}”, but it must be {expected}. Please correct it and start again."""

    def __init__(self, name: str, value: str, expected: str) -> None:
        super().__init__(name=name, value=value, expected=expected)


@dataclass(frozen=True)
class Settings:
    """What a process must know before it starts; every field is ``ONEDOOR_<FIELD>`` in the environment."""

    role: str
    nation: Path
    member: str
    subsystem: str
    database_url: str = field(repr=False)
    state: Path
    secret: str = field(repr=False)
    gateway_url: str
    tls_key: Path | None
    tls_cert: Path | None
    tls_trust: Path | None
    public_url: str
    listen: str
    exchange_listen: str
    demonstration: bool
    log_level: str
    desk_threads: int
    watch_listen: str
    watch_token: str = field(repr=False)
    traces_url: str


def read(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings in *environ*; raise `BadSetting` for the first odd value.

    Only the role ``test`` (taken when no role is given) has defaults for what a real process must be told.
    """
    source = _Source(environ)
    role = source.one_of("role", ROLES, "test")
    watch_token = source.secret("watch_token", "", rf".{{{SHORTEST_SECRET},}}")
    django = role in ("portal", "node")
    return Settings(
        role=role,
        nation=source.folder("nation", REPOSITORY / "nations" / "vietnam" if role == "test" else None),
        member=source.text("member", r"[A-Z0-9-]+", "" if role in ("directory", "test") else None, "such as G15"),
        subsystem=source.text("subsystem", SUBSYSTEM, None if django else "", "such as VN/GOV/G15/CIVIL-STATUS"),
        database_url=source.secret("database_url", None if django else "", r"postgres(ql)?://\S+"),
        state=source.path("state", Path("var/test") if role == "test" else None),
        secret=source.secret("secret", None if django else "of-the-tests-alone-" * 3, rf".{{{SHORTEST_SECRET},}}"),
        gateway_url=source.text("gateway_url", URL, "", "such as https://127.0.0.1:8101"),
        tls_key=source.optional_path("tls_key"),
        tls_cert=source.optional_path("tls_cert"),
        tls_trust=source.optional_path("tls_trust"),
        public_url=source.text("public_url", URL, "http://localhost:8000", "such as http://localhost:8002").rstrip("/"),
        listen=source.address("listen", "127.0.0.1:8000"),
        exchange_listen=source.address("exchange_listen", "127.0.0.1:8300"),
        demonstration=source.flag("demonstration"),
        log_level=source.one_of("log_level", LOG_LEVELS, "info"),
        desk_threads=source.number("desk_threads", DESK_THREADS, MOST_THREADS),
        watch_listen=source.watched("watch_listen", closed=bool(watch_token)),
        watch_token=watch_token,
        traces_url=source.text("traces_url", URL, "", "such as http://127.0.0.1:4318/v1/traces"),
    )


@cache
def current() -> Settings:
    """Return the settings of this process, read once (``current.cache_clear()`` forgets them)."""
    return read()


class _Source:
    """Typed readers over an environment."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ

    def raw(self, name: str, default: str | None, expected: str) -> str:
        key = _key(name)
        value = self.environ.get(key, "").strip()
        if value:
            return value
        if default is None:
            raise BadSetting(key, "", expected)
        return default

    def text(self, name: str, pattern: str, default: str | None, expected: str) -> str:
        value = self.raw(name, default, expected)
        if value and not re.fullmatch(pattern, value):
            raise BadSetting(_key(name), value, expected)
        return value

    def one_of(self, name: str, choices: tuple[str, ...], default: str) -> str:
        expected = "one of " + ", ".join(choices)
        value = self.raw(name, default, expected)
        if value not in choices:
            raise BadSetting(_key(name), value, expected)
        return value

    def number(self, name: str, default: int, most: int) -> int:
        expected = f"a number from 1 to {most}"
        value = self.text(name, r"\d{1,4}", str(default), expected)
        if not 1 <= int(value) <= most:
            raise BadSetting(_key(name), value, expected)
        return int(value)

    def flag(self, name: str) -> bool:
        return self.one_of(name, ("yes", "no"), "no") == "yes"

    def address(self, name: str, default: str) -> str:
        expected = "a host and a port, such as 127.0.0.1:8002"
        value = self.text(name, r"(\S+):(\d{1,5})", default, expected)
        if not 0 <= int(value.rpartition(":")[2]) <= LAST_PORT:
            raise BadSetting(_key(name), value, expected)
        return value

    def watched(self, name: str, *, closed: bool) -> str:
        """Return where who watches may ask, or nothing; without a token that must be this computer alone."""
        value = self.address(name, "127.0.0.1:0") if self.environ.get(_key(name), "").strip() else ""
        if value and not closed and value.rpartition(":")[0] not in LOOPBACK:
            raise BadSetting(_key(name), value, "on loopback (127.0.0.1), unless ONEDOOR_WATCH_TOKEN_FILE is set")
        return value

    def path(self, name: str, default: Path | None) -> Path:
        return Path(self.raw(name, None if default is None else str(default), "a path")).absolute()

    def folder(self, name: str, default: Path | None) -> Path:
        path = self.path(name, default)
        if not path.is_dir():
            raise BadSetting(_key(name), str(path), "a folder that exists")
        return path

    def optional_path(self, name: str) -> Path | None:
        return self.path(name, Path()) if self.environ.get(_key(name), "").strip() else None

    def secret(self, name: str, default: str | None, pattern: str) -> str:
        """Return a secret given itself or, better, as the path of its file; never show its value."""
        key, file = _key(name), self.environ.get(_key(name) + "_FILE", "").strip()
        if file and self.environ.get(key, "").strip():
            raise BadSetting(key, "…", f"given once: as {key} or as {key}_FILE")
        value = _content(f"{key}_FILE", file) if file else self.raw(name, default, f"set, or {key}_FILE be its file")
        if value and not re.fullmatch(pattern, value):
            raise BadSetting(key, "…", f"of the form {pattern}")
        return value


def _key(name: str) -> str:
    return f"ONEDOOR_{name.upper()}"


def _content(key: str, file: str) -> str:
    try:
        return Path(file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(key, file, f"a file that can be read ({type(error).__name__})") from error
