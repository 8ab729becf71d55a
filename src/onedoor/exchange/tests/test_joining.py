"""A gateway's folder before and while it takes part: what several commands write at once, and where it lies."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.x509 import load_pem_x509_csr

from onedoor.exchange import joining
from onedoor.exchange.gateway import identities, local
from onedoor.signing.certificates import Authority, Subject
from onedoor.signing.keys import load_key, new_key

AT_ONCE = 8
WANTED = joining.Wanted("TL/GOV/NINTH/GATEWAY", "Ninth", "192.0.2.9:5500", "http://127.0.0.1:1/", systems={"S": "S"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    joining.begin(tmp_path / "gateway", WANTED, [])
    return tmp_path / "gateway"


def at_once(act: Callable[[int], object]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(act, range(AT_ONCE)))


def requested_of(folder: Path, name: str, key: Path) -> None:
    asked = load_pem_x509_csr((folder / joining.REQUESTS / f"{name}.csr").read_bytes())
    assert asked.public_key() == load_key(key).public_key()


def test_what_several_commands_write_at_once_is_all_there(tmp_path: Path) -> None:
    folder = tmp_path / "gateway"
    at_once(lambda _: joining.begin(folder, WANTED, []))
    for name in (identities.SIGNING, identities.OUTER):
        requested_of(folder, name, folder / f"{name}.key")
    at_once(lambda number: joining.serve(folder, "S", f"s{number}", "https://127.0.0.1:1"))
    services = {one["service"] for one in joining.told_of(folder)["services"]}
    assert services == {f"TL/GOV/NINTH/S/s{number}" for number in range(AT_ONCE)}


def test_a_key_that_is_renewed_by_two_at_once_is_one(folder: Path, tmp_path: Path) -> None:
    authority, key = Authority.create(tmp_path / "ca"), load_key(folder / "outer.key")
    joining.certify(folder, (authority.issue(Subject("h"), key.public_key(), "tls"),), folder)
    at_once(lambda _: joining.renew(folder, identities.OUTER))
    requested_of(folder, identities.OUTER, folder / identities.NEXT / "outer.key")


def test_nothing_is_done_in_a_folder_that_is_none(tmp_path: Path) -> None:
    authority = Authority.create(tmp_path / "ca")
    issued = authority.issue(Subject("h"), new_key().public_key(), "tls")
    none = tmp_path / "none"
    for act in (
        lambda: joining.renew(none, identities.OUTER),
        lambda: joining.certify(none, (issued,), none),
        lambda: joining.serve(none, "S", "s", "https://127.0.0.1:1"),
        lambda: joining.registration(none, datetime.now(UTC)),
    ):
        with pytest.raises(joining.NotBegun):
            act()
    assert not none.exists()


def test_a_description_lies_where_both_gateways_of_a_member_read_it(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for one in (first, second):
        one.mkdir()
    (second / local.DESCRIPTIONS).symlink_to(Path("..") / "first" / local.DESCRIPTIONS)
    raw = b'{"openapi": "3.0.0", "paths": {"/a": {"get": {}}}}'
    assert local.keep_description(second, "TL/GOV/NINTH/S/s", raw) == [("GET", "/a")]
    entry = {"service": "TL/GOV/NINTH/S/s", "url": "https://127.0.0.1:1", "system": ""}
    for one in (first, second):
        assert local.provided(entry, one).endpoints == (("GET", "/a"),)
