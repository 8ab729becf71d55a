"""``onedoor rights``: a provider grants within the nation's rights; asks and decisions are signed and kept."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from onedoor.exchange import configuration, granting, permissions
from onedoor.exchange.directory import lab
from onedoor.exchange.directory.layout import Layout
from onedoor.exchange.gateway import local
from onedoor.exchange.granting import Provider
from onedoor.kernel.nation import load
from onedoor.signing.certificates import load_certificates
from onedoor.signing.keys import load_key
from onedoor.site.cli import run
from onedoor.site.commands.rights import _state
from onedoor.site.lab import invented

M1, M2, M3 = (invented.system(f"M{number}") for number in (1, 2, 3))
ECHO = f"{M2}/echo"
WHAT = ("--endpoint", "GET /greetings", "--purpose", "try")
WHY = ("--basis", "lab", "--why", "to greet")
Says = Callable[..., str]


@pytest.fixture(scope="module")
def provisioned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    var = tmp_path_factory.mktemp("lab")
    invented.prepare(var / "nation", 3)
    lab.provision(load(var / "nation"), var, 9000)
    return var


@pytest.fixture
def var(provisioned: Path) -> Path:
    for member in ("M1", "M2"):
        for name in (local.GRANTS, granting.ASKS, granting.DECISIONS):
            (provisioned / f"gateway-{member}" / name).unlink(missing_ok=True)
    return provisioned


def said(
    command: str, var: Path, capsys: pytest.CaptureFixture[str], part: str, *arguments: object,
    at: str = "M2", code: int = 0,
) -> str:  # fmt: skip
    """Return what a *command* says at the gateway of a member, which ends with *code*."""
    left = run([command, part, *map(str, arguments), "--state", str(var / f"gateway-{at}"), "--language", "en"])
    told = capsys.readouterr()
    assert left == code, told.err
    return told.err if code else told.out


@pytest.fixture
def says(var: Path, capsys: pytest.CaptureFixture[str]) -> Says:
    return partial(said, "rights", var, capsys)


def in_force(var: Path, moment: datetime | None = None) -> list[tuple[str, tuple[str, ...]]]:
    now = moment or datetime.now(UTC)
    grants = [one for one in Provider(var / "gateway-M2", datetime.now(UTC)).grants() if one.in_force(now)]
    return [(one.permission.client, one.permission.endpoints) for one in grants]


def test_a_grant_counts_until_its_day_and_is_made_once(var: Path, says: Says) -> None:
    assert "Nobody may call" in says("list")
    day = (datetime.now(UTC) + timedelta(days=10)).date()
    for _ in range(2):
        assert f"It ends on {day}" in says("grant", M1, ECHO, *WHAT, "--until", day)
    assert in_force(var) == [(M1, ("GET /greetings",))]
    assert in_force(var, datetime.now(UTC) + timedelta(days=10)) == []
    begun = datetime.now(UTC).date()
    assert f"ends on {begun} counts for nothing" in says("grant", M1, ECHO, *WHAT, "--until", begun, code=2)
    assert in_force(var) == [(M1, ("GET /greetings",))]


def test_what_is_revoked_stays_so_when_the_nation_is_provisioned_again(var: Path, says: Says) -> None:
    lab.provision(load(var / "nation"), var, 9000)
    assert [client for client, _ in in_force(var)] == [M1, M3]
    assert "(grants ended: 1)" in says("revoke", M1, ECHO)
    assert "nothing to revoke" in says("revoke", M1, ECHO, code=2)
    lab.provision(load(var / "nation"), var, 9000)
    assert [client for client, _ in in_force(var)] == [M3]
    assert f"{M1} → {ECHO}: * /** (try) [ended]" in says("list")


def test_who_is_revoked_hears_that_a_group_still_lets_it_in(var: Path, says: Says) -> None:
    says("grant", M1, ECHO, *WHAT)
    provider = Provider(var / "gateway-M2", datetime.now(UTC))
    group = f"{permissions.LOCAL}{M2}/friends"
    permissions.write_groups(provider.folder / local.GROUPS, {group: [M1]}, load_key(provider.folder / "signing.key"))
    of_group = permissions.Permission(group, ECHO, ("try",), ("GET /greetings",))
    provider._write([*provider.grants(), permissions.Grant(of_group, provider.now, None)])
    assert f"It still may call it, as one of {group}" in says("revoke", M1, ECHO)
    (provider.folder / local.GROUPS).unlink()


@pytest.mark.parametrize(
    ("client", "endpoint", "purpose"),
    [(M1, "GET /greetings", "other"), (M1, "GET /greetings", "*"), (f"{M1}X", "GET /greetings", "try")],
)
def test_nothing_is_granted_above_the_nations_rights(
    var: Path, says: Says, client: str, endpoint: str, purpose: str
) -> None:
    told = says("grant", client, ECHO, "--endpoint", endpoint, "--purpose", purpose, code=2)
    assert "The nation’s rights do not let" in told
    assert not (var / "gateway-M2" / local.GRANTS).exists()


def test_a_gateway_grants_its_own_services_and_asks_for_its_own_systems(says: Says) -> None:
    assert f"provides no service {M3}/echo" in says("grant", M1, f"{M3}/echo", *WHAT, code=2)
    assert f"serves no system {M3}" in says("ask", M3, ECHO, *WHAT, *WHY, at="M1", code=2)


def test_a_gateway_that_does_not_take_part_yet_asks_for_nobody(var: Path, says: Says) -> None:
    directory, path = var / "directory", var / "gateway-M1" / local.CONFIGURATION
    before = path.read_bytes()
    data = configuration.content(before)
    without = data | {"gateways": [one for one in data["gateways"] if "/M1/" not in one["id"]]}
    certificate = load_certificates(directory / "signing.pem")[0]
    path.write_bytes(configuration.write(without, load_key(directory / "signing.key"), certificate))
    assert f"serves no system {M1}. It serves: –" in says("ask", M1, ECHO, *WHAT, *WHY, at="M1", code=2)
    path.write_bytes(before)


def test_who_was_revoked_is_granted_nothing_by_another_version_of_the_nation(var: Path, says: Says) -> None:
    nation = load(var / "nation")
    lab.provision(nation, var, 9000)
    says("revoke", M1, ECHO)
    (seat,) = (one for one in Layout(nation, var, 9000).seats() if one.member.id == "M2")
    lab.grant(seat, [permissions.Permission(one, ECHO, ("try",), ("GET /**", "POST /**")) for one in (M1, M3)])
    assert in_force(var) == [(M3, ("* /**",)), (M3, ("GET /**", "POST /**"))]


def test_one_change_of_grants_waits_for_another(var: Path, says: Says) -> None:
    says("grant", M1, ECHO, *WHAT)
    provider = Provider(var / "gateway-M2", datetime.now(UTC))
    with ThreadPoolExecutor(1) as other:
        with permissions.alone(provider.folder):
            revoked = other.submit(provider.revoke, M1, ECHO)
            with pytest.raises(TimeoutError):
                revoked.result(0.2)
            provider._write(
                [*provider.grants(), permissions.Grant(permissions.Permission(M3, ECHO, (), ()), provider.now, None)]
            )
        assert len(revoked.result(5)) == 1
    assert [client for client, _ in in_force(var)] == [M3]


def test_a_grant_ends_at_its_moment_and_one_that_is_still_to_come_ends_at_once(var: Path) -> None:
    now = datetime.now(UTC)
    provider, wanted = Provider(var / "gateway-M2", now), permissions.Permission(M1, ECHO, ("try",), ("GET /x",))
    with pytest.raises(granting.EndsAtOnce):
        provider.grant(wanted, now)
    later = permissions.Grant(wanted, now + timedelta(hours=1), None)
    provider._write([later])
    assert provider.grant(wanted, None) == permissions.Grant(wanted, now, None)
    assert in_force(var, now) == [(M1, ("GET /x",))]
    assert provider.revoke(M1, ECHO) == [later, permissions.Grant(wanted, now, None)]
    assert in_force(var, now + timedelta(hours=2)) == []
    assert [_state(provider, one) for one in provider.grants()] == ["ended", "ended"]


@pytest.mark.parametrize("endpoint", ["", "GET", "/x", "GET x", "GET  /x", "get /x", "GET /x y"])
def test_an_endpoint_is_a_method_and_a_path(says: Says, endpoint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        says("grant", M1, ECHO, "--endpoint", endpoint, "--purpose", "try")
    assert "such as “GET /pets/*”" in capsys.readouterr().err


def test_a_grant_above_the_nations_rights_is_listed_as_one_without_effect(var: Path, says: Says) -> None:
    says("grant", M1, ECHO, *WHAT)
    provider = Provider(var / "gateway-M2", datetime.now(UTC))
    above = permissions.Permission(M1, ECHO, ("try", "other"), ("GET /greetings",))
    provider._write([permissions.Grant(above, provider.now, None)])
    assert "no effect" in says("list")
