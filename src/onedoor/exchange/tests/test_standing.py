"""Certificates of gateways that are revoked or have ended: what they sign is refused on both sides, with the reason."""

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import pytest
from cryptography.x509 import Certificate

from onedoor.exchange.directory.publishing import Publisher
from onedoor.exchange.gateway import local, standing
from onedoor.exchange.gateway.standing import Standing
from onedoor.exchange.tests.nation import Place, free_base, system_of, wait_for
from onedoor.signing import development
from onedoor.signing.certificates import (
    Authority,
    Subject,
    fingerprint,
    load_certificates,
    pem,
    save_certificates,
)
from onedoor.signing.keys import new_key

SOON = "from onedoor.exchange.gateway import standing; from onedoor.signing import authorities; "
SOON += "standing.EVERY = authorities.KNOWN_FOR = authorities.SILENT_FOR = 0.2"


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Place(tmp_path_factory.mktemp("var"), free_base(), before=SOON) as place:
        yield place


def test_what_a_revoked_certificate_signed_is_refused_on_both_sides(place: Place) -> None:
    place.start("directory", "gateway-G22", "gateway-G01")
    client, ca = place.client(), place.layout.directory / "ca"
    with system_of(place, "G01") as system:
        assert place.ask(client=client).status == 200
        for member, side in (("G01", "ClientProxy"), ("G22", "ServerProxy")):
            certificate = load_certificates(place.seats[member].gateway_state / local.SIGNING_CERTIFICATE)[0]
            development.revoke(ca, certificate, datetime.now(UTC))
            type_ = f"Server.{side}.CertValidation"
            wait_for(lambda type_=type_: place.ask(client=client).headers.get("x-road-error") == type_, type_)
        seen = len(system.seen)
        assert "x-road-error" in place.ask(client=client).headers
        assert len(system.seen) == seen
    client.close()


def test_a_revoked_certificate_stays_so_through_a_restart_though_nobody_can_be_asked(place: Place) -> None:
    place.start("directory", "gateway-G22", "gateway-G01")
    client, ca = place.client(), place.layout.directory / "ca"
    certificate = load_certificates(place.seats["G22"].gateway_state / local.SIGNING_CERTIFICATE)[0]
    type_, kept = "Server.ServerProxy.CertValidation", place.seats["G01"].gateway_state / standing.REVOKED
    with system_of(place, "G01") as system:
        assert place.ask(client=client).status == 200
        development.revoke(ca, certificate, datetime.now(UTC))
        wait_for(lambda: place.ask(client=client).headers.get("x-road-error") == type_, type_)
        wait_for(kept.exists, "what is revoked is kept")
        place.kill("directory")
        place.kill("gateway-G01")
        seen = len(system.seen)
        place.start("gateway-G01")
        found: list[str] = []

        def answered() -> bool:
            found.append(place.ask(client=client).headers["x-road-error"])
            return found[-1] != "Server.ClientProxy.NetworkError"

        wait_for(answered, "an answer of the gateway that was started anew")
        assert (found[-1], len(system.seen)) == (type_, seen)
        place.start("directory")
        (ca / "revoked.json").unlink()
        wait_for(lambda: place.ask(client=client).status == 200, "it is said to be good again")
        wait_for(lambda: not kept.read_bytes(), "nothing is kept of it")
    client.close()


Of = Callable[..., Any]


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return Authority.create(tmp_path / "ca").issue(Subject("gateway"), new_key().public_key(), "sign")


def worker(folder: Path, of: Of, *signers: Certificate) -> tuple[Any, Standing]:
    """Return what a worker of the gateway in *folder* knows, and who asks for it what *of* tells of a certificate."""
    known, local = {fingerprint(one): one for one in signers}, SimpleNamespace(folder=folder)
    core: Any = SimpleNamespace(local=local, signers=known, revoked=frozenset(), current=lambda: "in force")
    made = Standing(core, "")
    made._asked = cast("Any", SimpleNamespace(of=of))
    return core, made


def silent(*_: object) -> None:
    """Tell nothing."""


