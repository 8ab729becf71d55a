"""Who is asked what became of a gateway's certificate, and in which order."""

import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.x509 import Certificate

from onedoor.exchange.gateway import statuses
from onedoor.exchange.gateway.statuses import Statuses
from onedoor.kernel.addresses import public
from onedoor.signing import authorities
from onedoor.signing.authorities import Responders
from onedoor.signing.certificates import Authority, Subject, fingerprint, pem
from onedoor.signing.keys import new_key

SETTING, NAMED, PARTNERS = "http://setting.example", "http://named.example", "named by a certificate"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Certificate]]:
    """Return the list of who is asked under which issuer; nobody says anything."""
    found: list[tuple[str, Certificate]] = []

    class Silent:
        def __init__(self, url: str = "", allowed: Callable[[str], bool] | None = None) -> None:
            self.url = PARTNERS if allowed else url

        def status(self, _: Certificate, issuer: Certificate) -> None:
            found.append((self.url, issuer))

    monkeypatch.setattr(statuses, "Responders", Silent)
    return found


def configured(*authorities: Certificate, partner: Certificate | None = None, named: str = "") -> Any:
    partners = [SimpleNamespace(authorities=pem([partner]).decode())] if partner else []
    responders = {fingerprint(one): named for one in authorities if named}
    return SimpleNamespace(authorities=pem(authorities).decode(), partners=partners, responders=responders)


def test_the_status_is_asked_of_who_issued_the_certificate_not_of_a_namesake(
    tmp_path: Path, asked: list[tuple[str, Certificate]]
) -> None:
    before, now = (Authority.create(tmp_path / name) for name in ("before", "now"))
    assert before.certificate.subject == now.certificate.subject
    certificate = now.issue(Subject("gateway"), new_key().public_key(), "sign")
    assert Statuses(SETTING, public).of(certificate, configured(before.certificate, now.certificate)) is None
    assert asked == [(SETTING, now.certificate)]


def test_where_the_own_responder_tells_nothing_the_one_that_the_configuration_names_is_asked(
    tmp_path: Path, asked: list[tuple[str, Certificate]]
) -> None:
    authority = Authority.create(tmp_path / "ca")
    certificate = authority.issue(Subject("gateway"), new_key().public_key(), "sign")
    known = Statuses(SETTING, public)
    assert known.of(certificate, configured(authority.certificate, named=NAMED)) is None
    assert [url for url, _ in asked] == [SETTING, NAMED]
    asked.clear()
    assert known.of(certificate, configured(partner=authority.certificate, named=NAMED)) is None
    assert [url for url, _ in asked] == [PARTNERS]


def test_a_responder_that_does_not_answer_holds_up_one_certificate_and_not_every_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority.create(tmp_path / "ca")
    one, two, other = (authority.issue(Subject(name), new_key().public_key(), "sign") for name in ("1", "2", "3"))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        responders = Responders(url, patience=0.1)
        assert [responders.status(each, authority.certificate) for each in (one, two)] == [None, None]
        assert connections(silent) == 1
        monkeypatch.setattr(authorities, "SILENT_FOR", 0.0)
        responders = Responders(url, patience=0.1)
        assert [responders.status(each, authority.certificate) for each in (one, other)] == [None, None]
        assert connections(silent) == 2, "it is asked again after a while"


def connections(listening: socket.socket) -> int:
    listening.setblocking(False)
    found = 0
    with suppress(BlockingIOError):
        while True:
            listening.accept()[0].close()
            found += 1
    return found
