from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from onedoor.signing import keys, pades, pdf
from onedoor.signing.certificates import Authority, Subject

TEMPLATE = """
#let data = json(bytes(sys.inputs.data))
= #data.title
#data.child.full_name
#if sys.inputs.qr != "" { image(bytes(sys.inputs.qr), format: "svg", width: 2cm, alt: "QR") }
"""
DATA = {
    "title": "Giấy khai sinh",
    "agency": {"id": "commune-00199", "name": "Ủy ban nhân dân phường Láng"},
    "child": {"full_name": "Nguyễn Ngọc Ánh"},
    "verify_url": "http://localhost:8002/vi/verify/0198f2f0-5d5e-7c3a-9f6e-1c2d3e4f5a6b",
}
MOMENT = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    path = tmp_path_factory.mktemp("templates") / "birth.typ"
    path.write_text(TEMPLATE)
    return path


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority.create(tmp_path_factory.mktemp("ca"), moment=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture(scope="session")
def seal(authority):
    key = keys.new_key()
    subject = Subject("Con dấu số", "Ủy ban nhân dân phường Láng", "commune-00199", "VN")
    issued = authority.issue(subject, key.public_key(), "seal", days=360, moment=datetime(2026, 1, 1, tzinfo=UTC))
    return SimpleNamespace(key=key, certificate=issued)


@pytest.fixture(scope="session")
def plain(template):
    return pdf.render(template, DATA, {"notice.json": b"{}"}, lang="vi", moment=MOMENT)


@pytest.fixture(scope="session")
def sealed(plain, seal):
    return pades.sign_pdf(plain, seal.key, seal.certificate, reason="Cấp giấy khai sinh", moment=MOMENT)
