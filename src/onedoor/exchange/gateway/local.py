"""What one gateway knows of itself, from its own folder: identity, keys, the services behind it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.x509 import Certificate

from onedoor.exchange.identifiers import META
from onedoor.signing.certificates import load_certificates
from onedoor.signing.keys import PrivateKey, load_key

FILE = "gateway.json"
ANCHOR = "anchor.pem"
OUTER, INNER = "outer", "inner"
"""Names of the TLS identities (``.key``, ``.pem``, ``-trust.pem``): towards gateways, towards the own systems."""
SIGNING_KEY, SIGNING_CERTIFICATE = "signing.key", "signing.pem"
LOG_KEY, LOG, CONFIGURATION = "log.key", "log", "configuration.signed"
GRANTS, GROUPS = "grants.jsonl", "groups.jsonl"
LOG_KEY_BYTES = 32
MUTUAL, HTTPS, HTTP = "mutual", "https", "http"
"""How a subsystem behind this gateway connects: with its certificate, without one, or in the clear as well."""


@dataclass(frozen=True, slots=True)
class Provided:
    """A service behind this gateway: the node's address, its base path, the certificate the node must show.

    *description* is the path of its OpenAPI document below the base path, empty for a plain REST service.
    """

    service: str
    kind: str
    host: str
    port: int
    base: str
    system: str
    timeout: float
    endpoints: tuple[tuple[str, str], ...]
    description: str

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
    key: PrivateKey
    log_key: bytes

    @property
    def log(self) -> Path:
        """Return the folder of the message log."""
        return self.folder / LOG


def read(folder: Path) -> Local:
    """Return what *folder* holds; raise FileNotFoundError, ValueError or KeyError when it is not complete."""
    data = json.loads((folder / FILE).read_text("utf-8"))
    log_key = (folder / LOG_KEY).read_bytes()
    if len(log_key) != LOG_KEY_BYTES:
        raise ValueError(f"{folder / LOG_KEY} does not hold {LOG_KEY_BYTES} bytes")
    connections = dict(data.get("connections", {}))
    if strange := sorted(set(connections.values()) - {MUTUAL, HTTPS, HTTP}):
        raise ValueError(f"a subsystem connects by {MUTUAL}, {HTTPS} or {HTTP}, not by {strange[0]}")
    return Local(
        folder=folder,
        id=data["id"],
        directory=data["directory"],
        services={one["service"]: _provided(one) for one in data["services"]},
        connections=connections,
        anchors=load_certificates(folder / ANCHOR),
        key=load_key(folder / SIGNING_KEY),
        log_key=log_key,
    )


def _provided(data: Mapping[str, Any]) -> Provided:
    url = urlsplit(data["url"])
    if data["service"].rpartition("/")[2] in META:
        raise ValueError(f"the code of {data['service']} is reserved for a metaservice")
    if url.scheme != "https" or not url.hostname or url.query:
        raise ValueError(f"a service is reached by https://host:port/path, not by {data['url']}")
    description = str(data.get("description", ""))
    return Provided(
        service=data["service"],
        kind="OPENAPI" if description else "REST",
        host=url.hostname,
        port=url.port or 443,
        base=url.path,
        system=data["system"],
        timeout=float(data.get("timeout", 30)),
        endpoints=tuple((one["method"], one["path"]) for one in data.get("endpoints", ())),
        description=description,
    )
