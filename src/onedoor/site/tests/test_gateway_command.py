"""``onedoor gateway`` and ``onedoor member``: from nothing to a first message, by commands alone."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from onedoor.exchange.gateway import reading
from onedoor.exchange.tests.nation import Place, system_of, wait_for
from onedoor.site import settings_files
from onedoor.site.cli import run
from onedoor.site.tests.outside import (
    NEW,
    SHOWS,
    SIGNS,
    Authority,
    ask,
    begin,
    exchange,
    openssl,
    registered,
    running,
    says,
)

M2, ECHO = "XL/ORG/M2/SYSTEM", "/r1/XL/ORG/M2/SYSTEM/echo/greetings"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = exchange(tmp_path_factory.mktemp("lab"))
    try:
        place.start("directory", "gateway-M2")
        yield place
    finally:
        place.stop()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("outside") / "ca")


def certified(place: Place, folder: Path, authority: Authority) -> None:
    begin(place, folder)
    for name, usage in (("signing", SIGNS), ("outer", SHOWS)):
        says("gateway", "certificate", "import", folder, authority.issue(folder / f"requests/{name}.csr", usage))


def test_an_integrator_gets_from_nothing_to_a_first_message(place: Place, authority: Authority, tmp_path: Path) -> None:
    folder, state = tmp_path / "gateway-M9", ("--state", place.layout.directory)
    assert "requests/signing.csr" in begin(place, folder)
    keys = [(folder / name).read_bytes() for name in ("signing.key", "outer.key", "inner.key", "log.key")]
    assert "has no certificate yet" in says("gateway", "register", folder, "--out", tmp_path / "no", code=2)
    assert "No certificate yet: signing" in says("gateway", "status", folder, code=1)
    certified(place, folder, authority)
    assert keys == [(folder / name).read_bytes() for name in ("signing.key", "outer.key", "inner.key", "log.key")]
    told = registered(folder)
    assert "no approved authority issued" in says("member", "add", told, *state, code=2)
    says("member", "approve", authority.certificate, "--name", "Outside CA", *state)
    for mark in ("00" * 16, ""):  # a script may name what it never set
        assert "does not begin with" in says("member", "add", told, "--mark", mark, *state, code=2)
    known = place.layout.directory / "ca" / "ca.pem"
    assert "cannot be entered" in says("member", "approve", known, "--name", "TSA", "--tsa", "", *state, code=2)
    assert "Added: XL/ORG/M9/GATEWAY, with its systems XL/ORG/M9/SYSTEM" in says("member", "add", told, *state)
    assert "nothing was changed" in says("member", "add", told, *state)
    right = (f"{NEW}/SYSTEM", f"{M2}/echo", "--endpoint", "GET /**", "--purpose", "try")
    says("member", "allow", *right, "--basis", "lab", *state)
    with running(folder), system_of(place, "M2"):
        listen = f"127.0.0.1:{place.base + 109}"
        wait_for(lambda: run(["gateway", "status", str(folder)]) == 0, "the gateway is well", 20)
        first = "/r1/XL/ORG/M2/SYSTEM/listMethods"
        wait_for(lambda: ask(folder, listen, first).status == 200, "the provider's gateway knows it too")
        assert ask(folder, listen, ECHO).headers["x-road-error"] == "Server.ServerProxy.AccessDenied"
        says("rights", "grant", *right, "--state", place.seats["M2"].gateway_state)
        wait_for(lambda: ask(folder, listen, ECHO).status == 200, "the grant counts")
        shown = says("gateway", "status", folder)
        assert "Signing key: in a file. Grants in force: 0" in shown
        by_url = json.loads(says("gateway", "status", f"http://127.0.0.1:{place.base + 459}", "--json"))
        depends = by_url["process"]["services"]
        assert {"configuration", "log", "time-stamps", "directory"} <= depends.keys()
        assert set(depends.values()) == {"ok"}
        assert by_url["process"]["links"]["asking"] == 1
        says("member", "remove", f"{NEW}/GATEWAY", *state)
        wait_for(lambda: ask(folder, listen, ECHO).status != 200, "who was removed takes no part")
    assert "a later one of this gateway" in says("member", "add", told, *state, code=2)
    assert [line.split()[3] for line in says("member", "list", *state).splitlines()] == [
        "approve",
        "add",
        "allow",
        "remove",
    ]
    assert "no answer" in says("gateway", "status", folder, code=1)
    restored(folder, tmp_path)


def restored(folder: Path, tmp_path: Path) -> None:
    """Back the gateway in *folder* up, restore it elsewhere, and hold the one against the other."""
    archives = ("--data", tmp_path / "data" / "d.tar.gz", "--keys", tmp_path / "keys" / "k.tar.gz")
    assert "Data of gateway-M9" in says("backup", "--var", tmp_path, *archives)
    says("restore", "--var", tmp_path / "anew", *archives, "--without-published")
    anew = tmp_path / "anew" / "gateway-M9"
    assert reading.verify_gateway(anew) == reading.verify_gateway(folder)
    assert reading.verify_gateway(anew).whole
    for name in ("signing.key", "outer.key", "inner.key", "log.key"):
        assert (anew / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.parametrize(
    ("profile", "signs", "shows"),
    [
        ("basic", "C=XX, O=Ninth, businessCategory=ORG, serialNumber=M9, CN=Ninth", "serialNumber=M9, CN=127.0.0.1"),
        ("ejbca", "C=XL, O=ORG, CN=M9", "C=XL, O=ORG, CN=127.0.0.1"),
        ("fivrk", "C=XX, O=Ninth, serialNumber=XL/GATEWAY/ORG, CN=M9", "serialNumber=XL/GATEWAY/ORG, CN=127.0.0.1"),
    ],
)
def test_requests_name_the_member_by_the_profile_of_the_authority(
    place: Place, tmp_path: Path, profile: str, signs: str, shows: str
) -> None:
    begin(place, tmp_path / "gateway-M9", "--profile", profile, "--country", "XX")
    for name, subject in (("signing", signs), ("outer", shows)):
        request = tmp_path / "gateway-M9" / "requests" / f"{name}.csr"
        told = openssl(
            "req", "-in", request, "-noout", "-verify", "-subject", "-nameopt", "RFC2253,sep_comma_plus_space,-dn_rev"
        )
        assert subject in told


def test_a_folder_is_that_of_one_gateway_and_an_anchor_counts(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "gateway-M9"
    wrong = authority_of(tmp_path)
    own = ("gateway", "init", folder, "--member", NEW, "--name", "N", "--server-code", "GATEWAY", "--address", "h:1")
    url = f"http://{place.layout.directory_address}/configuration"
    told = says(*own, "--directory", url, "--anchor", wrong, code=2)
    assert "an unknown key signed it" in told
    begin(place, folder)
    away = ("--directory", "http://127.0.0.1:1/configuration", "--anchor", wrong, "--name", "N", "--address", "h:1")
    told = says("gateway", "init", folder, "--member", "XL/ORG/M8", "--server-code", "GATEWAY", *away, code=2)
    assert "is that of the gateway XL/ORG/M9/GATEWAY" in told
    assert "is no id of a member" in says(
        "gateway", "init", folder, "--member", "M8", "--server-code", "G", *away, code=2
    )
    other = tmp_path / "gateway-M8"
    told = says("gateway", "init", other, "--member", "XL/ORG/M8", "--server-code", "GATEWAY", *away)
    assert "does not answer yet" in told


@pytest.mark.parametrize(
    ("address", "listen", "why"),
    [
        ("user@h:1", "127.0.0.1:1", "is no host and port"),
        ("H:1", "127.0.0.1:1", "is no host and port"),
        ("h:1", "127.0.0.1:1\nONEDOOR_ROLE=web", "is no host and port"),
        ("h:1", "anywhere", "is no host and port"),
    ],
)
def test_what_others_would_misread_is_neither_an_address_nor_a_setting(
    tmp_path: Path, address: str, listen: str, why: str
) -> None:
    folder, anchor = tmp_path / "gateway-M8", authority_of(tmp_path)
    line = ["gateway", "init", folder, "--member", "XL/ORG/M8", "--server-code", "G", "--name", "N", "--anchor", anchor]
    line += ["--directory", "http://127.0.0.1:1/", "--address", address, "--listen", listen]
    assert why in says(*line, code=2)
    assert not settings_files.beside(folder).exists()


def authority_of(folder: Path) -> Path:
    return Authority(folder / "other").certificate


def test_a_certificate_that_does_not_fit_is_not_taken_in(place: Place, authority: Authority, tmp_path: Path) -> None:
    folder = tmp_path / "gateway-M9"
    begin(place, folder)
    for name, usage, why in (
        ("signing", SHOWS, "signatures need the key usage contentCommitment"),
        ("outer", SIGNS, "TLS must not have it"),
    ):
        file = authority.issue(folder / f"requests/{name}.csr", usage)
        assert why in says("gateway", "certificate", "import", folder, file, code=2)
    begin(place, tmp_path / "gateway-M7")
    file = authority.issue(tmp_path / "gateway-M7/requests/signing.csr", SIGNS)
    assert "belongs to no key" in says("gateway", "certificate", "import", folder, file, code=2)
    assert not list(folder.glob("signing.pem"))
