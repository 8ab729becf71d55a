"""The settings of one process, read from the environment alone."""

import difflib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from ipaddress import ip_address, ip_network
from pathlib import Path

from onedoor.kernel import refusals
from onedoor.kernel.addresses import Network
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.said import Said, said

FILE, PKCS11 = "file", "pkcs11"
ROLES = ("portal", "node", "test", "gateway", "directory", "witness")
DOCUMENTED_ERRORS, NEWER_ERRORS = "documented", "7.8"
DOCUMENTED_STATUS, UNAVAILABLE = "500", "503"
LOG_LEVELS = ("debug", "info", "warning", "error")
REPOSITORY = Path(__file__).resolve().parents[3]
NO_MEMBER = ("directory", "witness", "test")
NO_NATION = {"test": REPOSITORY / "nations" / "vietnam", "witness": Path(), "gateway": Path()}
"""Where a process that need not be told its nation looks instead: witness and gateway nowhere in particular."""
SHORTEST_SECRET = 32
STAMP_WITHIN, MOST_STAMP_WITHIN = 14_400, 604_800
OPERATIONS_DAYS, MOST_OPERATIONS_DAYS = 7, 366
STREAM_FROM, MOST_STREAM_FROM = 1024, 8192
LARGEST_BODY, MOST_LARGEST_BODY = 65_536, 999_999
"""Bodies of messages: KiB and MiB."""
DESK_THREADS, MOST_THREADS = 8, 64
MOST_WORKERS = 64
MOST_RATE = 100_000
"""Requests that a node's desk serves at the same time: enough that a few slow ones leave room for the others."""
LAST_PORT = 65535
LOOPBACK = ("127.0.0.1", "[::1]")
SUBSYSTEM = r"[A-Z0-9-]+(/[A-Z0-9-]+){3}"
HOST = r"(?!-)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*(:\d{1,5})?"
URL = r"https?://[^/\s]+(/\S*)?"
PREFIX = "ONEDOOR_"
OWN = ("ONEDOOR_MASTER",)
"""What processes tell their children; nobody sets it."""
OF_TESTS = "ONEDOOR_TEST_"


class BadSetting(OnedoorError):
    """The setting {name} is “{value}”, but it must be {expected}. Please correct it and start again."""

    def __init__(self, name: str, value: str, expected: Said) -> None:
        super().__init__(name=name, value=value, expected=expected)


class MissingSetting(BadSetting):
    """The setting {name} is missing; it must be {expected}. Please set it as docs/reference/settings.md says."""

    def __init__(self, name: str, expected: Said) -> None:
        super().__init__(name, "", expected)


def faulty(name: str, value: str, expected: Said) -> BadSetting:
    """Return what is wrong with a setting that is not as *expected*, or not there."""
    return BadSetting(name, value, expected) if value else MissingSetting(name, expected)


class UnknownSetting(OnedoorError):
    """There is no setting {name}; the nearest one is {nearest}. Please correct its name, or remove it."""


class BadSettings(OnedoorError):
    """{count} settings are wrong, and nothing was started:{faults}Please correct them all and start again."""

    def __init__(self, faults: Sequence[OnedoorError]) -> None:
        self.faults = tuple(faults)
        super().__init__(count=len(faults))

    def text(self, translate: Callable[[str], str] = str, language: str = "en") -> str:
        """Return the sentence with those of all faults, each on its line."""
        self.facts["faults"] = "".join(f"\n- {fault.text(translate, language)}" for fault in self.faults) + "\n"
        return super().text(translate, language)


