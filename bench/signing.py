"""A document sealed to last and checked, against pyHanko bare: same PDF, same key, same authorities over HTTP.

The anchor has what it needs to know of revocation at hand, as we do; it asks the time-stamp authority as often.
"""

import asyncio
import io
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

from asn1crypto import ocsp, tsp  # type: ignore[import-untyped]
from asn1crypto import x509 as asn1
from cryptography import x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import signers, timestamps
from pyhanko.sign.ades.report import AdESPassed
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.validation.ades import ades_lta_validation
from pyhanko.sign.validation.policy_decl import (
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.archival import OCSPContainer

from bench.measure import Ratio, compare, seconds
from onedoor.exchange.directory.authorities import CA, OCSP, STAMP, STATUS, TSA, Authorities
from onedoor.kernel.fetching import Server
from onedoor.signing import development, pades, pdf
from onedoor.signing.authorities import Responders, TimeStampAuthority
from onedoor.signing.certificates import Authority, Profile, Subject, save_certificates
from onedoor.signing.cms import der
from onedoor.signing.keys import load_key, new_key, save_key
from onedoor.signing.trust import Trust

FLOOR = 1.3
TIMES, REPEATS = 5, 5
TEXT = "#let data = json(bytes(sys.inputs.data))\n= #data.title\n#for one in range(40) [#lorem(30)\n\n]"


class Bare(timestamps.TimeStamper):
    """pyHanko's side of a time-stamp, over a connection that is kept, as ours is."""

    def __init__(self, url: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._server = Server(url, 5.0)

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """Send *req* and return the response."""
        _code, body = self._server.ask("POST", "", 1 << 16, req.dump(), kind="application/timestamp-query")
        return tsp.TimeStampResp.load(body)


class Bench:
    """A seal, its development authority at *url*, and one plain document."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        authority = Authority.load(folder / CA)
        key = new_key()
        self.certificate = authority.issue(
            Subject("bench", "Bench", "bench", "VN"), key.public_key(), "seal", status=f"{url}/ocsp"
        )
        save_key(folder / "seal.key", key)
        save_certificates(folder / "seal.pem", [self.certificate])
        self.root = authority.certificate
        self.stamper = TimeStampAuthority(f"{url}/tsa")
        self.trust = Trust((self.root,), (self.root,), Responders(f"{url}/ocsp").status)
        self.signer = signers.SimpleSigner.load(str(folder / "seal.key"), str(folder / "seal.pem"))  # type: ignore[no-untyped-call]
        self.bare_stamper = Bare(f"{url}/tsa")
        (folder / "text.typ").write_text(TEXT)
        self.plain = pdf.render(folder / "text.typ", {"title": "Bench"}, lang="vi")
        stamper = x509.load_pem_x509_certificate((folder / f"{TSA}.pem").read_bytes())
        told = [self.trust.status(one, self.root) for one in (self.certificate, stamper)]
        self.told = [one.der for one in told if one]
        self.lasting = self.seal()

    @property
    def responses(self) -> list[ocsp.OCSPResponse]:
        """Return the responses, read anew: what pyHanko used once, it takes seconds to write again."""
        return [ocsp.OCSPResponse.load(one) for one in self.told]

    def seal(self) -> bytes:
        """Seal the document and make it last."""
        key = load_key(self.folder / "seal.key")
        sealed = pades.sign_pdf(self.plain, key, self.certificate, reason="bench", stamper=self.stamper)
        return pades.make_last(sealed, self.trust, self.stamper)

    def bare_seal(self) -> None:
        """Let pyHanko do the same."""
        context = ValidationContext(
            trust_roots=[asn1.Certificate.load(der(self.root))], ocsps=self.responses, allow_fetching=False
        )
        meta = signers.PdfSignatureMetadata(
            field_name="Seal",
            subfilter=SigSeedSubFilter.PADES,
            embed_validation_info=True,
            use_pades_lta=True,
            validation_context=context,
        )
        writer = IncrementalPdfFileWriter(io.BytesIO(self.plain))
        signers.sign_pdf(writer, meta, self.signer, timestamper=self.bare_stamper)

    def check(self) -> None:
        """Check the document that lasts, as a stranger's: by us and by pyHanko."""
        verdict = pades.check_pdf(self.lasting, self.trust)
        if not verdict.valid:
            raise RuntimeError(f"the document is not valid: {verdict.reasons}")

    def bare_check(self) -> None:
        """Let pyHanko alone check it."""
        manager = SimpleTrustManager.build(trust_roots=[asn1.Certificate.load(der(self.root))])
        policy = CertValidationPolicySpec(trust_manager=manager, revinfo_policy=CertRevTrustPolicy(REQUIRE_REVINFO))
        known = [one for response in self.responses for one in OCSPContainer.load_multi(response)]
        spec = SignatureValidationSpec(
            policy,
            revinfo_gathering_policy=RevocationInfoGatheringSpec(RevinfoOnlineFetchingRule.LOCAL_ONLY),
            local_knowledge=LocalKnowledge(known_ocsps=known),
        )
        (signature,) = PdfFileReader(io.BytesIO(self.lasting)).embedded_regular_signatures
        signature.compute_integrity_info()
        result = asyncio.run(ades_lta_validation(signature, PdfSignatureValidationSpec(spec)))
        if result.ades_subindic != AdESPassed.OK:
            raise RuntimeError(f"pyHanko says {result.ades_subindic}")


def measure(say: Callable[[str], None]) -> list[Ratio]:
    """Return the ratios of sealing and checking to the same by pyHanko."""
    say("signing")
    logging.getLogger("pyhanko").setLevel(logging.ERROR)
    with TemporaryDirectory() as name, _authorities(Path(name)) as url:
        bench = Bench(Path(name), url)
        return [
            _ratio("seal a document to last (PAdES B-LTA)", bench.seal, bench.bare_seal),
            _ratio("check it", bench.check, bench.bare_check),
        ]


def _ratio(name: str, ours: Callable[[], object], anchor: Callable[[], object]) -> Ratio:
    def taken(work: Callable[[], object]) -> Callable[[], float]:
        return lambda: 1000 * seconds(work, TIMES)

    return compare(name, taken(ours), taken(anchor), floor=FLOOR, repeats=REPEATS, note="pyHanko bare, same TSA")


@contextmanager
def _authorities(folder: Path) -> Iterator[str]:
    """Run the development authority of *folder* over HTTP and give its address."""
    authority = Authority.create(folder / CA)
    kinds: tuple[tuple[str, Profile, str], ...] = (
        (TSA, "stamp", development.STAMP_NAME),
        (OCSP, "status", development.STATUS_NAME),
    )
    for name, profile, title in kinds:
        key = new_key()
        save_key(folder / f"{name}.key", key)
        made = authority.issue(Subject(title), key.public_key(), profile, status="http://127.0.0.1/ocsp")
        save_certificates(folder / f"{name}.pem", [made])
    answering = Authorities(folder)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kind, answers = {"/tsa": (STAMP, answering.stamp), "/ocsp": (STATUS, answering.status)}[self.path]
            answer = answers(body)
            head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind.decode()}\r\nContent-Length: {len(answer)}\r\n\r\n"
            self.wfile.write(head.encode() + answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
