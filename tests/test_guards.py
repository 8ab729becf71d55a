"""What holds for everything that is built: access rules, documented names, nothing inline in a page."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from onedoor.kernel.settings import OF_TESTS, Settings, known
from tests import reference

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "onedoor"
RULES = {"public", "person 1", "person 2", "officer 2", "gateway"}
EVERYWHERE = {"front", "health", "ledger", "empty", "serve", "sign_in", "sign_out", "home", "search", "service"}
OPEN = {"portal": EVERYWHERE, "node": EVERYWHERE | {"verify"}}
"""The views that are open to everybody; add one only when it shows nothing of anybody."""
INLINE = re.compile(r"""(?i)<script(?![^>]*\bsrc=)[^>]*>|<style\b|\sstyle\s*=|\son[a-z]+\s*=\s*["']|javascript:""")


@pytest.mark.parametrize("role", reference.ROLES)
def test_every_route_has_an_access_rule(role: str) -> None:
    routes = reference.routes_of(role)
    assert len(routes) > 15
    assert not [one for one in routes if one["who"] not in RULES]


@pytest.mark.parametrize("role", reference.ROLES)
def test_only_the_named_views_are_open_to_everybody(role: str) -> None:
    found = {one["view"].rpartition(".")[2] for one in reference.routes_of(role) if one["who"] == "public"}
    assert found <= OPEN[role]


@pytest.mark.parametrize("role", reference.ROLES)
def test_every_address_below_exchange_is_for_the_own_gateway_alone(role: str) -> None:
    for one in reference.routes_of(role):
        assert one["route"].startswith("exchange/") == (one["who"] == "gateway"), one


def test_an_officers_desk_is_at_nodes_and_a_persons_dossiers_are_at_the_portal() -> None:
    at = {role: {one["who"].split()[0] for one in reference.routes_of(role)} for role in reference.ROLES}
    assert "officer" not in at["portal"]
    assert "person" not in at["node"]


@pytest.mark.parametrize("page", list(reference.pages()))
def test_the_reference_says_what_the_code_says(page: str) -> None:
    written = (reference.REFERENCE / page).read_text()
    assert written == reference.pages()[page](), "run: python -m tests.reference"


def test_every_setting_is_documented_and_nothing_else() -> None:
    told = set(re.findall(r"`(ONEDOOR_[A-Z_]+)`", (reference.REFERENCE / "settings.md").read_text()))
    own = {f"ONEDOOR_{field.name.upper()}" for field in fields(Settings)}
    assert own <= told
    texts = [path.read_text() for folder in (SOURCE, ROOT / "tests", ROOT / "bench") for path in folder.rglob("*.py")]
    used = set(re.findall(r"[\"'`](ONEDOOR_[A-Z]+(?:_[A-Z]+)*)[\"'`]", "\n".join(texts)))
    assert used <= told, used - told
    assert {name.removesuffix("_FILE") for name in told} <= own | used


def test_every_variable_that_the_engine_reads_is_known_to_its_check_at_start() -> None:
    texts = [path.read_text() for path in SOURCE.rglob("*.py") if "tests" not in path.parts]
    read = set(re.findall(r"[\"'](ONEDOOR_[A-Z]+(?:_[A-Z]+)*)[\"']", "\n".join(texts)))
    assert len(read) > 10
    assert not {one for one in read if not one.startswith(OF_TESTS)} - set(known())


def test_every_sentence_of_an_error_says_something_to_people() -> None:
    from onedoor.kernel.errors import OnedoorError

    reference.load()
    for error in reference.heirs(OnedoorError):
        key = error.key()  # type: ignore[attr-defined]
        assert key, error
        assert key[0].isupper() or key[0] in "{“", error
        assert key.endswith((".", "?", "”", "}")), f"{error}: {key}"


def test_nothing_stands_inline_in_a_page() -> None:
    templates = [*SOURCE.rglob("templates/**/*.html"), *SOURCE.rglob("static/**/*.js")]
    assert len(templates) > 20
    found = [f"{path}: {hit}" for path in templates for hit in INLINE.findall(path.read_text())]
    assert not found


def test_the_content_policy_allows_nothing_inline_and_no_other_site() -> None:
    from onedoor.site.middleware import CONTENT_POLICY

    assert "default-src 'none'" in CONTENT_POLICY
    assert not re.search(r"unsafe|\*|https?:|nonce", CONTENT_POLICY)
    assert not [
        path for path in SOURCE.rglob("*.py") if "unsafe-inline'" in path.read_text() and "tests" not in str(path)
    ]