@dataclass(frozen=True)
class Settings:
    """What a process must know before it starts; every field is ``ONEDOOR_<FIELD>`` in the environment.

    The sentence below a field stands in the reference of settings.
    """

    role: str
    """What this process is: `portal`, `node`, `gateway`, `directory`, `witness` or `test`."""
    nation: Path
    """Folder of the nation's files, or of the versions kept of them (`var/versions`, see `onedoor nation load`)."""
    member: str
    """The member of the exchange this process belongs to, such as `G15`."""
    subsystem: str
    """The system's name on the exchange, such as `VN/GOV/G15/CIVIL-STATUS`."""
    database_url: str = field(repr=False)
    """The one database of this process, `postgresql://role:password@host/name`; a secret."""
    state: Path
    """This process's own folder: keys, seals, what it must not lose."""
    secret: str = field(repr=False)
    """Key for sessions and forms, at least 32 characters; a secret."""
    gateway_url: str
    """The own gateway's door for systems, such as `https://127.0.0.1:8101`."""
    tls_key: Path | None
    """File of this system's TLS key towards its gateway."""
    tls_cert: Path | None
    """File of this system's TLS certificate."""
    tls_trust: Path | None
    """File of the certificate of the own gateway, or of the authority that names it."""
    tsa_url: str
    """Where documents and the signatures of gateways get time-stamps (RFC 3161), such as `http://tsa.example/tsr`;
    empty: they get none."""
    stamp_within: int
    """Seconds a gateway’s signatures may wait for a time-stamp; then it stops all traffic until it gets one."""
    operations_days: int
    """Days a gateway keeps its records of operational monitoring, and the summaries of its operations page."""
    stream_from: int
    """KiB above which a gateway passes a body on as it comes and keeps its digest instead of it, 1 to 8192."""
    largest_body: int
    """MiB of a body at most."""
    ocsp_url: str
    """Where the status of certificates is asked (OCSP); empty: where each certificate says. Where nobody answers there,
    gateways ask whom the directory approved for its authority."""
    public_url: str
    """How browsers reach this process."""
    listen: str
    """Host and port for browsers; for a gateway: for its systems."""
    exchange_listen: str
    """Host and port for the own gateway; for a gateway: for other gateways."""
    plain_listen: str
    """Host and port at which a gateway takes plain HTTP of those systems that `gateway.json` lets; empty: nowhere."""
    error_types: str
    """How a gateway spells errors to its systems: `documented` (`Server.ServerProxy.AccessDenied`), or `7.8`
    (`server.serverproxy.access_denied`, as X-Road from 7.8 on)."""
    busy_status: str
    """With which status a gateway tells its systems an error that says when to try again (`Retry-After`): `500`, as
    X-Road does, or `503`."""
    client_rate: int
    """Messages a second that one system may send through its gateway, with ten seconds’ worth at once; `0`: as many as
    it likes."""
    networks: tuple[Network, ...]
    """Networks of its own that a gateway reaches where others name the address, with commas: for systems that are known
    by name, and for a partner’s gateways and OCSP responders; without one, only public addresses."""
    proxies: tuple[str, ...]
    """IP addresses of the proxies in front of this process, with commas; only theirs is the word about who asks."""
    webhook_hosts: tuple[str, ...]
    """Hosts that webhooks of the consent API may name, with commas, with their port unless that is 443; empty: none."""
    demonstration: bool
    """`yes` lets people sign in as synthetic persons, without proof; never with real data."""
    log_level: str
    """`debug`, `info`, `warning` or `error`."""
    desk_threads: int
    """Requests of officers served at the same time, 1 to 64; 128 more wait, the others get 503."""
    workers: int
    """Processes of a gateway that share its addresses, 1 to 64: as many as it has processors to itself."""
    watch_listen: str
    """Host and port at which this process tells its health and metrics; on loopback unless there is a token."""
    watch_token: str = field(repr=False)
    """What who watches shows as a bearer token, at least 32 characters; a secret."""
    traces_url: str
    """Where traces go by OTLP over HTTP, such as `http://127.0.0.1:4318/v1/traces`; empty: nowhere."""
    ledger_policy: Path | None
    """File (C2SP tlog-policy): a system's witnesses; the ledgers a witness cosigns; those the directory takes."""
    witness_name: str
    """The name under which a witness cosigns, such as `witness.example/w1`."""
    master_key: str
    """Where the next master key of persons' keys is made: `file` or `pkcs11`; `onedoor keys rotate-master` moves it."""
    pkcs11_module: Path | None
    """Library that speaks PKCS#11 with the token, such as `/usr/lib/softhsm/libsofthsm2.so`."""
    pkcs11_token: str
    """Label of the token."""
    pkcs11_pin: str = field(repr=False)
    """The user's PIN of the token; a secret."""


