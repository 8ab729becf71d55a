"""The directory of a nation on one computer is told of every system's ledger, under the keys that sign it."""

from pathlib import Path

import pytest

from onedoor.exchange.witness.record import own_key
from onedoor.kernel.ledger import Policy
from onedoor.site.up.plan import POLICY, Part
from onedoor.site.up.trail import name_ledgers
from onedoor.store.ledger_keys import LedgerKeyMissing


def part(name: str, folder: Path, port: int, **settings: str) -> Part:
    own = {"ONEDOOR_STATE": str(folder / name.partition("-web")[0]), "ONEDOOR_SUBSYSTEM": name.upper(), **settings}
    return Part(name, ("true",), own, f"127.0.0.1:{port}", health=True)


def test_every_system_is_named_once_with_its_key_and_the_next_beside_it(tmp_path: Path) -> None:
    policy = tmp_path / "directory" / "ledgers"
    found = [
        part("directory", tmp_path, 400, **{POLICY: str(policy)}),
        part("gateway-G01", tmp_path, 100),
        part("node-G01", tmp_path, 1),
        part("portal-worker", tmp_path, 300),
        part("portal-web", tmp_path, 0),
    ]
    name_ledgers(found)
    first = Policy.read(policy).logs
    assert [(one.name, address) for one, address in first] == [
        ("onedoor/NODE-G01", "http://127.0.0.1:1/ledger"),
        ("onedoor/PORTAL-WEB", "http://127.0.0.1:0/ledger"),
    ]
    key = tmp_path / "node-G01" / "ledger" / "key"
    assert key.stat().st_mode & 0o77 == 0
    following = own_key(key.with_name("key.next"))
    name_ledgers(found)
    named = Policy.read(policy).logs
    assert [one for one in named if one in first] == list(first), "the same keys again"
    (more,) = [one for one, address in named if (one, address) not in first]
    assert more.key.public_bytes_raw() == following.public_key().public_bytes_raw()


def test_a_key_that_is_missing_is_not_made_anew_at_the_next_start(tmp_path: Path) -> None:
    found = [part("directory", tmp_path, 400, **{POLICY: str(tmp_path / "ledgers")}), part("node-G01", tmp_path, 1)]
    name_ledgers(found)
    key = tmp_path / "node-G01" / "ledger" / "key"
    (key.parent / "published").mkdir()
    (key.parent / "published" / "checkpoint").touch()
    key.unlink()
    with pytest.raises(LedgerKeyMissing, match="second history"):
        name_ledgers(found)
    assert not key.exists()
