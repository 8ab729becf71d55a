"""What pyHanko says of a sealed PDF: changes, coverage, path of certificates, time-stamps; loaded when used."""

import asyncio
import io
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

from asn1crypto import ocsp  # type: ignore[import-untyped]
from asn1crypto import x509 as asn1
from cryptography import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESPassed
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.ades import ades_lta_validation
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.policy_decl import (
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.archival import OCSPContainer

from onedoor.signing import cms, judgement
from onedoor.signing.envelope import Opened
from onedoor.signing.trust import Trust
from onedoor.signing.verdict import Reason, Refused

T = TypeVar("T")

_USAGE = KeyUsageConstraints(key_usage={"non_repudiation"})
_WHOLE = (SignatureCoverageLevel.ENTIRE_FILE, SignatureCoverageLevel.ENTIRE_REVISION)


def agrees(pdf: bytes, opened: Opened, trust: Trust, at: datetime) -> bool:
    """Return whether pyHanko takes *pdf* as valid at the moment *at*.

    A file with time-stamps over the whole is judged as PAdES B-LTA, any other by its seal alone.
    """
    if opened.stamps and opened.standing and opened.standing.length > len(opened.sealed):
        told = judgement.told_now(opened, trust, at)
        return _read(pdf, lambda signature: _run(_lasting(signature, trust, told, at)))
    return _read(pdf, lambda signature: _run(_plain(signature, opened, trust, at)))


async def _plain(signature: EmbeddedPdfSignature, opened: Opened, trust: Trust, at: datetime) -> bool:
    context = ValidationContext(
        trust_roots=[_asn1(one) for one in trust.roots],
        other_certs=[_asn1(one) for one in opened.envelope.others],
        moment=at,
        allow_fetching=False,
    )
    stamping = ValidationContext(trust_roots=[_asn1(one) for one in trust.stamping], moment=at, allow_fetching=False)
    status = await async_validate_pdf_signature(
        signature, context, ts_validation_context=stamping, key_usage_settings=_USAGE
    )
    return bool(status.bottom_line and status.docmdp_ok and status.coverage == SignatureCoverageLevel.ENTIRE_FILE)


async def _lasting(signature: EmbeddedPdfSignature, trust: Trust, now: Iterable[bytes], at: datetime) -> bool:
    responses = [one for der in now for one in OCSPContainer.load_multi(ocsp.OCSPResponse.load(der))]
    spec = SignatureValidationSpec(
        _policy(trust.roots),
        ts_cert_validation_policy=_policy(trust.stamping),
        revinfo_gathering_policy=RevocationInfoGatheringSpec(RevinfoOnlineFetchingRule.LOCAL_ONLY),
        local_knowledge=LocalKnowledge(known_ocsps=responses),
        key_usage_settings=_USAGE,
    )
    signature.compute_integrity_info()  # type: ignore[no-untyped-call]
    moment = ValidationTimingInfo(validation_time=at, best_signature_time=at, point_in_time_validation=False)
    result = await ades_lta_validation(signature, PdfSignatureValidationSpec(spec), timing_info=moment)
    status = result.api_status
    passed = result.ades_subindic == AdESPassed.OK
    return bool(passed and status and status.docmdp_ok and status.intact and status.coverage in _WHOLE)


def _policy(roots: Sequence[x509.Certificate]) -> CertValidationPolicySpec:
    return CertValidationPolicySpec(
        trust_manager=SimpleTrustManager.build(trust_roots=[_asn1(one) for one in roots]),
        revinfo_policy=CertRevTrustPolicy(REQUIRE_REVINFO),
    )


def _read(pdf: bytes, ask: Callable[[EmbeddedPdfSignature], T]) -> T:
    try:
        (signature,) = PdfFileReader(io.BytesIO(pdf)).embedded_regular_signatures
        return ask(signature)
    except Exception as broken:  # a hostile file may break its reader in any way; each way means: not valid
        raise Refused(Reason.UNREADABLE) from broken


def _run(judging: Coroutine[Any, Any, bool]) -> bool:
    # pyHanko needs an event loop of its own, which a thread that has one already cannot give it.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, judging).result()


@lru_cache(maxsize=256)
def _asn1(certificate: x509.Certificate) -> asn1.Certificate:
    return asn1.Certificate.load(cms.der(certificate))
