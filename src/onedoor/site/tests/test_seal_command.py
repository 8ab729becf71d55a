"""``onedoor seal`` on the folders of a system and of its development authority."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from pkcs11 import Attribute, ObjectClass

from onedoor.kernel import pkcs11
from onedoor.kernel.settings import current as settings
from onedoor.signing import development, holders, pades, tokens
from onedoor.signing.certificates import Subject, load_certificates, save_certificates
from onedoor.signing.keys import new_key, save_key
from onedoor.signing.pdf import render
from onedoor.signing.tests.authorities import AIA, Lab
from onedoor.signing.tests.conftest import DATA, TEMPLATE
from onedoor.signing.tokens import KeyNotInToken
from onedoor.site import cli, messages

LABEL, PRIVATE = "onedoor seal of commune-00199", {Attribute.CLASS: ObjectClass.PRIVATE_KEY}
AGENCY, NAME = "commune-00199", "Ủy ban nhân dân phường Láng"


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    now = datetime.now(UTC).replace(microsecond=0)
    made = Lab(tmp_path / "directory" / "ca", now, start=now)
    seals, key = tmp_path / "node-G15" / "seals", new_key()
    save_key(seals / f"{AGENCY}.key", key)
    save_certificates(seals / f"{AGENCY}.pem", [issue(made, key.public_key())])
    for name in ("trust.pem", "tsa-trust.pem"):
        save_certificates(seals / name, [made.authority.certificate])
    return made


def issue(lab: Lab, public: object, agency: str = AGENCY) -> x509.Certificate:
    subject = Subject(agency, NAME, agency, "VN")
    return lab.authority.issue(subject, public, "seal", status=AIA, moment=lab.start)  # type: ignore[arg-type]


@pytest.fixture
def plain(tmp_path: Path) -> bytes:
    (tmp_path / "birth.typ").write_text(TEMPLATE)
    return render(tmp_path / "birth.typ", DATA, lang="vi")


def sealed(plain: bytes, lab: Lab, seals: Path) -> bytes:
    (certificate,) = holders.certificates(seals, AGENCY)
    key = holders.key_of(seals, AGENCY, certificate)
    return pades.make_last(pades.sign_pdf(plain, key, certificate, stamper=lab), lab.trust, lab)


def seal(var: Path, *arguments: str, language: str = "en") -> int:
    try:
        return cli.run(["seal", *arguments, "--var", str(var), "--language", language])
    finally:
        messages.use(None)


def test_a_rotated_seal_seals_on_at_once_and_what_it_sealed_before_stays_valid(
    tmp_path: Path, lab: Lab, plain: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    seals = tmp_path / "node-G15" / "seals"
    (old,) = holders.certificates(seals, AGENCY)
    before, key = sealed(plain, lab, seals), holders.key_of(seals, AGENCY, old)
    assert seal(tmp_path, "rotate", AGENCY) == 0
    (new,) = holders.certificates(seals, AGENCY)
    assert new.public_key() != old.public_key()
    assert (new.subject, len(list(seals.glob("*.key")))) == (old.subject, 1)
    assert "seals with a new key" in capsys.readouterr().out
    for number, file in enumerate((before, sealed(plain, lab, seals))):
        assert pades.check_pdf(file, lab.trust).valid
        (tmp_path / f"{number}.pdf").write_bytes(file)
    assert pades.sign_pdf(plain, key, old)  # a job that holds the old pair still goes through
    files = [str(tmp_path / f"{number}.pdf") for number in range(2)]
    assert seal(tmp_path, "check", *files) == 0
    assert capsys.readouterr().out.count(development.STAMP_NAME) == 2


@pytest.mark.parametrize(("language", "said"), [("vi", "không hợp lệ"), ("en", "not valid"), ("fr", "non valable")])
def test_a_document_that_is_not_valid_says_why(
    tmp_path: Path, lab: Lab, plain: bytes, capsys: pytest.CaptureFixture[str], language: str, said: str
) -> None:
    (tmp_path / "a.pdf").write_bytes(plain)
    assert seal(tmp_path, "check", str(tmp_path / "a.pdf"), language=language) == 1
    assert said in capsys.readouterr().out


def test_a_certificate_of_any_authority_is_requested_and_installed(
    tmp_path: Path, lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    seals, chain = tmp_path / "node-G15" / "seals", tmp_path / "chain.pem"
    assert seal(tmp_path, "request", AGENCY) == 0
    asked = x509.load_pem_x509_csr(capsys.readouterr().out.encode())
    assert asked.is_signature_valid
    save_certificates(chain, [issue(lab, asked.public_key())])
    assert seal(tmp_path, "install", AGENCY, str(chain)) == 0
    assert holders.certificates(seals, AGENCY) == load_certificates(chain)
    assert len(list(seals.glob("*.key"))) == 1


def test_a_certificate_that_does_not_fit_changes_nothing(
    tmp_path: Path, lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    seals, chain = tmp_path / "node-G15" / "seals", tmp_path / "chain.pem"
    used = holders.certificates(seals, AGENCY)
    own = holders.key_of(seals, AGENCY, used[0]).public_key()
    stranger = Lab(tmp_path / "stranger", lab.moment, start=lab.start)
    tls = lab.authority.issue(Subject(AGENCY, NAME, AGENCY), own, "tls")
    wrong = {
        "its key is not here": issue(lab, new_key().public_key()),
        "it is of “police-00199”": issue(lab, own, "police-00199"),
        "no authority in": issue(stranger, own),
        "not made for documents": tls,
    }
    for why, certificate in wrong.items():
        save_certificates(chain, [certificate])
        assert seal(tmp_path, "install", AGENCY, str(chain)) == 2
        assert why in capsys.readouterr().err
    assert holders.certificates(seals, AGENCY) == used


def test_a_revoked_seal_seals_nothing_more_until_it_is_rotated(
    tmp_path: Path, lab: Lab, plain: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    seals = tmp_path / "node-G15" / "seals"
    assert seal(tmp_path, "revoke", AGENCY) == 0
    with pytest.raises(pades.CertificateRevoked):
        sealed(plain, lab, seals)
    assert seal(tmp_path, "rotate", AGENCY) == 0
    assert pades.check_pdf(sealed(plain, lab, seals), lab.trust).valid
    assert seal(tmp_path, "show") == 0
    assert NAME in capsys.readouterr().out


def test_an_agency_without_a_seal_is_named(tmp_path: Path, lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    assert seal(tmp_path, "rotate", "commune-00000") == 2
    assert "commune-00000" in capsys.readouterr().err


@pytest.fixture
def token(made_token: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the settings of this process name a PKCS#11 token."""
    for name, value in made_token.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


