"""A nation provisioned on one computer: whole, safe to repeat, finished after a kill."""

import asyncio
import json
import shutil
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from onedoor.exchange import permissions
from onedoor.exchange.directory import lab, main, publishing
from onedoor.exchange.directory.main import DirectoryServer, _health
from onedoor.exchange.evidence.profiles import PROFILES
from onedoor.exchange.gateway import local
from onedoor.exchange.tests.nation import with_two
from onedoor.kernel import settings
from onedoor.kernel.nation import Nation, load
from onedoor.kernel.watch.health import Failing
from onedoor.signing import keys
from onedoor.signing.certificates import (
    Authority,
    Subject,
    common_name,
    load_certificates,
    save_certificates,
    trusted,
)
from onedoor.signing.keys import load_key


@pytest.fixture(scope="module")
def nation() -> Nation:
    return load(settings.REPOSITORY / "nations" / "vietnam")


@pytest.fixture(scope="module")
def var(nation: Nation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    var = tmp_path_factory.mktemp("var")
    lab.provision(nation, var, 8000)
    return var


def kept(var: Path) -> dict[str, bytes]:
    changing = {"configuration.signed"}  # signed anew each time
    return {
        str(path.relative_to(var)): path.read_bytes()
        for path in sorted(var.rglob("*"))
        if path.is_file() and path.name not in changing
    }


def test_provisioning_again_changes_nothing(nation: Nation, var: Path) -> None:
    before = kept(var)
    lab.provision(nation, var, 8000)
    assert kept(var) == before


def test_another_nation_is_provisioned_by_its_own_files(tmp_path: Path) -> None:
    nation = load(settings.REPOSITORY / "nations" / "testland")
    lab.provision(nation, tmp_path, 8000)
    before = kept(tmp_path)
    lab.provision(nation, tmp_path, 8000)
    assert kept(tmp_path) == before
    content = json.loads((tmp_path / "directory/content.json").read_text())
    assert [one["id"] for one in content["gateways"]] == ["TL/GOV/DOOR/GATEWAY", "TL/GOV/ROADS/GATEWAY"]
    (certificate,) = load_certificates(tmp_path / "node-ROADS/seals/town-N101.pem")
    assert common_name(certificate) == nation.agencies["town-N101"].name["fr"], "in the nation's first language"


def test_what_a_kill_left_unfinished_is_finished(nation: Nation, var: Path) -> None:
    before = kept(var)
    lost = ("gateway-G15/signing.pem", "gateway-G15/grants.jsonl", "node-G01/tls.pem", "directory/content.json")
    for name in lost:
        (var / name).unlink()
    lab.provision(nation, var, 8000)
    after = kept(var)
    assert after.keys() == before.keys()
    assert {name for name in before if name.endswith(".key") and before[name] != after[name]} == set()
    content = json.loads((var / "directory/content.json").read_text())
    assert {one["id"] for one in content["gateways"]} >= {"VN/GOV/G15/GATEWAY", "VN/GOV/G22/GATEWAY"}


def test_a_certificate_of_a_lost_authority_is_issued_again(nation: Nation, tmp_path: Path) -> None:
    lab.provision(nation, tmp_path, 8000)
    for path in (tmp_path / "directory" / "ca").iterdir():
        path.unlink()
    lab.provision(nation, tmp_path, 8000)
    (root,) = load_certificates(tmp_path / "directory/ca/ca.pem")
    trusted(load_certificates(tmp_path / "gateway-G15/outer.pem")[0], [root])


def test_what_an_earlier_version_certified_for_messages_is_renewed_for_the_same_key(
    nation: Nation, var: Path, tmp_path: Path
) -> None:
    shutil.copytree(var, tmp_path, dirs_exist_ok=True)
    folder, authority = tmp_path / "gateway-G15", Authority.load(tmp_path / "directory" / "ca")
    key, before = load_key(folder / "signing.key"), kept(tmp_path)
    old = authority.issue(Subject("VN/GOV/G15/GATEWAY", "Bộ Tư pháp", "VN/GOV/G15/GATEWAY"), key.public_key(), "sign")
    save_certificates(folder / "signing.pem", [old])
    lab.provision(nation, tmp_path, 8000)
    renewed, former = load_certificates(folder / "signing.pem")
    assert former == old
    assert renewed.public_key() == key.public_key()
    assert PROFILES["BasicCertificateProfileInfoProvider"](renewed.subject, "VN") == "VN/GOV/G15"
    changed = {name for name, data in kept(tmp_path).items() if data != before[name]}
    assert changed == {"gateway-G15/signing.pem", "directory/content.json"}


def test_what_keeps_x_roads_form_from_being_signed_keeps_ours_from_nothing(
    var: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "RSA_BITS", 2048)
    shutil.copytree(var / "directory", tmp_path, dirs_exist_ok=True)
    server = DirectoryServer(tmp_path)

    def looked() -> tuple[bool, int, bytes]:
        asyncio.run(server.look())
        status = server.answer(b"GET /externalconf?version=6 HTTP/1.1").partition(b"\r\n")[0]
        return server.broken, server.served()[1], status

    first = looked()
    assert (first[0], first[2]) == (False, b"HTTP/1.1 200 OK")
    assert server.answer(b"GET /externalconf?version=4 HTTP/1.1").startswith(b"HTTP/1.1 404")
    (secret,) = (tmp_path / "sources" / "external").glob("*.key")
    secret.rename(tmp_path / "lost")
    server._fresh_until = 0.0
    time.sleep(0.002)
    lost = looked()
    assert (lost[0], lost[2]) == (True, b"HTTP/1.1 200 OK"), "what was signed before is served until it ends"
    assert lost[1] > first[1]
    (tmp_path / "lost").rename(secret)
    assert not looked()[0]


@pytest.mark.parametrize("broken", ["[]", "5", "{", '{"gateways": 1}', '{"authorities": [{"certificate": "x"}]}'])
def test_content_of_any_form_is_looked_at_again_until_it_can_be_signed(
    var: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    monkeypatch.setattr(main, "LOOK", 0.01)
    folder = shutil.copytree(var / "directory", tmp_path / "directory")
    content = folder / publishing.CONTENT
    whole = content.read_bytes()
    content.write_text(broken)
    server = DirectoryServer(folder)
    before = server.served()

    async def follow() -> None:
        async def until(*, broken: bool) -> None:
            while server.broken != broken:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)

        fresh = asyncio.get_running_loop().create_task(server.keep_fresh())
        for text, state in ((whole, False), (broken.encode(), True), (whole, False)):
            content.write_bytes(text)
            await asyncio.wait_for(until(broken=state), 10)
        fresh.cancel()

    assert server.broken
    asyncio.run(follow())
    assert server.served() > before


def test_a_directory_tells_status_without_the_authoritys_key_and_says_so_where_its_certificate_is_missing(
    var: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(var / "directory", tmp_path / "directory")
    (folder / "ca" / "ca.key").unlink()
    server, own = DirectoryServer(folder), load_certificates(var / "node-G15/seals/commune-00199.pem")[0]
    builder = ocsp.OCSPRequestBuilder().add_certificate(own, load_certificates(folder / "ca/ca.pem")[0], SHA256())
    _, _, answer = server.status(builder.build().public_bytes(Encoding.DER)).partition(b"\r\n\r\n")
    assert ocsp.load_der_ocsp_response(answer).certificate_status is ocsp.OCSPCertStatus.GOOD
    loop = asyncio.new_event_loop()
    asked = {one.name: one.look for one in _health(server, loop).dependencies}
    loop.close()
    asked["authority"]()
    (folder / "ca" / "ca.pem").unlink()
    with pytest.raises(Failing, match="nothing is sealed"):
        asked["authority"]()


def test_private_keys_are_readable_by_their_owner_alone(var: Path) -> None:
    private = list(var.rglob("*.key"))
    assert len(private) > 20
    assert {oct(path.stat().st_mode & 0o777) for path in private} == {"0o600"}


def test_every_authority_has_its_seal_where_its_officers_work(nation: Nation, var: Path) -> None:
    seals = {agency.id: agency.member for agency in nation.agencies.values()}
    assert {"commune-00199", "police-00199", "vss-01"} <= seals.keys()
    for agency, member in seals.items():
        folder = var / ("portal" if member == "G22" else f"node-{member}") / "seals"
        (certificate,) = load_certificates(folder / f"{agency}.pem")
        assert certificate.public_key() == load_key(folder / f"{agency}.key").public_key()
        trusted(certificate, load_certificates(folder / "trust.pem"))
        assert common_name(certificate) == nation.agencies[agency].name["vi"]


def test_a_system_trusts_only_the_authority_inside_its_own_member(var: Path) -> None:
    roots = {name: (var / name / "tls-trust.pem").read_bytes() for name in ("portal", "node-G01", "node-G15")}
    assert len(set(roots.values())) == 3
    assert (var / "gateway-G01/inner-trust.pem").read_bytes() == roots["node-G01"]
    assert (var / "gateway-G01/outer-trust.pem").read_bytes() not in roots.values()


def test_grants_follow_the_rights_of_the_nation_and_are_the_providers_own(var: Path) -> None:
    folder = var / "gateway-G01"
    certificate = load_certificates(folder / local.SIGNING_CERTIFICATE)[0]
    grants, wrong = permissions.read_grants(folder / local.GRANTS, [certificate])
    assert not wrong
    assert {grant.permission.service.rpartition("/")[0] for grant in grants} == {"VN/GOV/G01/POPULATION"}
    found = permissions.Permissions(grant.permission for grant in grants)
    lookup = ("VN/GOV/G22/PORTAL", "VN/GOV/G01/POPULATION/population", "POST")
    assert found.covers(*lookup, "/lookup", "birth-form")
    assert not found.covers(*lookup, "/records", "birth-form")


def test_each_process_gets_settings_that_can_be_read(nation: Nation, var: Path) -> None:
    environments = lab.environments(nation, var, 8000)
    assert set(environments) == {
        "portal-web", "portal-worker", "directory",
        *(f"node-{one}" for one in ("G01", "G15", "G18", "G24")),
        *(f"gateway-{one}" for one in ("G22", "G01", "G15", "G18", "G24")),
    }  # fmt: skip
    secrets = {"ONEDOOR_DATABASE_URL": "postgresql://x@y/z", "ONEDOOR_SECRET": "s" * 40}
    listening = []
    for name, environment in environments.items():
        found = settings.read(environment | secrets)
        listening.append(found.listen)
        if found.role in ("portal", "node"):
            assert found.tls_key is not None
            assert found.tls_key.exists(), name
    assert len(set(listening)) == len(listening) - 1, "the portal's two processes share an address"
    assert settings.read(environments["node-G15"] | secrets).listen == "127.0.0.1:8002"
    assert settings.read(environments["gateway-G15"]).exchange_listen == "127.0.0.1:8202"


def test_each_member_may_have_a_second_gateway_with_ports_and_keys_of_its_own(tmp_path: Path) -> None:
    nation = load(with_two(tmp_path, "G22", "G01", "G15", "G18", "G24"))
    environments = lab.environments(nation, Path("/nowhere"), 8000)
    names = ("ONEDOOR_LISTEN", "ONEDOOR_EXCHANGE_LISTEN", "ONEDOOR_WATCH_LISTEN")
    listening = [own for process, own in environments.items() if process != "portal-worker"]
    taken = [own[name] for own in listening for name in names if name in own]
    assert len(set(taken)) == len(taken)
    second = environments["gateway-G15-2"]
    assert second["ONEDOOR_EXCHANGE_LISTEN"] == "127.0.0.1:8252"
    assert second["ONEDOOR_STATE"] == "/nowhere/gateway-G15-2"
