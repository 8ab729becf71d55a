"""What all parts of a running gateway share: identity, configuration, grants, log, counters."""

import logging
import ssl
import time
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.x509 import Certificate

from onedoor.exchange import configuration, granting, permissions
from onedoor.exchange.configuration import Before, Configuration, ConfigurationRefused, Gateway
from onedoor.exchange.gateway import identities, published
from onedoor.exchange.gateway import local as files
from onedoor.exchange.gateway.batches import BadBatch, Sealer
from onedoor.exchange.gateway.bodies import Limits, Passing
from onedoor.exchange.gateway.faults import Fault
from onedoor.exchange.gateway.index import Indices
from onedoor.exchange.gateway.local import Local
from onedoor.exchange.gateway.log import Callback, Log
from onedoor.exchange.gateway.questions import Questions
from onedoor.exchange.gateway.watching import Journal
from onedoor.exchange.permissions import ANY, Permissions
from onedoor.kernel.addresses import Allowed, public
from onedoor.signing.certificates import fingerprint, load_certificates

if TYPE_CHECKING:
    from onedoor.exchange.gateway.operations import Operations
    from onedoor.exchange.gateway.stamping import Stamping
    from onedoor.exchange.gateway.workers import Share

SUBSCRIBING = "api", "/v1/subs"
"""Service of a room, and the path there at which who may subscribe finds its subscriptions (`directory.rights`)."""
STREAMS = "onedoor-streams"
"""Named by gateways that take large bodies beside the batches (ALPN): to others none is sent."""
_logger = logging.getLogger(__name__)