def read(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings in *environ*; raise what is wrong, or `BadSettings` with all of it when it is more than one.

    Only the role ``test`` (taken when no role is given) has defaults for what a real process must be told.
    """
    source = _Source(environ)
    found = _settings(source)
    faults = [*source.faults, *_unknown(environ)]
    if faults:
        raise faults[0] if len(faults) == 1 else BadSettings(faults)
    return found


def known() -> list[str]:
    """Return the name of every variable that means something to a process."""
    own = [_key(one.name) for one in fields(Settings)]
    secrets = [f"{_key(one.name)}_FILE" for one in fields(Settings) if not one.repr]  # what is never shown is a secret
    return [*own, *secrets, *OWN]


def _unknown(environ: Mapping[str, str]) -> list[OnedoorError]:
    names = known()
    strange = sorted(one for one in environ if one.startswith(PREFIX) and one not in names)
    return [
        UnknownSetting(name=one, nearest=difflib.get_close_matches(one, names, 1, 0.0)[0])
        for one in strange
        if not one.startswith(OF_TESTS)
    ]


def _settings(source: "_Source") -> Settings:
    role = source.one_of("role", ROLES, "test")
    watch_token = source.secret("watch_token", "", rf".{{{SHORTEST_SECRET},}}")
    django = role in ("portal", "node")
    absent = None if (master_key := source.one_of("master_key", (FILE, PKCS11), FILE)) == PKCS11 else ""
    public = source.text("public_url", URL, "http://localhost:8000", _such_as("http://localhost:8002"))
    return Settings(
        role=role,
        nation=source.folder("nation", NO_NATION.get(role)),
        member=source.text("member", r"[A-Z0-9-]+", "" if role in NO_MEMBER else None, _such_as("G15")),
        subsystem=source.text("subsystem", SUBSYSTEM, None if django else "", _such_as("VN/GOV/G15/CIVIL-STATUS")),
        database_url=source.secret("database_url", None if django else "", r"postgres(ql)?://\S+"),
        state=source.path("state", Path("var/test") if role == "test" else None),
        secret=source.secret("secret", None if django else "of-the-tests-alone-" * 3, rf".{{{SHORTEST_SECRET},}}"),
        gateway_url=source.text("gateway_url", URL, "", _such_as("https://127.0.0.1:8101")),
        tls_key=source.optional_path("tls_key"),
        tls_cert=source.optional_path("tls_cert"),
        tls_trust=source.optional_path("tls_trust"),
        tsa_url=source.text("tsa_url", URL, "", _such_as("http://tsa.example/tsr")),
        stamp_within=source.number("stamp_within", STAMP_WITHIN, MOST_STAMP_WITHIN),
        operations_days=source.number("operations_days", OPERATIONS_DAYS, MOST_OPERATIONS_DAYS),
        stream_from=source.number("stream_from", STREAM_FROM, MOST_STREAM_FROM),
        largest_body=source.number("largest_body", LARGEST_BODY, MOST_LARGEST_BODY),
        ocsp_url=source.text("ocsp_url", URL, "", _such_as("http://ocsp.example")),
        public_url=public.rstrip("/"),
        listen=source.address("listen", "127.0.0.1:8000"),
        exchange_listen=source.address("exchange_listen", "127.0.0.1:8300"),
        plain_listen=source.optional_address("plain_listen"),
        error_types=source.one_of("error_types", (DOCUMENTED_ERRORS, NEWER_ERRORS), DOCUMENTED_ERRORS),
        busy_status=source.one_of("busy_status", (DOCUMENTED_STATUS, UNAVAILABLE), DOCUMENTED_STATUS),
        client_rate=source.number("client_rate", 0, MOST_RATE, least=0),
        networks=source.networks("networks"),
        proxies=source.addresses("proxies"),
        webhook_hosts=source.hosts("webhook_hosts"),
        demonstration=source.flag("demonstration"),
        log_level=source.one_of("log_level", LOG_LEVELS, "info"),
        desk_threads=source.number("desk_threads", DESK_THREADS, MOST_THREADS),
        workers=source.number("workers", 1, MOST_WORKERS),
        watch_listen=source.watched("watch_listen", closed=bool(watch_token)),
        watch_token=watch_token,
        traces_url=source.text("traces_url", URL, "", _such_as("http://127.0.0.1:4318/v1/traces")),
        ledger_policy=(source.path if role == "witness" else source.optional_path)("ledger_policy"),
        witness_name=source.text(
            "witness_name", r"[^\s+]+", None if role == "witness" else "", _such_as("a.example/w1")
        ),
        master_key=master_key,
        pkcs11_module=(source.path if master_key == PKCS11 else source.optional_path)("pkcs11_module"),
        pkcs11_token=source.text("pkcs11_token", r".{1,32}", absent, said("the label of a token")),
        pkcs11_pin=source.secret("pkcs11_pin", absent, r".+"),
    )


@cache
def current() -> Settings:
    """Return the settings of this process, read once (``current.cache_clear()`` forgets them)."""
    return read()


class _Source:
    """Typed readers over an environment; each notes what is wrong and goes on, so that all of it can be said."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.faults: list[OnedoorError] = []

    def fault(self, key: str, value: str, expected: Said) -> None:
        self.faults.append(faulty(key, value, expected))

    def given(self, key: str) -> str:
        return self.environ.get(key, "").strip()

    def raw(self, name: str, default: str | None, expected: Said) -> str:
        value = self.given(_key(name)) or default
        if value is None:
            self.fault(_key(name), "", expected)
        return value or ""

    def text(self, name: str, pattern: str, default: str | None, expected: Said) -> str:
        value = self.raw(name, default, expected)
        if value and not re.fullmatch(pattern, value):
            self.fault(_key(name), value, expected)
        return value

    def one_of(self, name: str, choices: tuple[str, ...], default: str) -> str:
        expected = said("one of {names}", names=", ".join(choices))
        value = self.raw(name, default, expected)
        if value in choices:
            return value
        self.fault(_key(name), value, expected)
        return default

    def number(self, name: str, default: int, most: int, *, least: int = 1) -> int:
        expected = said("a number from {least} to {most}", least=least, most=most)
        value = self.raw(name, str(default), expected)
        if re.fullmatch(r"\d{1,6}", value) and least <= int(value) <= most:
            return int(value)
        self.fault(_key(name), value, expected)
        return default

    def flag(self, name: str) -> bool:
        return self.one_of(name, ("yes", "no"), "no") == "yes"

    def address(self, name: str, default: str) -> str:
        expected = said("a host and a port, such as {example}", example="127.0.0.1:8002")
        value = self.raw(name, default, expected)
        if not re.fullmatch(r"\S+:\d{1,5}", value) or int(value.rpartition(":")[2]) > LAST_PORT:
            self.fault(_key(name), value, expected)
        return value

    def optional_address(self, name: str) -> str:
        return self.address(name, "") if self.given(_key(name)) else ""

    def watched(self, name: str, *, closed: bool) -> str:
        """Return where who watches may ask, or nothing; without a token that must be this computer alone."""
        value = self.optional_address(name)
        if ":" in value and not closed and value.rpartition(":")[0] not in LOOPBACK:
            self.fault(_key(name), value, said("on loopback (127.0.0.1), unless ONEDOOR_WATCH_TOKEN_FILE is set"))
        return value

    def addresses(self, name: str) -> tuple[str, ...]:
        found = tuple(self.raw(name, "", said("a list")).replace(",", " ").split())
        for one in found:
            try:
                ip_address(one)
            except ValueError:
                self.fault(_key(name), one, said("IP addresses, such as {example}", example="127.0.0.1"))
        return found

    def networks(self, name: str) -> tuple[Network, ...]:
        found = []
        for one in self.raw(name, "", said("a list")).replace(",", " ").split():
            try:
                found.append(ip_network(one))
            except ValueError:
                self.fault(_key(name), one, said("networks, such as {example}", example="10.20.0.0/16"))
        return tuple(found)

    def hosts(self, name: str) -> tuple[str, ...]:
        found = tuple(self.raw(name, "", said("a list")).lower().replace(",", " ").split())
        for one in found:
            if not re.fullmatch(HOST, one):
                self.fault(_key(name), one, said("hosts by name, such as hooks.example or hooks.example:8443"))
        return found

    def path(self, name: str, default: Path | None = None) -> Path:
        return Path(self.raw(name, None if default is None else str(default), said("a path"))).absolute()

    def folder(self, name: str, default: Path | None) -> Path:
        path = self.path(name, default)
        if not path.is_dir():
            self.fault(_key(name), str(path), said("a folder that exists"))
        return path

    def optional_path(self, name: str) -> Path | None:
        return self.path(name, Path()) if self.given(_key(name)) else None

    def secret(self, name: str, default: str | None, pattern: str) -> str:
        """Return a secret given itself or, better, as the path of its file; never show its value."""
        key, file = _key(name), self.given(f"{_key(name)}_FILE")
        if file and self.given(key):
            self.fault(key, "…", said("given once: as {key} or as {key}_FILE", key=key))
            return ""
        value = (
            self.content(key, file)
            if file
            else self.raw(name, default, said("set, or {key}_FILE be its file", key=key))
        )
        if value and not re.fullmatch(pattern, value):
            self.fault(key, "…", said("of the form {pattern}", pattern=pattern))
        return value

    def content(self, key: str, file: str) -> str:
        try:
            if _open_to_others(Path(file)):
                self.fault(f"{key}_FILE", file, said("a file that nobody else can read (chmod 600)"))
            return Path(file).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            self.fault(f"{key}_FILE", file, said("a file that can be read ({why})", why=refusals.why(error)))
            return ""


def _such_as(example: str) -> Said:
    return said("such as {example}", example=example)


def _key(name: str) -> str:
    return f"{PREFIX}{name.upper()}"


def _open_to_others(path: Path) -> bool:
    """Return whether somebody beside its owner can read *path*; root may give us a file of its own through a group."""
    found = path.stat()
    return bool(found.st_mode & (0o077 if found.st_uid == os.geteuid() else 0o007))
