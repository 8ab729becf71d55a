"""What one gateway knows of itself, from its own folder: identity, keys, the services behind it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from cryptography.x509 import Certificate

from onedoor.exchange import openapi
from onedoor.exchange.gateway import identities
from onedoor.exchange.gateway.identities import Identity
from onedoor.exchange.gateway.messages import Headers
from onedoor.exchange.identifiers import META, MONITORING
from onedoor.kernel.durable import write_durably
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.said import said
from onedoor.signing.certificates import load_certificates
from onedoor.signing.keys import Signer

FILE = "gateway.json"
ANCHOR, XROAD_ANCHOR = "anchor.pem", "configuration-anchor.xml"
"""The directory's key, and, where one lies there, the anchor of the instance's configuration in X-Road's form."""
OUTER, INNER = identities.OUTER, identities.INNER
"""Names of the TLS identities (``.key``, ``.pem``, ``-trust.pem``): towards gateways, towards the own systems."""
SIGNING_KEY, SIGNING_CERTIFICATE = "signing.key", "signing.pem"
LOG_KEY, LOG, CONFIGURATION = "log.key", "log", "configuration.signed"
NEWEST = "configuration-newest.json"
"""The serial of the newest configuration that was in force: no older one counts, whatever is laid into the folder."""
GRANTS, GROUPS, DESCRIPTIONS = "grants.jsonl", "groups.jsonl", "descriptions"
LOG_KEY_BYTES = 32
FASTEST, LONGEST = 1_000_000, 3600
"""The highest rate, in messages a second, and the longest time-out, in seconds, that a service may have."""
_PATH = re.compile("/[!-~]*")
CHOSEN = ("timeout", "rate", "health")
"""What of a service its operator says: seconds, messages a second, at which path its system is asked how it is."""
MUTUAL, HTTPS, HTTP = "mutual", "https", "http"
"""How a subsystem behind this gateway connects: with its certificate, without one, or in the clear as well."""


class BadGatewayFile(OnedoorError):
    """The gateway’s file {file} cannot be used: {why}. Please correct it and start the gateway again."""


@dataclass(frozen=True, slots=True)
class Provided:
    """A service behind this gateway: the node's address, its base path, the certificate the node must show.

    *rate* is how many messages a second each client may send to it, 0 for as many as it likes.
    *health* is the path at which the node is asked how it is, empty when it is not asked.
    *description* is the path of its OpenAPI document below the base path, empty for a plain REST service;
    *document* is that document with its headers once it has been imported, and the endpoints are then its.
    """

    service: str
    kind: str
    host: str
    port: int
    base: str
    system: str
    timeout: float
    rate: float
    health: str
    endpoints: tuple[tuple[str, str], ...]
    description: str
    document: tuple[Headers, bytes] | None

    def at(self, path: str) -> str:
        """Return where the node has *path* (that begins with a slash, or is empty): below the base path."""
        return (self.base.removesuffix("/") + path if path else self.base) or "/"


@dataclass(frozen=True)
class Local:
    """The gateway's own folder, read once at start."""

    folder: Path
    id: str
    directory: str
    services: Mapping[str, Provided]
    connections: Mapping[str, str]
    anchors: tuple[Certificate, ...]
    identity: Identity
    log_key: bytes

    @property
    def key(self) -> Signer:
        """Return the key that it signs with."""
        return self.identity.key

    @property
    def log(self) -> Path:
        """Return the folder of the message log."""
        return self.folder / LOG


def read(folder: Path) -> Local:
    """Return what *folder* holds; raise `BadGatewayFile`, or OSError or ValueError when it is not whole."""
    log_key = (folder / LOG_KEY).read_bytes()
    if len(log_key) != LOG_KEY_BYTES:
        raise ValueError(f"{folder / LOG_KEY} does not hold {LOG_KEY_BYTES} bytes")
    try:
        data = json.loads((folder / FILE).read_text("utf-8"))
        connections = _connections(data, folder)
        services = {one["service"]: provided(one, folder) for one in data["services"]}
        own, directory = data["id"], data["directory"]
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise BadGatewayFile(file=folder / FILE, why=said("it is not well formed")) from wrong
    return Local(
        folder=folder,
        id=own,
        directory=directory,
        services=services,
        connections=connections,
        anchors=load_certificates(folder / ANCHOR),
        identity=identities.used(folder, identities.SIGNING),
        log_key=log_key,
    )


