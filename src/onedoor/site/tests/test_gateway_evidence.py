"""Evidence of a gateway whose certificates, time-stamps and OCSP come from outside the lab: openssl plays them all."""

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import BytesIO, StringIO
from pathlib import Path

import pytest

from onedoor.exchange.connections import Connections, Request, Response
from onedoor.exchange.tests.nation import Place, system_of, wait_for
from onedoor.signing.asice import integrity
from onedoor.signing.certificates import load_certificates
from onedoor.site import settings_files
from onedoor.site.cli import run
from onedoor.site.tests.outside import (
    NEW,
    QUICK,
    SHOWS,
    SIGNS,
    Authority,
    begin,
    exchange,
    registered,
    running,
    says,
)

M2, ECHO = "XL/ORG/M2/SYSTEM", "/r1/XL/ORG/M2/SYSTEM/echo/greetings"
KINDS = "request", "response"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = exchange(tmp_path / "lab")
    try:
        place.start("directory", "gateway-M2")
        yield place
    finally:
        place.stop()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ca")


def test_evidence_is_trusted_once_the_authorities_outside_that_made_it_are_approved(
    place: Place, authority: Authority, tmp_path: Path
) -> None:
    folder, state = tmp_path / "gateway-M9", ("--state", place.layout.directory)
    approve = ("member", "approve", authority.certificate, "--name", "Outside CA")
    says(*approve, *state)
    joined(place, folder, authority)
    with authority.serving() as url:
        asked_at(folder, f"{url}/tsr")
        with running(folder, QUICK), system_of(place, "M2"), sides(place, folder) as (ours, theirs):
            wait_for(lambda: got(ours, ECHO).status == 200, "the grant counts", 20)
            assert got(ours, ECHO, "early").status == 200
            unknown = {"request": {"NO_OCSP", "UNKNOWN_TIME_STAMPER"}, "response": {"UNKNOWN_TIME_STAMPER"}}
            assert verdicts(ours, "M9", "early", tmp_path) == unknown
            says(*approve, "--ocsp", f"{url}/ocsp", *state)
            stamper = ("member", "approve", authority.folder / "tsa.pem", "--name", "Outside TSA")
            says(*stamper, "--tsa", f"{url}/tsr", *state)
            for one in (ours, theirs):
                wait_for(lambda one=one: b"Outside TSA" in shared(one), "the gateway knows them", 20)
            assert got(ours, ECHO, "late").status == 200
            for side, member in ((ours, "M9"), (theirs, "M2")):
                assert verdicts(side, member, "late", tmp_path) == {"request": set(), "response": set()}
            made_outside(tmp_path / "M9-late-request.asice", authority)
            says("member", "withdraw", "Outside TSA", "--tsa", *state)
            wait_for(lambda: b"Outside TSA" not in shared(ours), "the gateway knows it no more", 20)
            assert verdicts(ours, "M9", "late", tmp_path) == {kind: {"UNKNOWN_TIME_STAMPER"} for kind in KINDS}


def joined(place: Place, folder: Path, authority: Authority) -> None:
    """Let a ninth member take part, certified outside, that may ask M2."""
    begin(place, folder)
    for name, usage in (("signing", SIGNS), ("outer", SHOWS)):
        says("gateway", "certificate", "import", folder, authority.issue(folder / f"requests/{name}.csr", usage))
    says("member", "add", registered(folder), "--state", place.layout.directory)
    right = (f"{NEW}/SYSTEM", f"{M2}/echo", "--endpoint", "GET /**", "--purpose", "try")
    says("member", "allow", *right, "--basis", "lab", "--state", place.layout.directory)
    known = place.seats["M2"].gateway_state / "configuration.signed"
    wait_for(lambda: known.exists() and f'"client": "{NEW}/SYSTEM"'.encode() in known.read_bytes(), "M2 knows", 20)
    says("rights", "grant", *right, "--state", known.parent)


def asked_at(folder: Path, stamper: str) -> None:
    """Let the gateway in *folder* be stamped at *stamper*."""
    with settings_files.beside(folder).open("a") as settings:
        settings.write(f"ONEDOOR_TSA_URL={stamper}\n")


@contextmanager
def sides(place: Place, folder: Path) -> Iterator[tuple[Connections, Connections]]:
    """Yield what the systems of M9 and of M2 ask their own gateway with."""
    keys = folder / "systems" / "SYSTEM"
    trust = (keys / "tls.pem", keys / "tls.key", keys / "tls-trust.pem")
    ours, theirs = Connections(f"https://127.0.0.1:{place.base + 109}", *trust), place.client("M2")
    try:
        yield ours, theirs
    finally:
        ours.close()
        theirs.close()


def got(client: Connections, target: str, message: str = "") -> Response:
    headers = {"X-Road-Client": f"{NEW}/SYSTEM", "Onedoor-Purpose": "try", "Onedoor-Basis": "lab"}
    headers |= {"X-Road-Id": message} if message else {}
    found = client.exchange([Request("GET", target, headers, b"")], 20)[0]
    return found if isinstance(found, Response) else Response(0, {}, b"")


def conf_of(client: Connections) -> bytes:
    """Return what the gateway hands out to check evidence with, also while it takes another in."""
    answer = got(client, "/verificationconf")
    assert answer.status == 200, answer.body
    return answer.body


def shared(client: Connections) -> bytes:
    """Return the shared parameters in it."""
    return zipfile.ZipFile(BytesIO(conf_of(client))).read("verificationconf/XL/shared-params.xml")


def verdicts(client: Connections, member: str, message: str, folder: Path) -> dict[str, set[str]]:
    """Return, by kind, why what the gateway of *member* keeps of *message* is not trusted; each holds by itself."""
    conf, found = folder / "conf.zip", {}
    conf.write_bytes(conf_of(client))
    own = f"xRoadInstance=XL&memberClass=ORG&memberCode={member}&subsystemCode=SYSTEM&unique&force"
    for kind in KINDS:
        file = folder / f"{member}-{message}-{kind}.asice"
        answer = got(client, f"/asic?queryId={message}&{own}&{kind}Only")
        assert answer.status == 200, answer.body
        file.write_bytes(answer.body)
        told = StringIO()
        with redirect_stdout(told):
            code = run(["exchange", "verify", str(file), "--conf", str(conf), "--json"])
        said = json.loads(told.getvalue())
        assert said["integrity"]["verdict"] == "valid", said
        found[kind] = reasons = {one["code"] for one in said["trust"]["reasons"]}
        assert (code, said["trust"]["verdict"]) == ((1, "invalid") if reasons else (0, "valid"))
    return found


def made_outside(container: Path, authority: Authority) -> None:
    """Hold that openssl's own certificates stamped the message in *container* and answered for its signer."""
    with container.open("rb") as file:
        found = integrity.check(file)
    stamper, responder = (load_certificates(authority.folder / name)[0] for name in ("tsa.pem", "ocsp.pem"))
    assert found.time_stamp is not None
    assert found.time_stamp.certificate == stamper
    assert [one.signed_by(responder) for one in found.responses] == [True]
