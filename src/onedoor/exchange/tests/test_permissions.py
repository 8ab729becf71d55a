"""Rights and grants."""

import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onedoor.exchange.permissions import Grant, Permission, Permissions, read_grants, sign_anew, write_grants
from onedoor.signing.certificates import Authority, Subject
from onedoor.signing.keys import new_key

NOW = datetime(2026, 9, 1, tzinfo=UTC)
LOOKUP = Permission("VN/GOV/G22/PORTAL", "VN/GOV/G15/X/births", ("birth-form",), ("POST /lookup",))


@pytest.mark.parametrize(
    ("glob", "path", "reached"),
    [
        ("/a/*", "/a/b", True),
        ("/a/*", "/a/b/c", False),
        ("/a/**", "/a/b/c", True),
        ("/a/*/c", "/a/b/c", True),
        ("/a.b", "/aXb", False),
        (r"/a\*", "/a*", True),
        (r"/a\*", "/ab", False),
        ("/**", "/", True),
        ("/lookup", "/lookup/", False),
    ],
)
def test_a_glob_reaches_what_x_road_lets_it_reach(glob: str, path: str, reached: bool) -> None:
    assert Permission("c", "s", ("*",), (f"GET {glob}",)).covers("GET", path, "") is reached


def plainly(glob: str, path: str) -> bool:
    """Return whether *glob* reaches *path*, one sign of the glob after the other, at every place where it may stand."""
    places = {0}
    for piece in re.findall(r"\*\*|\*|\\[*\\]|.", glob, re.DOTALL):
        if piece[0] == "*":
            places |= {
                end
                for start in places
                for end in range(start, len(path) + 1)
                if piece == "**" or "/" not in path[start:end]
            }
        else:
            places = {start + 1 for start in places if path[start : start + 1] == piece[-1]}
    return len(path) in places


@settings(deadline=None, max_examples=300)
@given(st.text(alphabet="**/ab\\", max_size=9), st.text(alphabet="/ab*\\", max_size=9))
def test_a_glob_reaches_what_it_reaches_sign_by_sign(glob: str, path: str) -> None:
    assert Permission("c", "s", ("*",), (f"GET {glob}",)).covers("GET", path, "") is plainly(glob, path)


@pytest.mark.parametrize(
    "glob", ["/**a**b**a**b**c", "/*a*b*a*b*c", "/**a*b**a*b**c*d", "/**/*/**/*/**/*c", "/**a*b**c", "/**a*c"]
)
@pytest.mark.parametrize("part", ["a", "ab", "a/b", "/a"])
def test_no_path_is_slow(glob: str, part: str) -> None:
    permission, spent = Permission("c", "s", ("*",), (f"GET {glob}",)), []
    for size in (8_000, 64_000):
        begun = time.process_time()
        assert not permission.covers("GET", "/" + part * (size // len(part)), "")
        spent.append(time.process_time() - begun)
    assert spent[1] < 30 * spent[0] + 0.1  # eight times as much, where trying all places would be 64 times or hours


def test_nothing_is_allowed_without_a_permission() -> None:
    assert not Permissions([]).covers("VN/GOV/G22/PORTAL", "VN/GOV/G15/X/births", "POST", "/lookup", "birth-form")


@pytest.mark.parametrize(
    ("method", "path", "purpose"),
    [("GET", "/lookup", "birth-form"), ("POST", "/records", "birth-form"), ("POST", "/lookup", "other")],
)
def test_another_method_path_or_purpose_is_not_covered(method: str, path: str, purpose: str) -> None:
    known = Permissions([LOOKUP])
    assert known.covers(LOOKUP.client, LOOKUP.service, "POST", "/lookup", "birth-form")
    assert not known.covers(LOOKUP.client, LOOKUP.service, method, path, purpose)


def test_a_grant_that_the_provider_did_not_sign_counts_for_nothing(tmp_path: Path) -> None:
    authority, key = Authority.create(tmp_path / "ca"), new_key()
    certificate = authority.issue(Subject("provider"), key.public_key(), "sign")
    path = tmp_path / "grants.jsonl"
    write_grants(path, [Grant(LOOKUP, NOW, None), Grant(LOOKUP, NOW, NOW + timedelta(days=1))], key)
    first, second = path.read_text().splitlines()
    path.write_text(f"{first.replace('births', 'deaths')}\nnonsense\n{second}\n")
    grants, wrong = read_grants(path, [certificate])
    assert [grant.until for grant in grants] == [NOW + timedelta(days=1)]
    assert [fault.split(":")[1] for fault in wrong] == ["1", "2"]


def test_what_is_signed_anew_after_each_change_of_keys_outlasts_any_number_of_them(tmp_path: Path) -> None:
    authority, path = Authority.create(tmp_path / "ca"), tmp_path / "gateway" / "grants.jsonl"
    keys = [new_key() for _ in range(5)]
    certificates = [authority.issue(Subject("provider"), key.public_key(), "sign") for key in keys]
    path.parent.mkdir()
    sign_anew(path, "grant", certificates, keys[0])
    assert not path.exists()
    write_grants(path, [Grant(LOOKUP, NOW, None), Grant(LOOKUP, NOW, NOW + timedelta(days=1))], keys[0])
    others = [*path.read_bytes().splitlines()[:1], b"torn"]
    path.write_bytes(others[0].replace(b"births", b"deaths") + b"\n" + path.read_bytes() + others[1])
    for number in range(1, len(keys)):
        known = certificates[number::-1][:2]
        sign_anew(path, "grant", known, keys[number])
        before = path.stat().st_ino
        sign_anew(path, "grant", known, keys[number])
        assert path.stat().st_ino == before, "what is signed so already stays"
    grants, wrong = read_grants(path, certificates[-1:])
    assert [one.until for one in grants] == [None, NOW + timedelta(days=1)]
    assert [fault.split(":")[1] for fault in wrong] == ["1", "4"]
    lines = path.read_bytes().splitlines()
    assert (lines[0], lines[-1]) == (others[0].replace(b"births", b"deaths"), b"torn"), "others' lines stay as they are"


def test_a_grant_ends() -> None:
    grant = Grant(LOOKUP, NOW, NOW + timedelta(days=1))
    assert grant.in_force(NOW)
    assert not grant.in_force(NOW - timedelta(seconds=1))
    assert not grant.in_force(NOW + timedelta(days=1))
