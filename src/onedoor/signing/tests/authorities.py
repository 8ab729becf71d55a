"""A development authority with its time-stamps and OCSP responses, asked without a network, at any moment."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from unittest.mock import patch

from cryptography import x509

from onedoor.signing import development, keys, stamps, status
from onedoor.signing.certificates import Authority, Profile, Subject
from onedoor.signing.status import Status
from onedoor.signing.trust import Trust

START = datetime(2026, 1, 1, tzinfo=UTC)
AIA = "http://127.0.0.1:9/ocsp"


class Lab:
    """An authority with a folder of its own, its responder and its time-stamper."""

    def __init__(self, folder: Path, moment: datetime, days: int = 360, start: datetime = START) -> None:
        self.folder, self.moment, self.start, self.room = folder, moment, start, 2048
        self.authority = (
            Authority.open(folder) if (folder / "ca.key").exists() else Authority.create(folder, moment=start)
        )
        self.stamping, self.stamper = self.identity(development.STAMP_NAME, "stamp", days)
        self.telling, self.responder = self.identity(development.STATUS_NAME, "status", 3000)
        self.asked = 0

    def identity(self, name: str, profile: Profile, days: int) -> tuple[keys.PrivateKey, x509.Certificate]:
        key = keys.new_key()
        public = key.public_key()
        made = self.authority.issue(Subject(name), public, profile, days=days, moment=self.start, status=AIA)
        return key, made

    @property
    def trust(self) -> Trust:
        roots = (self.authority.certificate,)
        return Trust(roots, roots, self.status)

    def stamp(self, stamped: bytes) -> bytes:
        self.asked += 1
        asked = stamps.request(stamped)
        return stamps.taken(development.stamp(asked, self.stamping, [self.stamper], self.moment), asked, stamped)

    def status(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Status | None:
        root = self.authority.certificate
        request = status.request(certificate, issuer)
        told = development.status(request, self.folder, root, self.telling, self.responder, self.moment)
        return status.read(told, certificate, issuer)


@contextmanager
def at_their(moment: datetime) -> Iterator[None]:
    """Let pyHanko take *moment* for now where it asks the clock itself."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Clock":
            at = moment.astimezone(tz)
            return cls.combine(at.date(), at.timetz())

    modules = ("pyhanko_certvalidator.ltv.poe", "pyhanko_certvalidator.ltv.ades_past", "pyhanko.sign.validation.ades")
    with ExitStack() as stack:
        for module in modules:
            stack.enter_context(patch(f"{module}.datetime", Clock))
        yield
