import json
from dataclasses import replace
from pathlib import Path

import pytest

from onedoor.exchange.directory.rights import permissions
from onedoor.exchange.permissions import Permission, Permissions

TESTLAND = Path(__file__).parents[4] / "nations" / "testland"
PORTAL, TOWN = "TL/GOV/DOOR/PORTAL", "TL/GOV/ROADS/BICYCLES"
ID = "01a21316-73ed-71ed-a4d6-dd93dc09befa"
READS = [
    (f"{TOWN}/bicycles", "POST", "/lookup"),
    (f"{TOWN}/bicycles", "POST", "/v1/lookup"),
    (f"{TOWN}/bicycles", "GET", "/v2/openapi.json"),
    (f"{TOWN}/data", "GET", "/bicycles/1"),
    (f"{TOWN}/data", "POST", "/bicycles/1/read"),
    (f"{TOWN}/data", "POST", "/bicycles/1/exists"),
    (f"{TOWN}/data", "GET", f"/bicycles/1/{ID}/readValue/colour.json"),
    (f"{TOWN}/data", "GET", f"/bicycles/1/{ID}/read-value/colour.json"),
]
WRITES = [
    (f"{TOWN}/bicycles", "POST", "/records"),
    (f"{TOWN}/bicycles", "POST", "/v1/records"),
    (f"{TOWN}/bicycles", "POST", "/v2/try"),
    (f"{TOWN}/data", "POST", "/bicycles/1/create"),
    (f"{TOWN}/data", "PUT", "/bicycles/1/update"),
    (f"{TOWN}/data", "PUT", "/bicycles/1/updateEntries"),
    (f"{TOWN}/data", "PUT", "/bicycles/1/update-entries"),
    (f"{TOWN}/data", "POST", "/bicycles/1/updateOrCreate"),
    (f"{TOWN}/data", "POST", "/bicycles/1/update-or-create"),
    (f"{TOWN}/data", "DELETE", f"/bicycles/1/{ID}/delete"),
]
USAGE = [(f"{TOWN}/data", "GET", f"/{word}") for word in ("myPersonalDataUsage", "my-personal-data-usage")]


@pytest.fixture(scope="module")
def rights() -> Permissions:
    return Permissions(permissions(TESTLAND))


@pytest.mark.parametrize(("service", "method", "path"), READS)
def test_who_may_read_a_register_may_by_every_version_and_interface(
    rights: Permissions, service: str, method: str, path: str
) -> None:
    assert rights.covers(PORTAL, service, method, path, "bicycle-marking")
    assert not rights.covers(PORTAL, service, method, path, "hand-over")
    assert not rights.covers(PORTAL, service, method, path.replace("bicycles", "cars") + "/more", "bicycle-marking")


@pytest.mark.parametrize(("service", "method", "path"), WRITES)
def test_who_may_only_read_writes_by_none(rights: Permissions, service: str, method: str, path: str) -> None:
    assert rights.covers(TOWN, service, method, path, "bicycle-marking")
    assert not rights.covers(PORTAL, service, method, path, "bicycle-marking")


@pytest.mark.parametrize(("service", "method", "path"), USAGE)
def test_who_may_ask_who_has_read_may_ask_nothing_else_for_that(
    rights: Permissions, service: str, method: str, path: str
) -> None:
    assert rights.covers(PORTAL, service, method, path, "own-case")
    assert not rights.covers(PORTAL, service, "POST", "/bicycles/1/read", "own-case")
    assert not rights.covers(PORTAL, service, method, path, "bicycle-marking")


@pytest.mark.parametrize(
    ("operation", "opened"),
    [
        ("configure", {"POST /config/policy/", "GET /config/policies/"}),
        ("read", {"GET /service/policy/1/"}),
        ("write", {"POST /service/individual/", "PUT /service/individual/1/", "DELETE /service/individual/record/"}),
        ("audit", {"GET /audit/consent-records/"}),
        ("decide", set()),
    ],
)
def test_a_right_to_one_part_of_the_consent_api_is_none_to_another(
    tmp_path: Path, operation: str, opened: set[str]
) -> None:
    (tmp_path / "rights").mkdir()
    grant = f"{{reader: {TOWN}, service: consent, provider: {PORTAL}, operations: [{operation}]}}"
    (tmp_path / "rights" / "consents.yaml").write_text(f"purpose: consents\ngrants:\n  - {grant}\n")
    found = Permissions(permissions(tmp_path))
    asked = {
        "POST /config/policy/", "GET /config/policies/", "GET /service/policy/1/", "POST /service/individual/",
        "PUT /service/individual/1/", "DELETE /service/individual/record/", "GET /audit/consent-records/",
        "POST /audit/consent-records/", "GET /openapi.json",
    }  # fmt: skip
    reached = {one for one in asked if found.covers(TOWN, f"{PORTAL}/consent", *one.split(" "), "consents")}
    assert reached == opened


def test_each_right_names_the_laws_it_stands_on(tmp_path: Path) -> None:
    (tmp_path / "rights").mkdir()
    (tmp_path / "rights" / "one.yaml").write_text(
        f"""purpose: one
basis: {{law-1: {{}}, law-2: {{}}}}
grants:
  - {{reader: {PORTAL}, service: reads, provider: {TOWN}, operations: [read]}}
  - {{reader: {PORTAL}, service: cases, provider: {TOWN}, operations: [read], basis: [law-2]}}
"""
    )
    found = Permissions(Permission.read(json.loads(json.dumps(one.right()))) for one in permissions(tmp_path))
    call = ("GET", "/x", "one")
    assert found.bases(PORTAL, f"{TOWN}/reads", *call) == {"law-1", "law-2"}
    assert found.bases(PORTAL, f"{TOWN}/cases", *call) == {"law-2"}
    assert not found.bases(PORTAL, f"{TOWN}/others", *call)
    plain = Permission(PORTAL, f"{TOWN}/cases", ("*",), ("* /**",))
    assert plain.right() == plain.data(), "of what names no law none is told"
    assert not Permissions([*found, plain]).bases(PORTAL, f"{TOWN}/cases", *call)
    assert replace(plain, bases=("law-1",)) == plain, "grants of before upgrading are the same"
