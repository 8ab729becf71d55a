from datetime import date
from typing import Any

from onedoor.kernel.nation.layers import current, overlay, united, whole

FILE: dict[str, Any] = {
    "name": "roads",
    "fields": {"a": {"max": 1}, "b": {"max": 2}},
    "versions": [
        {"version": 1, "state": "archived", "valid_from": "2020-01-01"},
        {"version": 2, "state": "published", "valid_from": "2026-01-01", "fields": {"b": None}},
        {"version": 3, "state": "published", "valid_from": "2026-07-01", "fields": {"a": {"max": 9}, "c": {}}},
        {"version": 4, "state": "draft", "valid_from": "2026-02-01", "fields": {"d": {}}},
    ],
}


def test_an_overlay_merges_maps_and_replaces_the_rest() -> None:
    base = {"a": {"b": 1, "c": [1, 2]}, "d": 4}
    assert overlay(base, {"a": {"c": [3], "e": 5}, "d": None}) == {"a": {"b": 1, "c": [3], "e": 5}}
    assert base == {"a": {"b": 1, "c": [1, 2]}, "d": 4}


def test_each_version_stands_on_the_common_part_alone() -> None:
    assert [list(one["fields"]) for one in whole(FILE)] == [["a", "b"], ["a"], ["a", "b", "c"], ["a", "b", "d"]]
    assert whole(FILE)[2]["fields"]["a"] == {"max": 9}
    assert whole({"fields": {"a": {}}}) == [{"fields": {"a": {}}}]


def test_the_published_version_that_began_last_is_current() -> None:
    on = {day: current(FILE, date.fromisoformat(day))["version"] for day in ("2019-01-01", "2026-06-30", "2026-07-01")}
    assert on == {"2019-01-01": 2, "2026-06-30": 2, "2026-07-01": 3}


def test_what_any_version_has_is_told_as_the_last_one_has_it() -> None:
    assert united(FILE, "fields") == {"a": {"max": 1}, "b": {"max": 2}, "c": {}, "d": {}}
    assert united({}, "fields") == {}