def revoked(*_: object) -> SimpleNamespace:
    """Tell of each certificate that it is revoked."""
    return SimpleNamespace(revoked=datetime.now(UTC))


def test_what_one_worker_was_told_every_other_one_takes_back_too_when_it_is_good_again(
    tmp_path: Path, certificate: Certificate
) -> None:
    told = revoked()
    found = [worker(tmp_path, lambda *_: told, certificate), worker(tmp_path, lambda *_: told)]
    for counts in (False, True):
        told.revoked = None if counts else told.revoked
        for core, one in found:
            asyncio.run(one.look())
            assert bool(core.revoked) != counts


def test_what_one_worker_was_told_counts_for_every_other_one_that_is_told_nothing(
    tmp_path: Path, certificate: Certificate
) -> None:
    (_, told), (there, other) = worker(tmp_path, revoked, certificate), worker(tmp_path, silent)
    for one in (told, other):
        asyncio.run(one.look())
    assert there.revoked == {fingerprint(certificate)}
    started, _ = worker(tmp_path, silent)
    assert started.revoked == there.revoked, "before anybody was asked"


def test_a_file_of_revoked_certificates_that_is_torn_or_of_some_that_have_ended_stops_nothing(tmp_path: Path) -> None:
    past = datetime.now(UTC) - timedelta(days=3)
    key = new_key().public_key()
    ended = Authority.create(tmp_path / "ca").issue(Subject("gateway"), key, "sign", days=1, moment=past)
    for data in (pem([ended]), b"-----BEGIN", b""):
        (tmp_path / standing.REVOKED).write_bytes(data)
        core, one = worker(tmp_path, silent)
        asyncio.run(one.look())
        assert core.revoked == frozenset()


def test_who_signs_for_the_first_time_while_others_are_asked_about_hinders_nothing(
    tmp_path: Path, certificate: Certificate
) -> None:
    def meanwhile(one: Certificate, _: object) -> SimpleNamespace:
        core.signers["another"] = one
        return revoked()

    core, asking = worker(tmp_path, meanwhile, certificate)
    asyncio.run(asking.look())
    assert core.revoked == {fingerprint(certificate)}


def test_a_look_that_fails_is_followed_by_the_next(
    tmp_path: Path, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "EVERY", 0.0)
    told = Mock(side_effect=[ValueError, revoked(), *[None] * 10**4])
    core, asking = worker(tmp_path, told, certificate)

    async def running() -> None:
        task = asyncio.create_task(asking.run())
        while not (core.revoked or task.done()):  # noqa: ASYNC110 - a thread does it
            await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(running())
    assert core.revoked == {fingerprint(certificate)}


@pytest.mark.parametrize(("member", "side"), [("G01", "ClientProxy"), ("G22", "ServerProxy")])
def test_what_an_expired_certificate_signed_is_refused(place: Place, member: str, side: str) -> None:
    folder, authority = place.seats[member].gateway_state, Authority.load(place.layout.directory / "ca")
    old = load_certificates(folder / local.SIGNING_CERTIFICATE)[0]
    past = datetime.now(UTC) - timedelta(days=3)
    key = old.public_key()
    expired = authority.issue(old.subject, key, "message", days=1, moment=past)  # type: ignore[arg-type]
    save_certificates(folder / local.SIGNING_CERTIFICATE, [expired])
    content = json.loads((place.layout.directory / "content.json").read_text())
    (own,) = (one for one in content["gateways"] if one["id"] == place.seats[member].gateway_id)
    own["signing"] = pem([expired]).decode()
    (place.layout.directory / "content.json").write_text(json.dumps(content))
    signed = Publisher(place.layout.directory).publish()
    for seat in ("G22", "G01"):
        (place.seats[seat].gateway_state / local.CONFIGURATION).write_bytes(signed)
    place.start("gateway-G22", "gateway-G01")
    client = place.client()
    with system_of(place, "G01") as system:
        assert place.ask(client=client).headers["x-road-error"] == f"Server.{side}.CertValidation"
        assert bool(system.seen) == (member == "G01")
    client.close()