@pytest.mark.usefixtures("token")
def test_a_seal_whose_key_never_leaves_a_token_is_requested_installed_and_changed_again(
    tmp_path: Path, lab: Lab, plain: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    seals, chain = tmp_path / "node-G15" / "seals", tmp_path / "chain.pem"
    for times in (1, 2):
        assert seal(tmp_path, "request", AGENCY, "--token") == 0
        asked = x509.load_pem_x509_csr(capsys.readouterr().out.encode())
        assert asked.is_signature_valid
        save_certificates(chain.with_suffix(f".{times}"), [issue(lab, asked.public_key())])
        assert seal(tmp_path, "install", AGENCY, str(chain.with_suffix(f".{times}"))) == 0
        document = tmp_path / f"{times}.pdf"
        document.write_bytes(sealed(plain, lab, seals))
        assert pades.check_pdf(document.read_bytes(), lab.trust).valid, "pyHanko agrees, or it were disputed"
    named = list(seals.glob(f"{AGENCY}.*"))
    assert sorted(one.suffix for one in named) == [".pem", ".pkcs11"], "no key lies in a file, and one in the token"
    (kept,) = seals.glob("*.pkcs11")
    with pkcs11.session() as session:
        assert [one[Attribute.EXTRACTABLE] for one in session.get_objects({Attribute.LABEL: LABEL, **PRIVATE})] == [
            False
        ]
    kept.write_text(f"{bytes(16).hex()}\n")
    with pytest.raises(KeyNotInToken, match="onedoor"):
        sealed(plain, lab, seals)


@pytest.mark.usefixtures("token")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_token_that_is_there_again_is_opened_again() -> None:
    key = tokens.TokenKey(Path("a"), tokens.make("of a test"))
    with pkcs11.session() as session:
        session.close()
    with pytest.raises(pkcs11.TokenNotThere):
        key.public_key()
    assert key.public_key()
    assert key.sign(b"x", ec.ECDSA(hashes.SHA512()))
    key.destroy()
    for gone in (key.public_key, lambda: key.sign(b"x", ec.ECDSA(hashes.SHA512()))):
        with pytest.raises(KeyNotInToken, match="onedoor"):
            gone()
