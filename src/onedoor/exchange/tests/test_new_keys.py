"""A gateway that changes its keys: those before count beside the new ones for a while, and nobody takes its place."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from onedoor.exchange import configuration, joining
from onedoor.exchange.directory import publishing
from onedoor.exchange.directory.admitting import Directory
from onedoor.exchange.directory.registering import BadRegistration
from onedoor.exchange.gateway import identities
from onedoor.exchange.tests.test_admitting import GATEWAY, NEW, certify, joined, published, registration
from onedoor.exchange.tests.test_admitting import directory as directory
from onedoor.exchange.tests.test_admitting import gateway as gateway
from onedoor.exchange.tests.test_admitting import var as var
from onedoor.signing.certificates import load_certificates

PROFILES = {"signing": "message", "outer": "tls"}


def renew(var: Path, gateway: Path, *names: str) -> None:
    """Give *gateway* its next keys of these *names*, with their certificates."""
    for name in names:
        joining.renew(gateway, name)
        certify(var, gateway, name, PROFILES[name])


def handover(directory: Directory, moment: datetime) -> dict[str, str] | None:
    """Return what is published at *moment* of the keys that the gateway had before."""
    told = publishing.content(directory.folder, moment)["gateways"]
    found: dict[str, str] | None = next(one for one in told if one["id"] == GATEWAY).get("handover")
    return found


@pytest.mark.parametrize("at_once", [False, True])
def test_new_keys_are_published_with_those_before_until_they_count_no_more(
    var: Path, directory: Directory, gateway: Path, *, at_once: bool
) -> None:
    directory.add(registration(gateway))
    first = published(directory).gateways[GATEWAY]
    renew(var, gateway, *PROFILES)
    overlap = timedelta() if at_once else timedelta(hours=1)
    directory.add(registration(gateway, 1), overlap=overlap)
    found = published(directory).gateways[GATEWAY]
    now = datetime.now(UTC).timestamp()
    assert found.signing != first.signing
    assert found.former == (first.signing,)
    assert found.shows(found.tls, now)
    assert found.shows(first.tls, now) != at_once
    assert [one.signing for one in found.signers(now)] == [found.signing, *([] if at_once else [first.signing])]
    assert not found.shows(first.tls, now + 3601)
    assert [one.signing for one in found.signers(now + 3601)] == [found.signing]
    if not at_once:
        assert replace(found, before=None) == replace(first, signing=found.signing, tls=found.tls, former=found.former,
                                                      key=found.key, template=found.template)  # fmt: skip
    ends = directory.now + overlap
    assert bool(handover(directory, ends - timedelta(microseconds=1))) != at_once
    assert handover(directory, ends) is None


def test_of_all_keys_that_a_gateway_had_the_last_few_are_published(
    var: Path, directory: Directory, gateway: Path
) -> None:
    had = []
    for after in range(identities.FORMER + 2):
        directory.add(registration(gateway, after))
        had.append(published(directory).gateways[GATEWAY].signing)
        renew(var, gateway, "signing")
    *former, last = had
    found = published(directory).gateways[GATEWAY]
    assert (found.signing, [*found.former]) == (last, former[: -identities.FORMER - 1 : -1])


def test_a_gateway_that_goes_back_to_its_key_of_before_does_so_as_to_any_other(
    var: Path, directory: Directory, gateway: Path
) -> None:
    first = registration(gateway)
    directory.add(first)
    kept = [(gateway / f"signing.{kind}").read_bytes() for kind in ("key", "pem")]
    renew(var, gateway, "signing")
    directory.add(registration(gateway, 1), overlap=timedelta())
    second = published(directory).gateways[GATEWAY].signing
    for kind, data in zip(("key", "pem"), kept, strict=True):
        (gateway / f"signing.{kind}").write_bytes(data)
    shutil.rmtree(gateway / "next")
    directory.add(registration(gateway, 2))
    found = published(directory).gateways[GATEWAY]
    assert found.former == (second,)
    assert found.before
    assert found.before.signing == second


def test_an_overlap_stays_when_its_gateway_says_something_else_and_ends_at_once_when_the_keys_were_stolen(
    var: Path, directory: Directory, gateway: Path
) -> None:
    directory.add(registration(gateway))
    first = published(directory).gateways[GATEWAY]
    renew(var, gateway, *PROFILES)
    directory.add(registration(gateway, 1))
    told = published(directory).gateways[GATEWAY].before
    moved = joining.Wanted(GATEWAY, "Ninth", "192.0.2.19:5500", "http://127.0.0.1:1/")
    joining.begin(gateway, moved, load_certificates(directory.folder / "signing.pem"))
    raw = registration(gateway, 2)
    assert directory.add(raw)[1]
    found = published(directory).gateways[GATEWAY]
    assert (found.host, found.before) == ("192.0.2.19", told)
    assert told
    assert told.tls == first.tls
    assert not directory.add(raw)[1]
    with pytest.raises(BadRegistration, match="a later one"):
        directory.add(registration(gateway, 1), overlap=timedelta())
    assert directory.add(raw, spread=timedelta(), overlap=timedelta())[1]
    found = published(directory).gateways[GATEWAY]
    assert found.before is None
    assert not found.shows(first.tls, datetime.now(UTC).timestamp())
    assert not directory.add(raw, overlap=timedelta())[1]


def test_nobody_takes_the_certificate_that_a_gateway_of_ours_showed_before(
    var: Path, directory: Directory, gateway: Path, tmp_path: Path
) -> None:
    directory.add(registration(gateway))
    before = published(directory).gateways[GATEWAY].tls
    renew(var, gateway, "outer")
    assert directory.add(registration(gateway, 1))[1]
    other = joined(var, tmp_path / "other", f"{NEW}/SECOND", "192.0.2.10:5500")
    for file in ("outer.key", "outer.pem"):
        (other / file).write_bytes((gateway / file).read_bytes())
    with pytest.raises(BadRegistration, match="its key or its address"):
        directory.add(registration(other))
    own = published(directory).gateways
    foreign = replace(own[GATEWAY], id="XX/GOV/M/GATEWAY", tls=before, before=None)
    partner = configuration.Partner("XX", 0.0, "", (), {foreign.id: foreign})
    known = configuration._indexed(own, [partner])["gateway_by_tls"]
    assert {known[before].id, known[own[GATEWAY].tls].id} == {GATEWAY}
