"""A signature put into a PDF by an update that allows no change after it; brings in pyHanko, so loaded when used."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, NameObject, NumberObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigMDPSetup, SigObjSetup
from pyhanko.sign.signers.constants import ESIC_EXTENSION_1
from pyhanko.sign.signers.pdf_byterange import SignatureObject

_BOTH = NumberObject(3)  # type: ignore[no-untyped-call]
"""Signatures exist, and the file is only ever appended to (ISO 32000-2, table 225)."""


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
    steps = PdfCMSEmbedder(new_field_spec=spec).write_cms(field.name, _open(pdf))
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


def _open(pdf: bytes) -> IncrementalPdfFileWriter:
    """Return the writer of an update of *pdf* with a store of evidence and a list of fields that `archive` goes on."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    fields = writer.add_object(ArrayObject())
    for name, value in (
        ("/DSS", {"/Type": NameObject("/DSS")}),
        ("/AcroForm", {"/Fields": fields, "/SigFlags": _BOTH}),
    ):
        entry = DictionaryObject({NameObject(key): one for key, one in value.items()})  # type: ignore[no-untyped-call]
        writer.root[NameObject(name)] = writer.add_object(entry)
    writer.register_extension(ESIC_EXTENSION_1)
    writer.update_root()  # type: ignore[no-untyped-call]
    return writer
