"""A register in versions: the residence database, whose second version says the address in parts."""

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from onedoor.exchange.service import VIA_GATEWAY
from onedoor.kernel import nation
from onedoor.kernel.nation import present, versions
from onedoor.kernel.nation.nation import BadNation
from onedoor.privacy.service import NotPermitted
from onedoor.registers import definition, service
from onedoor.registers.models import PublishedSchema, Record
from onedoor.registers.tests.test_service import HOME, POLICE, PORTAL

VIETNAM = Path(__file__).parents[4] / "nations" / "vietnam"
HOUSE = {"household": HOME["household"]}
TEXT = {"type": "string", "maxLength": 200}
DOORS = ("street", "floor", "door")
STREET = {"name": dict.fromkeys(("vi", "en", "fr"), "Street"), "personal": True, "required": True, "schema": TEXT}
FLOOR = {"name": dict.fromkeys(("vi", "en", "fr"), "Floor"), "personal": True, "default": "0", "schema": TEXT}
FIRST = {"version": 1, "state": "published", "valid_from": "2020-01-01"}
SECOND = {"version": 2, "state": "published", "valid_from": "2026-01-01",
          "fields": {"address": None, "street": STREET, "floor": FLOOR}}  # fmt: skip
THIRD = {"version": 3, "state": "draft", "valid_from": "2027-01-01", "fields": {"door": FLOOR}}
KEPT = {**SECOND, "fields": {"street": STREET, "floor": FLOOR}}
EVERY = {"version": 9, "state": "draft", "valid_from": "2028-01-01", "fields": dict.fromkeys(DOORS, FLOOR)}
ARCHIVED = {**FIRST, "state": "archived"}
MOVED = {**HOUSE, "street": "Láng Hạ"}
GATEWAY = {
    "HTTP_X_ROAD_CLIENT": POLICE.client,
    "HTTP_X_ROAD_USERID": POLICE.user,
    "HTTP_X_ROAD_ISSUE": POLICE.case,
    "HTTP_ONEDOOR_PURPOSE": POLICE.purpose,
    "HTTP_ONEDOOR_BASIS": POLICE.basis,
    VIA_GATEWAY: True,
}
Publish = Callable[..., Path]
pytestmark = pytest.mark.django_db


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return a copy of the nation whose police may use the fields of every version."""
    copied = shutil.copytree(VIETNAM, tmp_path / "vietnam", ignore=shutil.ignore_patterns("fonts"))
    right = copied / "rights" / "permanent-residence.yaml"
    right.write_text(right.read_text().replace("unit, address,", "unit, address, street, floor, door,"))
    register = copied / "registers" / "residence.yaml"
    register.write_text(register.read_text() + f"\nversions: {json.dumps([FIRST, SECOND, THIRD])}\n")
    return copied


@pytest.fixture
def publish(files: Path) -> Iterator[Publish]:
    """Give what makes a nation present in which the register has the given versions."""
    begun = present._held.set(None)

    def make(*given: Mapping[str, Any]) -> Path:
        register = files / "registers" / "residence.yaml"
        text = register.read_text()
        register.write_text(text[: text.index("versions:")] + f"versions: {json.dumps(given)}\n")
        present._held.set(nation.load(files))
        return register

    yield make
    present._held.reset(begun)


def asked(version: int | None = None, **question: Any) -> dict[str, Any]:
    (record,) = service.lookup("residence", HOUSE, reader=POLICE, version=version, **question).records
    return record


def post(path: str, body: object, key: str = "key") -> Any:
    return Client().post(f"/exchange/residence/{path}", json.dumps(body), "application/json",
                         HTTP_IDEMPOTENCY_KEY=key, **GATEWAY)  # fmt: skip


def test_a_file_without_versions_is_version_1_and_published() -> None:
    register = definition.register_of("births")
    assert (register.version, register.state) == (1, "published")
    assert definition.register_of("births", 1) is register
    with pytest.raises(service.UnknownVersion, match=r"has no version 2\. Please use version 1"):
        definition.register_of("births", 2)


def test_a_record_is_answered_in_the_fields_of_the_version_that_is_asked(publish: Publish) -> None:
    publish(FIRST)
    service.load("residence", [HOME])
    publish(ARCHIVED, SECOND, THIRD)
    assert asked(1) == HOME
    assert asked() == asked(2) == {**{k: v for k, v in HOME.items() if k != "address"}, "street": None, "floor": "0"}
    service.write("residence", MOVED, reader=POLICE, key="k2")
    assert (asked()["street"], asked()["floor"]) == ("Láng Hạ", "0")
    assert asked(1) == {**HOME, "address": None}
    assert [row.schema for row in Record.objects.order_by("version")] == [1, 2]
    assert [one.schema for one in service.provenance("residence", HOUSE, reader=POLICE)] == [1, 2]


def test_what_was_written_under_an_earlier_version_stays_as_it_is_stored(publish: Publish) -> None:
    publish(FIRST)
    service.load("residence", [HOME])
    before = Record.objects.get()
    publish(ARCHIVED, SECOND)
    service.write("residence", MOVED, reader=POLICE, key="k2")
    after = Record.objects.get(version=1)
    assert (before.plain, before.sealed) == (after.plain, after.sealed)
    with pytest.raises(IntegrityError, match="never overwritten"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE registers_record SET schema = 2 WHERE version = 1")


def test_a_correction_of_a_day_before_the_version_is_a_write_under_it(publish: Publish) -> None:
    publish(FIRST)
    service.load("residence", [HOME])
    publish(ARCHIVED, SECOND)
    service.write("residence", MOVED | {"floor": "3"}, reader=POLICE, key="k2")
    service.write("residence", {**HOUSE, "street": "Chùa Láng"}, reader=POLICE, key="k3")
    assert (asked()["street"], asked()["floor"]) == ("Chùa Láng", "3")


@pytest.mark.parametrize("first", [FIRST, ARCHIVED], ids=["superseded", "archived"])
def test_a_closed_version_reads_and_refuses_writes_naming_the_one_to_use(publish: Publish, first: Any) -> None:
    publish(first, {**SECOND, "fields": {"floor": FLOOR}})
    service.load("residence", [HOME])
    assert asked(1) == HOME
    with pytest.raises(service.ClosedVersion, match=r"Version 1 .* takes no writes today\. Please write in version 2"):
        service.write("residence", HOME, reader=POLICE, key="k", version=1)
    assert Record.objects.get().schema == 2
    refusal = service.ClosedVersion(register="residence", version=1, current=2)
    assert refusal.key() in (VIETNAM.parents[1] / "src/onedoor/registers/locale/vi/LC_MESSAGES/django.po").read_text()


def test_a_version_takes_writes_from_its_day_on(publish: Publish) -> None:
    publish(FIRST, {**SECOND, "valid_from": "2999-01-01"})
    service.load("residence", [HOME])
    assert service.write("residence", {**HOUSE, "address": "Số 1"}, reader=POLICE, key="k")["address"] == "Số 1"
    with pytest.raises(service.ClosedVersion, match="write in version 1"):
        service.write("residence", MOVED, reader=POLICE, key="k2", version=2)


def test_a_draft_can_be_tried_but_not_used(publish: Publish) -> None:
    publish(FIRST, THIRD)
    with pytest.raises(service.DraftVersion, match=r"Version 3 .* is a draft"):
        service.lookup("residence", HOUSE, reader=POLICE, version=3)
    with pytest.raises(service.DraftVersion, match="Please use version 1"):
        service.write("residence", HOME, reader=POLICE, key="k", version=3)
    assert service.try_out("residence", HOME | {"door": "3"}, reader=POLICE, version=3) == []
    assert service.try_out("residence", HOME | {"door": 3}, reader=POLICE, version=3) == [
        "door is not of the right form (type)"
    ]
    assert service.try_out("residence", HOME | {"door": "3"}, reader=POLICE, version=1) == [
        "residence has no field door"
    ]
    with pytest.raises(NotPermitted):
        service.try_out("residence", HOME | {"door": "3"}, reader=PORTAL, version=3)
    assert not Record.objects.exists()


def test_an_owners_file_is_tried_against_a_draft(publish: Publish) -> None:
    publish(FIRST, THIRD)
    lines = [json.dumps(HOME | {"door": "3"}), json.dumps(HOME | {"household": "H0000000002", "door": 3})]
    report = service.bring_in("residence", lines, dry_run=True, version=3)
    assert [str(fault) for fault in report.faults] == ["line 2, door: is not of the right form (type); write a text"]
    assert service.bring_in("residence", lines, dry_run=True).bad == 2
    with pytest.raises(service.DraftVersion):
        service.bring_in("residence", lines, version=3)
    assert not Record.objects.exists()


def test_the_version_stands_in_the_address(publish: Publish) -> None:
    publish(FIRST)
    service.load("residence", [HOME])
    publish(ARCHIVED, SECOND, THIRD)
    assert post("v1/lookup", {"by": HOUSE}).json()["records"] == [HOME]
    assert "address" not in post("lookup", {"by": HOUSE}).json()["records"][0]
    assert post("v1/lookup", {"by": HOUSE, "fields": ["street"]}).status_code == 400
    assert post("v2/lookup", {"by": HOUSE, "fields": ["street"]}).status_code == 200
    for path, status in (("v3/lookup", 409), ("v4/lookup", 404), ("v10000000000/lookup", 404)):
        assert post(path, {"by": HOUSE}).status_code == status
    refused = post("v1/records", {**HOUSE, "address": "Số 1"})
    assert refused.status_code == 409
    assert "phiên bản 2" in refused.json()["title"]
    assert post("v3/records", HOME).status_code == 409
    written = post("v2/records", MOVED)
    assert written.status_code == 201
    assert written.json() == post("records", MOVED).json(), "the same key is the same write at both addresses"
    assert post("v3/try", {"door": 1}).json()["faults"]


def test_each_version_describes_what_its_state_lets_be_done(publish: Publish) -> None:
    publish(ARCHIVED, SECOND, THIRD)
    found = {n: Client().get(f"/exchange/residence/v{n}/openapi.json", **GATEWAY).json() for n in (1, 2, 3)}
    assert {n: sorted(one["paths"]) for n, one in found.items()} == {
        1: ["/lookup", "/try"],
        2: ["/lookup", "/records", "/try"],
        3: ["/try"],
    }
    assert [one["info"]["version"] for one in found.values()] == ["1", "2", "3"]
    assert found[1]["paths"]["/lookup"]["post"]["deprecated"] is True
    assert "address" in found[1]["components"]["schemas"]["Record"]["properties"]
    assert "street" in found[2]["components"]["schemas"]["Record"]["properties"]


def test_only_who_leans_on_a_field_that_is_gone_is_at_fault(publish: Publish, files: Path) -> None:
    publish(ARCHIVED, SECOND, THIRD)
    found = nation.check(files)
    assert {Path(fault.file).name for fault in found} == {"birth-linked.yaml"}
    assert all("has no field “address”" in fault.wrong for fault in found)
    publish(FIRST, KEPT, THIRD)
    assert nation.check(files) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([{**FIRST, "state": "final"}], "“final” is not known here; use one of: draft, published, archived"),
        ([THIRD], "no version is published; write state: published"),
        ([FIRST, {**SECOND, "version": 1}], "version 1 stands behind version 1"),
        ([FIRST, {**THIRD, "state": "published", "valid_from": "2020-01-01"}],
         "versions 1 and 3 would take writes together; write a day after 2020-01-01"),
        ([FIRST, SECOND], "“address” must be there in version 1, is gone here, and both are published; archive versi"),
        ([FIRST, {**THIRD, "fields": {"household": None}}], "there is no field “household”"),
        ([FIRST, {**THIRD, "fields": {"door": {**FLOOR, "default": 1}}}], "the default does not fit the schema"),
        ([FIRST, {**THIRD, "fields": {"door": {"schema": {}}}}], "“name” is missing here"),
        ([{**FIRST, "until": "2026-01-01"}], "the key “until” is not known here"),
        ([{**FIRST, "version": "1"}], "this is a text, not a whole number"),
    ],
)  # fmt: skip
def test_each_fault_of_versions_is_named(publish: Publish, given: list[Any], said: str) -> None:
    register = publish(*given)
    found = [str(fault) for fault in nation.check(register.parents[1])]
    assert any(said in fault for fault in found), found


def test_a_running_nation_takes_new_versions_and_no_change_of_an_old_one(
    publish: Publish, files: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "versions"
    for given in ([FIRST], [FIRST, {**KEPT, "state": "draft"}], [FIRST, KEPT], [ARCHIVED, KEPT]):
        publish(*given, EVERY)
        versions.bring_in(folder, files, "Ada", running=True)
    for given, said in (
        ([ARCHIVED, {**KEPT, "fields": {"street": STREET, "floor": {**FLOOR, "default": "1"}}}], "fields.floor.v2"),
        ([ARCHIVED, {**KEPT, "fields": {"street": STREET, "floor": FLOOR, "door": FLOOR}}], "fields.v2"),
        ([ARCHIVED, {**KEPT, "version": 3}], "fields.v2"),
        ([FIRST, {**KEPT, "state": "draft"}], "fields.v2"),
    ):
        publish(*given, EVERY)
        with pytest.raises(BadNation, match=f"“{re.escape(said)}” cannot change while the nation runs"):
            versions.bring_in(folder, files, "Bob", running=True)


def test_a_published_version_that_was_changed_while_the_nation_was_stopped_is_refused(publish: Publish) -> None:
    publish(FIRST, THIRD)
    service.keep_schemas()
    service.load("residence", [HOME])
    longer = {**FLOOR, "schema": {"type": "string", "maxLength": 9}}
    changed = {**FIRST, "fields": {"address": longer, "floor": FLOOR}}
    lines = publish(changed).read_text().splitlines()
    with pytest.raises(BadNation) as refused:
        service.keep_schemas()
    assert {(Path(fault.file).name, fault.line) for fault in refused.value.faults} == {("residence.yaml", len(lines))}
    assert "field “address” is not as it was in version 1" in str(refused.value)
    assert "publish the change as a new version" in str(refused.value)
    publish({**FIRST, "state": "draft"}, {**SECOND, "valid_from": "2020-01-01"})
    with pytest.raises(BadNation, match="version 1 of this register, under which records lie, is gone or a draft"):
        service.keep_schemas()


def test_a_version_without_records_may_change_and_so_may_drafts_words_and_states(publish: Publish) -> None:
    publish(FIRST, SECOND, {**THIRD, "state": "published"})
    service.keep_schemas()
    publish({**ARCHIVED, "fields": {"address": {"name": STREET["name"]}}}, SECOND, THIRD)
    service.keep_schemas()
    assert set(PublishedSchema.objects.values_list("version", flat=True)) == {1, 2, 3}