class Core:
    """State of one gateway."""

    def __init__(
        self, local: Local, log: Log, share: "Share", allows: Allowed = public, limits: Limits | None = None
    ) -> None:
        self.local, self.log, self.id, self.allows = local, log, local.id, allows
        self.passing = Passing(limits or Limits())
        self.logs, self.buckets, self.sent = share.logs(local.log), share.buckets, share.sent
        self.indices = Indices(local.log, local.log_key, self.logs)
        self.sealer = Sealer.of(local.id, local.key, local.identity.certificate)
        self.counts: Counter[str] = Counter()
        self.journal = Journal()
        self.services: frozenset[str] = frozenset()
        self.draining = False
        self.stamping: Stamping | None = None
        self.signers: dict[str, Certificate] = {}
        self.revoked: frozenset[str] = frozenset()
        self.operations: Operations | None = None
        self.questions = Questions()
        self.own_address = ""
        self._configuration: Configuration | None = None
        self.signed = b""
        """The configuration in force, as the directory signed it."""
        self._granted = Permissions(())
        self._decided: Certificate | None = None
        self._outer: list[ssl.SSLContext] = []
        self._shown = fingerprint(load_certificates(local.folder / f"{files.OUTER}.pem")[0])

    def configuration(self, side: str) -> Configuration:
        """Return the configuration in force; raise the documented fault of *side* when there is none."""
        found = self._configuration
        if found is None or time.time() >= found.ends:
            raise Fault(f"{side}.OutdatedGlobalConf", "The global configuration has expired or is missing")
        return found

    def flowing(self, side: str) -> Configuration:
        """Return the configuration for a message to pass; raise also when signatures wait too long for time-stamps."""
        if self.stamping:
            self.stamping.check(side)
        return self.configuration(side)

    def current(self) -> Configuration | None:
        """Return the configuration in force, or nothing."""
        found = self._configuration
        return found if found and time.time() < found.ends else None

    def accept(self, signed: bytes) -> bool:
        """Use *signed* from now on when it verifies, is in force and none that was newer ever was here; say so."""
        found = self.kept(signed)
        return found is not None and self.take(found, signed)

    def kept(self, signed: bytes) -> Configuration | None:
        """Return the configuration that `read` returns, kept for the next start, unless a newer one was in force."""
        found, used = self.read(signed), self._configuration
        if found is None or signed == self.signed:
            return found
        if used and found.serial < used.serial:
            _logger.warning("configuration.refused why=older serial=%s newest=%s", found.serial, used.serial)
            return None
        return found if published.keep(self.local.folder, signed, found.serial) else None

    def read(self, signed: bytes) -> Configuration | None:
        """Return the configuration *signed* when it is another, verifies and is in force; touches nothing."""
        folder, now = self.local.folder, datetime.now(UTC)
        anchor = (folder / files.XROAD_ANCHOR).exists()
        if signed == self.signed and not anchor:
            return None
        try:
            found = configuration.read(signed, self.local.anchors, moment=now)
            if anchor:
                from onedoor.exchange.gateway import anchored  # reads XML

                return anchored.held(signed, folder, now)
            return found
        except ConfigurationRefused as refused:
            _logger.warning("configuration.refused why=%s", refused.facts.get("why"))
            return None

    def take(self, found: Configuration, signed: bytes) -> bool:
        """Use *found*, which `kept` returned of *signed*; return whether it is another than what is used."""
        used = self._configuration
        new = used is None or (found.serial, found.expires) != (used.serial, used.expires)
        if new:
            self._configuration = found
            self._use(found)
        self.signed = signed
        return new

    def foreign(self, gateway: Gateway) -> bool:
        """Return whether *gateway* is one of a partner of the federation."""
        return gateway.id.partition("/")[0] != self.id.partition("/")[0]

    def check_signer(self, signing: Certificate) -> None:
        """Raise `BadBatch` unless the certificate under a batch is in force and not known as revoked."""
        mark, since, until = _known(signing)
        if not since <= time.time() < until:
            raise BadBatch("CertValidation", "the certificate of who signed is not in force")
        if mark in self.revoked:
            raise BadBatch("CertValidation", "the certificate of who signed is revoked")
        self.signers[mark] = signing

    def end_partners(self) -> bool:
        """Forget the partners whose configuration has ended; return whether there was one."""
        found, now = self._configuration, time.time()
        if found is None or now < found.partners_end:
            return False
        self._configuration = found.without_ended(now)
        return True

    def keep(
        self, kind: int, payload: bytes, signer: Gateway | Before | Sealer, durable: Callback, *, lazy: bool = False
    ) -> None:
        """Log a batch that *signer* signed, as `Log.append` does; its signature waits for a time-stamp from now on."""
        self.log.append(kind, payload, durable, lazy=lazy)
        if self.stamping:
            self.stamping.note(payload, signer)

    def allowed(self, client: str, service: str, method: str, path: str, purpose: str) -> bool:
        """Return whether the nation's rights and this provider's grants both reach the call."""
        rights = self._configuration.rights if self._configuration else Permissions(())
        call = (client, service, method, path or "/", purpose)
        return self._granted.covers(*call) and rights.covers(*call)

    def pushes(self, room: str, subscriber: str, purpose: str) -> bool:
        """Return whether a *room* behind this gateway may push to *subscriber*: only who may subscribe is told."""
        service, path = SUBSCRIBING
        service = f"{room}/{service}"
        return service not in self.local.services or self.allowed(subscriber, service, "GET", path, purpose)

    def callable_by(self, client: str, service: str, endpoints: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return where *client* may call *service*: of its *endpoints*, and of those that grants and rights name."""
        rights = self._configuration.rights if self._configuration else Permissions(())
        granted = [*self._granted.endpoints(client, service), *rights.endpoints(client, service)]
        known = dict.fromkeys([*endpoints, *granted])
        found = [one for one in known if all(held.opens(client, service, *one) for held in (self._granted, rights))]
        return [(method, path) for method, path in found if method == ANY or (ANY, path) not in found]

    def load_grants(self) -> None:
        """Read the grants of the provider; what no gateway of it signed or is not in force counts for nothing."""
        configuration = self._configuration
        gateway = configuration.gateways.get(self.id) if configuration else None
        if configuration is None or gateway is None:
            return
        signers = _signers(configuration, gateway)
        grants, wrong = permissions.read_grants(self.local.folder / files.GRANTS, signers)
        for fault in wrong:
            _logger.warning("grant.refused %s", fault)
        groups, wrong = permissions.read_groups(self.local.folder / files.GROUPS, signers)
        for fault in wrong:
            _logger.warning("group.refused %s", fault)
        now = datetime.now(UTC)
        held = [one.permission for one in grants if one.in_force(now) and one.permission.provider in gateway.clients]
        self._granted = Permissions(filter(_plain, held), {**groups, **configuration.groups})

    def sign_anew(self) -> None:
        """Sign with the key in use what was decided here, once after a start and after each change of it."""
        configuration, folder = self.current(), self.local.folder
        gateway = configuration.gateways.get(self.id) if configuration else None
        if configuration is None or gateway is None or gateway.signing == self._decided:
            return
        own = identities.used(folder, identities.SIGNING)
        if own.certificate == gateway.signing:
            granting.sign_anew(folder, [own.certificate, *_signers(configuration, gateway)], own.key)
            self._decided = own.certificate

    def follow_keys(self) -> None:
        """Sign and show what the configuration says of this gateway: its next keys, once every other one knows them."""
        configuration = self.current()
        gateway = configuration.gateways.get(self.id) if configuration else None
        if gateway is None:
            _logger.error("configuration.without_this_gateway id=%s", self.id)
        elif gateway.before is None or time.time() >= gateway.before.since:
            try:
                self._use_keys(gateway)
            except Exception:  # a full disk, a token that is away: the next look tries again, and all else goes on
                _logger.exception("gateway.key_not_changed")

    def _use_keys(self, gateway: Gateway) -> None:
        self._sign_as(gateway)
        self._show_as(gateway)
        if gateway.before is None:
            identities.forget(self.local.folder)

    def _sign_as(self, gateway: Gateway) -> None:
        if gateway.signing == self.sealer.signing:
            return
        found = identities.take_over(self.local.folder, identities.SIGNING, gateway.signing)
        if found is None:
            _logger.error("configuration.without_this_gateway id=%s key=signing", self.id)
            return
        self.sealer = Sealer.of(self.id, found.key, found.certificate)
        _logger.info("gateway.key_changed key=signing")

    def _show_as(self, gateway: Gateway) -> None:
        if gateway.tls == self._shown:
            return
        folder = self.local.folder
        known = (identities.following(folder, files.OUTER), identities.used(folder, files.OUTER))
        certificate = next(
            (one.certificate for one in known if one and fingerprint(one.certificate) == gateway.tls), None
        )
        if certificate is None:
            _logger.error("configuration.without_this_gateway id=%s key=outer", self.id)
            return
        identities.take_over(folder, files.OUTER, certificate)
        self._shown = gateway.tls
        for context in self._outer:
            context.load_cert_chain(folder / f"{files.OUTER}.pem", folder / f"{files.OUTER}.key")
        _logger.info("gateway.key_changed key=outer")

    def outer(self, purpose: int) -> ssl.SSLContext:
        """Return a context towards other gateways; authorities of a later configuration are added to it."""
        context = _context(self.local.folder, files.OUTER, purpose)
        context.set_alpn_protocols([STREAMS])
        self._outer.append(context)
        if self._configuration:
            context.load_verify_locations(cadata=_trusted(self._configuration))
        return context

    def inner(self, purpose: int) -> ssl.SSLContext:
        """Return a context towards the member's own systems; it asks for no certificate when one has leave to."""
        context = _context(self.local.folder, files.INNER, purpose)
        if purpose == ssl.PROTOCOL_TLS_SERVER and set(self.local.connections.values()) - {files.MUTUAL}:
            context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def _use(self, found: Configuration) -> None:
        for context in self._outer:
            context.load_verify_locations(cadata=_trusted(found))
        self.services = frozenset(f"{one.id}/{two.code}" for one in found.subsystems.values() for two in one.services)
        self.follow_keys()
        self.load_grants()
        _logger.info("configuration.used serial=%s", found.serial)


def _signers(configuration: Configuration, gateway: Gateway) -> list[Certificate]:
    """Return under which certificates the decisions of the provider whose *gateway* it is count."""
    return [two for one in configuration.gateways_of_member(gateway) for two in (one.signing, *one.former)]


def _trusted(found: Configuration) -> str:
    """Return the authorities (PEM) whose certificates other gateways may show."""
    return "".join([found.authorities, *(one.authorities for one in found.partners)])


@lru_cache(maxsize=4096)
def _known(signing: Certificate) -> tuple[str, float, float]:
    """Return the fingerprint of a certificate, and between which moments (UNIX time) it is in force."""
    return fingerprint(signing), signing.not_valid_before_utc.timestamp(), signing.not_valid_after_utc.timestamp()


def _plain(one: permissions.Permission) -> bool:
    """Return whether a permission is not that of a local group which belongs to another than the provider."""
    group = one.client.removeprefix(permissions.LOCAL)
    return group == one.client or group.rpartition("/")[0] == one.provider


def _context(folder: Path, name: str, purpose: int) -> ssl.SSLContext:
    """Return a mutual TLS 1.3 context; whose certificate counts is decided by fingerprint afterwards."""
    context = ssl.SSLContext(purpose)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(folder / f"{name}-trust.pem")
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    if purpose == ssl.PROTOCOL_TLS_SERVER:
        context.num_tickets = 0
    return context
