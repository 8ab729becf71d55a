"""A registration's certificates: whose count, for what, from when on, and until they are revoked."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from onedoor.exchange.directory import admitting
from onedoor.exchange.directory.admitting import Directory
from onedoor.exchange.directory.registering import BadRegistration
from onedoor.exchange.tests.test_admitting import GATEWAY, NEW, joined, registration
from onedoor.exchange.tests.test_admitting import directory as directory
from onedoor.exchange.tests.test_admitting import gateway as gateway
from onedoor.exchange.tests.test_admitting import var as var
from onedoor.exchange.tests.test_registering import Change, changed
from onedoor.kernel.tests.serving import serving
from onedoor.signing import development
from onedoor.signing.certificates import Authority, load_certificates, pem, save_certificates
from onedoor.signing.keys import load_key


def certified_as(gateway: Path, var: Path, name: str, profile: Any, ahead: timedelta = timedelta()) -> Change:
    """Return the change that puts another certificate of the same key into a registration."""
    authority, own = Authority.load(var / "directory/ca"), load_certificates(gateway / f"{name}.pem")[0]
    issued = authority.issue(own.subject, own.public_key(), profile, moment=datetime.now(UTC) + ahead)  # type: ignore[arg-type]
    which = {"signing": "signing", "outer": "tls"}[name]
    return lambda data: data.update({which: pem([issued]).decode()})


@pytest.mark.parametrize(
    ("name", "profile", "ahead", "why"),
    [
        ("signing", "message", 1, "certificate for signatures is not in force"),
        ("outer", "tls", 1, "certificate for TLS is not in force"),
        ("signing", "tls", 0, "key usage"),
        ("outer", "message", 0, "key usage"),
    ],
)
def test_a_certificate_counts_for_what_it_was_given_for_and_from_its_day_on(
    var: Path, directory: Directory, gateway: Path, name: str, profile: str, ahead: int, why: str
) -> None:
    with pytest.raises(BadRegistration, match=why):
        directory.add(changed(gateway, certified_as(gateway, var, name, profile, timedelta(days=ahead))))


def test_a_gateway_has_a_key_for_each_of_its_two_certificates(var: Path, directory: Directory, gateway: Path) -> None:
    (gateway / "outer.key").write_bytes((gateway / "signing.key").read_bytes())
    own = load_certificates(gateway / "signing.pem")[0]
    issued = Authority.load(var / "directory/ca").issue(own.subject, own.public_key(), "tls")  # type: ignore[arg-type]
    save_certificates(gateway / "outer.pem", [issued])
    with pytest.raises(BadRegistration, match="each needs its own"):
        directory.add(registration(gateway))


def test_no_gateway_has_the_key_that_another_one_shows(
    var: Path, directory: Directory, gateway: Path, tmp_path: Path
) -> None:
    directory.add(registration(gateway))
    other = joined(var, tmp_path / "other", f"{NEW}/SECOND", "192.0.2.10:5500")
    for file in ("outer.key", "outer.pem"):
        (other / file).write_bytes((gateway / file).read_bytes())
    with pytest.raises(BadRegistration, match=f"{GATEWAY} has its key"):
        directory.add(registration(other))


def test_an_authority_that_names_members_in_an_unknown_way_names_none(
    var: Path, directory: Directory, gateway: Path
) -> None:
    (name,) = (one["name"] for one in directory.content()["authorities"])
    directory.withdraw(name)
    directory.approve("other", load_certificates(var / "directory/ca/ca.pem")[0], profile="Nobodys", ocsp="")
    with pytest.raises(BadRegistration, match="does not name the member"):
        directory.add(registration(gateway))


def test_certificates_that_nobody_approved_gave_or_that_ended_are_refused(
    var: Path, directory: Directory, gateway: Path
) -> None:
    raw = registration(gateway)
    late = Directory(directory.folder, "anna", datetime.now(UTC) + timedelta(days=400))
    with pytest.raises(BadRegistration, match="not in force"):
        late.add(raw)
    (name,) = (one["name"] for one in directory.content()["authorities"])
    directory.withdraw(name)
    with pytest.raises(BadRegistration, match="no approved authority"):
        directory.add(raw)
    with pytest.raises(admitting.NotApproved):
        directory.withdraw(name)
    with pytest.raises(admitting.BadAuthority):
        directory.approve("leaf", load_certificates(gateway / "signing.pem")[0], profile="x", ocsp="")
    authority = load_certificates(var / "directory/ca/ca.pem")[0]
    directory.approve("again", authority, profile="BasicCertificateProfileInfoProvider", ocsp="")
    directory.approve_stamps("stamps", load_certificates(var / "directory/tsa.pem")[0], "http://tsa.example/")
    assert directory.add(raw)[1]
    assert [one["name"] for one in directory.content()["time_stampers"]][-1] == "stamps"


def test_a_certificate_that_the_directory_s_own_authority_revoked_is_refused(
    directory: Directory, gateway: Path
) -> None:
    revoked = load_certificates(gateway / "signing.pem")[0]
    development.revoke(directory.folder / "ca", revoked, datetime.now(UTC))
    with pytest.raises(BadRegistration, match="signatures is revoked"):
        directory.add(registration(gateway))


def test_a_certificate_of_which_a_responder_should_tell_counts_once_it_does(
    var: Path, directory: Directory, tmp_path: Path
) -> None:
    other = Authority.create(folder := tmp_path / "var" / "directory" / "ca")
    key = load_key(folder / "ca.key")
    shutil.copy(var / "directory" / "signing.pem", tmp_path / "var" / "directory")
    gateway = joined(tmp_path / "var", tmp_path / "gateway-NINTH")

    def told(asked: bytes) -> bytes:
        return development.status(asked, folder, other.certificate, key, other.certificate)

    def add(answers: Callable[[bytes], bytes | None], ocsp: str = "{url}", change: Change = lambda _: None) -> bool:
        with serving(lambda _: None, posted=answers) as port:
            url = ocsp.format(url=f"http://127.0.0.1:{port}/")
            directory.approve("Other", other.certificate, profile="BasicCertificateProfileInfoProvider", ocsp=url)
            return directory.add(changed(gateway, change))[1]

    silent = "nobody tells whether the certificate for TLS is revoked"
    for answers in (lambda _: None, lambda _: b"", lambda asked: told(asked)[:-1]):
        with pytest.raises(BadRegistration, match=silent):
            add(answers)
    with pytest.raises(BadRegistration, match=silent):
        add(told, "http://127.0.0.1:1/")
    named = load_certificates(gateway / "outer.pem")[0]
    issued = other.issue(named.subject, named.public_key(), "tls", status="http://127.0.0.1:1/")  # type: ignore[arg-type]
    with pytest.raises(BadRegistration, match=silent):
        add(told, "", lambda data: data.update(tls=pem([issued]).decode()))
    assert add(told)
    directory.remove(GATEWAY)
    assert add(told, ""), "nobody is named who could tell"
    directory.remove(GATEWAY)
    development.revoke(folder, load_certificates(gateway / "signing.pem")[0], datetime.now(UTC))
    with pytest.raises(BadRegistration, match="signatures is revoked"):
        add(told)
