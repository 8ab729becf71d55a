"""A signature put into a PDF by an update that allows no change after it; brings in pyHanko, so loaded when used."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigMDPSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import SignatureObject


@dataclass(frozen=True)
class Field:
    """The signature's field, and what its dictionary tells; *box* in points from the page's lower left corner."""

    name: str
    moment: datetime
    signer: str = ""
    reason: str = ""
    location: str = ""
    page: int = 0
    box: tuple[int, int, int, int] | None = None


def embed(pdf: bytes, field: Field, room: int, container: Callable[[bytes], bytes]) -> bytes:
    """Return *pdf* with the CMS that *container* makes of its SHA-256 digest, at most *room* bytes long."""
    spec = SigFieldSpec(field.name, on_page=field.page, box=field.box)
    steps = PdfCMSEmbedder(new_field_spec=spec).write_cms(field.name, IncrementalPdfFileWriter(io.BytesIO(pdf)))
    next(steps)
    placeholder = SignatureObject(
        timestamp=field.moment,
        subfilter=SigSeedSubFilter.PADES,
        bytes_reserved=2 * room,
        name=field.signer,
        location=field.location,
        reason=field.reason,
    )
    steps.send(SigObjSetup(placeholder, SigMDPSetup("sha256", certify=True, docmdp_perms=MDPPerm.NO_CHANGES)))
    prepared, output = steps.send(SigIOSetup("sha256"))
    steps.send(container(prepared.document_digest))
    sealed: bytes = output.getvalue()
    return sealed