def authority(host: str, port: int) -> str:
    """Return host and port as they stand in URLs and in ``Host``: an IPv6 address in brackets (RFC 3986, 3.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def keep_description(folder: Path, service: str, raw: bytes) -> list[tuple[str, str]]:
    """Let the gateway in *folder* serve the OpenAPI description *raw* of *service* from its next start on.

    Return the endpoints it lists from then on; raise `DescriptionRefused`.
    """
    found, text = openapi.read(raw), openapi.anonymous(raw)
    endpoints = [{"method": method, "path": path} for method, path in found.endpoints()]
    kind = "application/json" if found.json else "application/yaml"
    data = {"service": service, "endpoints": endpoints, "type": kind, "document": text.decode()}
    text = json.dumps(data, ensure_ascii=False, indent=1).encode()
    write_durably(_description(folder, service).resolve(), text, mode=0o644)
    return found.endpoints()


def _description(folder: Path, service: str) -> Path:
    return folder / DESCRIPTIONS / f"{quote(service, safe='')}.json"


def _connections(data: Mapping[str, Any], folder: Path) -> dict[str, str]:
    connections = dict(data.get("connections", {}))
    if strange := sorted(set(connections.values()) - {MUTUAL, HTTPS, HTTP}):
        why = said("a subsystem connects by {ways}, not by {way}", ways=f"{MUTUAL}, {HTTPS}, {HTTP}", way=strange[0])
        raise BadGatewayFile(file=folder / FILE, why=why)
    return connections


def _rate(data: Mapping[str, Any], folder: Path) -> float:
    rate = data.get("rate", 0)
    if not _is_number(rate) or not 0 <= rate <= FASTEST:
        why = said("a service’s rate is a number of messages a second, not {rate}", rate=rate)
        raise BadGatewayFile(file=folder / FILE, why=why)
    return float(rate)


def _timeout(data: Mapping[str, Any], folder: Path) -> float:
    timeout = data.get("timeout", 30)
    if not _is_number(timeout) or not 0 < timeout <= LONGEST:
        why = said(
            "a service’s timeout is a number of seconds up to {most}, not {timeout}", most=LONGEST, timeout=timeout
        )
        raise BadGatewayFile(file=folder / FILE, why=why)
    return float(timeout)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _health(data: Mapping[str, Any], folder: Path) -> str:
    path = data.get("health", "")
    if path and not (isinstance(path, str) and _PATH.fullmatch(path)):
        why = said("health is asked at a path such as {example}, not at {path}", example="/health", path=path)
        raise BadGatewayFile(file=folder / FILE, why=why)
    return str(path)


def _place(url: str) -> tuple[SplitResult, int]:
    """Return the parts of *url* and its port; no parts where it cannot be taken apart."""
    try:
        parts = urlsplit(url)
        return parts, parts.port or 443
    except ValueError:
        return urlsplit(""), 443


def provided(own: Mapping[str, Any], folder: Path) -> Provided:
    """Return the service that an entry of the gateway's file tells of; raise `BadGatewayFile`."""
    imported = _description(folder, own["service"])
    data = {**own, **json.loads(imported.read_text("utf-8"))} if imported.exists() else own
    url, port = _place(data["url"])
    if data["service"].rpartition("/")[2] in META | MONITORING:
        why = said("{name} has the code of a metaservice", name=data["service"])
        raise BadGatewayFile(file=folder / FILE, why=why)
    if url.scheme != "https" or not url.hostname or url.query:
        raise BadGatewayFile(
            file=folder / FILE, why=said("a service is reached by https://…, not by {url}", url=data["url"])
        )
    description, document = str(data.get("description", "")), None
    if "document" in data:
        document = [(b"Content-Type", data["type"].encode())], data["document"].encode()
    return Provided(
        service=data["service"],
        kind="OPENAPI" if description or document else "REST",
        host=url.hostname,
        port=port,
        base=url.path,
        system=data["system"],
        timeout=_timeout(data, folder),
        rate=_rate(data, folder),
        health=_health(data, folder),
        endpoints=tuple((one["method"], one["path"]) for one in data.get("endpoints", ())),
        description=description,
        document=document,
    )
