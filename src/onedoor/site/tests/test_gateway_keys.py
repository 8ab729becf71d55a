"""A gateway changes its keys while it is asked, in files and inside a token; what it signed before still verifies."""

import json
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from onedoor.exchange.directory import admitting
from onedoor.exchange.gateway import identities, local
from onedoor.exchange.permissions import read_grants
from onedoor.exchange.tests.nation import Place, system_of, wait_for
from onedoor.kernel.settings import current
from onedoor.signing.certificates import Authority, load_certificates, save_certificates
from onedoor.signing.tokens import KeyNotInToken
from onedoor.site.tests.outside import NEW, QUICK, ask, begin, exchange, registered, running, says

M2, ECHO = "XL/ORG/M2/SYSTEM", "/r1/XL/ORG/M2/SYSTEM/echo/greetings"
PETS = f"{NEW}/SYSTEM/pets"
PROFILES = {"signing": "message", "outer": "tls"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = exchange(tmp_path_factory.mktemp("lab"))
    try:
        place.start("directory", "gateway-M2")
        yield place
    finally:
        place.stop()


def certify(place: Place, folder: Path, *names: str) -> None:
    """Have the lab's own authority, which answers OCSP, certify what *folder* requests."""
    authority = Authority.load(place.layout.directory / "ca")
    for name in names:
        asked = x509.load_pem_x509_csr((folder / "requests" / f"{name}.csr").read_bytes())
        assert asked.is_signature_valid
        issued = authority.issue(asked.subject, asked.public_key(), PROFILES[name], status=place.layout.ocsp)  # type: ignore[arg-type]
        file = folder.with_name(f"{name}.pem")
        save_certificates(file, [issued])
        says("gateway", "certificate", "import", folder, file)


def join(place: Place, folder: Path, *more: object) -> tuple[str, ...]:
    """Let a ninth member take part that may ask M2, and M2 it; return how the directory is named."""
    state = ("--state", place.layout.directory)
    begin(place, folder, *more)
    certify(place, folder, *(name for name in PROFILES if not (folder / f"{name}.pem").exists()))
    says("gateway", "service", folder, "SYSTEM", "pets", "https://127.0.0.1:1/pets")
    says("member", "add", registered(folder), *state)
    rights = [(f"{NEW}/SYSTEM", f"{M2}/echo"), (M2, PETS)]
    what = ("--endpoint", "GET /**", "--purpose", "try")
    for one in rights:
        says("member", "allow", *one, *what, "--basis", "lab", *state)
    known = place.seats["M2"].gateway_state / "configuration.signed"
    wait_for(lambda: f'"service": "{PETS}"'.encode() in known.read_bytes(), "everybody knows")
    (folder / known.name).write_bytes(known.read_bytes())
    for one, provider in zip(rights, (known.parent, folder), strict=True):
        says("rights", "grant", *one, *what, "--state", provider)
    return state


def evidence(folder: Path, listen: str, message: str, to: Path) -> Path:
    member = "xRoadInstance=XL&memberClass=ORG&memberCode=M9&subsystemCode=SYSTEM&requestOnly&unique&force"
    found = ask(folder, listen, f"/asic?queryId={message}&{member}")
    assert found.status == 200, found.body
    to.write_bytes(found.body)
    return to


def refused(place: Place) -> str:
    """Return how M9 answers M2: its system is away, so that is all that may be wrong."""
    client = place.client("M2")
    try:
        answer = place.ask(f"/r1/{PETS}", b"", method="GET", client=client, X_Road_Client=M2, Onedoor_Purpose="try",
                           Onedoor_Basis="lab")  # fmt: skip
    finally:
        client.close()
    return answer.headers["x-road-error"]


def present(folder: Path) -> tuple[x509.Certificate, ...]:
    """Return the certificate that *folder* signs under, without those of before."""
    return load_certificates(folder / "signing.pem")[:1]


def test_keys_change_while_messages_flow_and_nothing_is_lost(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admitting, "SPREAD", timedelta(seconds=2))
    folder, listen = tmp_path / "gateway-M9", f"127.0.0.1:{place.base + 109}"
    state = join(place, folder)
    before = {name: load_certificates(folder / f"{name}.pem")[0] for name in PROFILES}
    with running(folder, QUICK), system_of(place, "M2"):
        wait_for(lambda: ask_safely(folder, listen) == 200, "the gateway asks", 20)
        assert ask(folder, listen, ECHO, **{"X-Road-Id": "before"}).status == 200
        assert refused(place) == "Server.ServerProxy.NetworkError"
        stopped, answers = threading.Event(), []

        def go_on() -> None:
            while not stopped.wait(0.02):
                answers.append(ask(folder, listen, ECHO).status)

        asking = threading.Thread(target=go_on)
        asking.start()
        try:
            for which in ("signing", "tls"):
                says("gateway", "certificate", "request", which, folder)
            certify(place, folder, *PROFILES)
            assert "Its new keys are used from" in says("member", "add", registered(folder), *state)
            wait_for(lambda: not list((folder / "next").glob("*.pem")), "the new keys are used")
            time.sleep(0.5)
        finally:
            stopped.set()
            asking.join(10)
        assert set(answers) == {200}
        assert len(answers) > 20
        for name in PROFILES:
            assert load_certificates(folder / f"{name}.pem")[0] != before[name]
        assert load_certificates(folder / "signing.pem")[1] == before["signing"]
        assert ask(folder, listen, ECHO, **{"X-Road-Id": "after"}).status == 200
        assert refused(place) == "Server.ServerProxy.NetworkError", "what was granted under the key before still counts"
        wait_for(lambda: not read_grants(folder / local.GRANTS, present(folder))[1], "what was granted is signed anew")
        conf = tmp_path / "conf.zip"
        conf.write_bytes(ask(folder, listen, "/verificationconf").body)
        signers = set()
        for message in ("before", "after"):
            file = evidence(folder, listen, message, tmp_path / f"{message}.asice")
            told = json.loads(says("exchange", "verify", file, "--conf", conf, "--json"))
            assert [told[part]["verdict"] for part in ("integrity", "trust")] == ["valid", "valid"]
            signers.add(zipfile.ZipFile(file).read("META-INF/signatures.xml").split(b"X509Certificate>")[1])
        assert len(signers) == 2
    says("member", "remove", f"{NEW}/GATEWAY", *state)


def test_a_signing_key_inside_a_token_signs_messages_and_changes_for_another(
    place: Place, tmp_path: Path, made_token: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in made_token.items():
        monkeypatch.setenv(name, value)
    current.cache_clear()
    monkeypatch.setattr(admitting, "SPREAD", timedelta())
    folder, listen = tmp_path / "gateway-M9", f"127.0.0.1:{place.base + 109}"
    state = join(place, folder, "--token")
    assert not list(folder.glob("signing.key"))
    settings = folder.with_name("gateway-M9.env").read_text()
    assert all(name in settings for name in made_token)
    first = (folder / "signing.pkcs11").read_text()
    with running(folder, QUICK), system_of(place, "M2"):
        wait_for(lambda: ask_safely(folder, listen) == 200, "the gateway asks", 20)
        assert "in a PKCS#11 token" in says("gateway", "status", folder, code=1), "its system is away"
        says("gateway", "certificate", "request", "signing", folder, "--token")
        certify(place, folder, "signing")
        says("member", "add", registered(folder), "--at-once", *state)
        wait_for(lambda: (folder / "signing.pkcs11").read_text() != first, "the new key is used")
        wait_for(lambda: ask_safely(folder, listen) == 200, "and signs")
        wait_for(lambda: not list((folder / "next").iterdir()), "the key before is destroyed")
    key = identities.used(folder, "signing").key
    assert key.public_key() == load_certificates(folder / "signing.pem")[0].public_key()
    (folder / "signing.pkcs11").write_text(first)
    with pytest.raises(KeyNotInToken):  # it was destroyed
        identities.used(folder, "signing")
    says("member", "remove", f"{NEW}/GATEWAY", *state)
    current.cache_clear()


def ask_safely(folder: Path, listen: str) -> int:
    try:
        return ask(folder, listen, ECHO).status
    except OSError:
        return 0


@pytest.mark.parametrize("step", range(4))
def test_a_kill_while_keys_change_leaves_one_that_can_be_used(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    folder, steps = tmp_path / "gateway-M9", iter(range(9))
    begin(place, folder)
    certify(place, folder, *PROFILES)
    says("gateway", "certificate", "request", "signing", folder)
    certify(place, folder, "signing")
    new = identities.following(folder, "signing")
    assert new

    class Killed(BaseException): ...

    def until(act: Callable[..., object]) -> Callable[..., object]:
        def done(*given: object) -> object:
            if next(steps) == step:
                raise Killed
            return act(*given)

        return done

    for name in ("rename", "unlink"):
        monkeypatch.setattr(Path, name, until(getattr(Path, name)))
    with pytest.raises(Killed):
        identities.take_over(folder, "signing", new.certificate)
    monkeypatch.undo()
    assert identities.used(folder, "signing").certificate == new.certificate
    identities.take_over(folder, "signing", new.certificate)
    identities.forget(folder)
    assert not list((folder / "next").glob("*.key"))
    assert identities.used(folder, "signing").key.public_key() == new.certificate.public_key()
