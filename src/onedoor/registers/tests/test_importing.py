import gzip
import json
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils.translation import gettext, override

from onedoor.registers import importing, loading, service
from onedoor.registers.importing import Report
from onedoor.registers.models import Record
from onedoor.registers.tests.test_service import FATHER, MIDWIFE, MOTHER, NOTICE, POLICE, person
from onedoor.store import rows
from onedoor.store.models import StatedEvent

pytestmark = pytest.mark.django_db
GOOD = [person(MOTHER, "Trần Thu Hà", "1996-05-14", "F"), person(FATHER, "Lê Minh Quân", "1994-09-02", "M")]


def lines(*rows: Any) -> list[str]:
    return [row if isinstance(row, str) else json.dumps(row) for row in rows]


def without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def test_a_good_file_comes_in_whole_and_is_found() -> None:
    told: list[int] = []
    report = service.bring_in("population", lines(*GOOD, ""), progress=told.append)
    assert (report.read, report.good, report.loaded, report.faults) == (2, 2, 2, [])
    assert told == [3]
    assert service.lookup("population", {"number": MOTHER}, reader=POLICE).records[0]["phone"] == "0000123456"
    assert not StatedEvent.objects.filter(name="registers.RecordWritten").exists()


def test_a_dry_run_reports_and_loads_nothing() -> None:
    report = service.bring_in("population", lines(*GOOD), dry_run=True)
    assert (report.good, report.loaded) == (2, 0)
    assert not Record.objects.exists()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{", "line 2: this is not JSON at sign 2; write one JSON object a line"),
        ("[" * 100_000, "line 2: this is not JSON; write one JSON object a line"),
        (
            '{"full_name": "\\ud800"}',
            "line 2: it holds what is no sign of UTF-8, or the sign \\u0000; save it as UTF-8",
        ),
        (
            '{"full_name": "\\u0000"}',
            "line 2: it holds what is no sign of UTF-8, or the sign \\u0000; save it as UTF-8",
        ),
        ([], "line 2: this is not a JSON object; write {“field”: value, …}"),
        (without(GOOD[1], "sex"), "line 2, sex: is missing; write its value"),
        ({**GOOD[1], "fullname": "SECRET"}, "line 2, fullname: there is no such field; write “full_name”"),
        ({**GOOD[1], "sex": "SECRET"}, "line 2, sex: is not of the right form (enum); write one of: M, F"),
        ({**GOOD[1], "born": "SECRET"}, "line 2, born: is not of the right form (format); write a day such as"),
        ({**GOOD[1], "phone": "SECRET"}, "line 2, phone: is not of the right form (pattern); write it in the form"),
        ({**GOOD[1], "full_name": 7}, "line 2, full_name: is not of the right form (type); write a text"),
        ({**GOOD[1], "full_name": "x"}, "line 2, full_name: is not of the right form (minLength); write 2 signs or"),
        ({**GOOD[1], "residence": {"unit": "00199"}}, "line 2, residence.address: is missing; write its value"),
        ({**GOOD[1], "sex": "F"}, "line 2, number: the number does not follow the scheme"),
        ({**GOOD[1], "born": "1894-09-02"}, "line 2, number: the number does not follow the scheme"),
        ({**GOOD[1], "born": "0000-09-02"}, "line 2, number: the number does not follow the scheme"),
        (GOOD[0], "line 2, number: this record stands in line 1 already; keep one of the two"),
    ],
)
def test_one_bad_row_keeps_all_out_and_says_line_field_fault_and_remedy(row: object, said: str) -> None:
    report = service.bring_in("population", lines(GOOD[0], row))
    assert (report.read, report.bad, report.loaded) == (2, 1, 0)
    (fault,) = report.faults
    assert str(fault).startswith(said)
    assert "SECRET" not in str(fault)
    assert not Record.objects.exists()


def test_a_byte_that_is_not_utf_8_is_the_fault_of_its_line(tmp_path: Path) -> None:
    (file := tmp_path / "people.jsonl").write_bytes(json.dumps(GOOD[0]).encode() + b'\n{"full_name": "Tr\xe2n"}\n')
    report = service.bring_in("population", importing.lines_of(file), good_rows=True)
    assert (report.read, report.bad, report.loaded) == (2, 1, 1)
    assert str(report.faults[0]).startswith("line 2: it holds what is no sign of UTF-8")


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("vi", "dòng 2, sex: còn thiếu; hãy viết giá trị của trường này"),
        ("fr", "ligne 2, sex\u202f: manque\u202f; écrivez sa valeur"),
    ],
)
def test_a_fault_of_a_row_is_told_in_the_readers_language(language: str, told: str) -> None:
    report = service.bring_in("population", lines(GOOD[0], without(GOOD[1], "sex")), dry_run=True)
    with override(language):
        assert report.faults[0].text(gettext) == told


def test_the_good_rows_of_a_bad_file_come_in_when_asked() -> None:
    report = service.bring_in("population", lines("{", *GOOD, {}), good_rows=True)
    assert (report.read, report.good, report.bad, report.loaded) == (4, 2, 2, 2)
    assert {fault.line for fault in report.faults} == {1, 4}
    assert service.count("population") == 2


def test_what_the_register_holds_is_not_loaded_twice() -> None:
    service.load("population", GOOD[:1])
    report = service.bring_in("population", lines(*GOOD), good_rows=True)
    assert (report.loaded, service.count("population")) == (1, 2)
    assert report.faults[0].wrong == "the register holds this record already"


PEOPLE = [person(f"0011962048{number}", "Trần Thu Hà", "1996-05-14", "F") for number in range(10, 18)]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a batch have one line, and a part two."""
    monkeypatch.setattr(loading, "BATCH", 1)
    monkeypatch.setattr(importing, "PART", 2)


def cut_off(rows: list[str]) -> Iterator[str]:
    yield from rows
    raise KeyboardInterrupt


@pytest.mark.usefixtures("small")
def test_an_interrupted_load_in_parts_keeps_its_parts_and_goes_on() -> None:
    with pytest.raises(KeyboardInterrupt):
        service.bring_in("population", cut_off(lines(*PEOPLE[:5])), in_parts=True)
    assert service.count("population") == 4
    report = service.bring_in("population", lines(*PEOPLE), in_parts=True)
    assert (report.read, report.held, report.good, report.bad, report.loaded) == (8, 4, 4, 0, 4)
    assert service.count("population") == 8
    again = service.bring_in("population", lines(*[""] * 4, *PEOPLE), in_parts=True)
    assert (again.held, again.loaded, again.bad) == (8, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_a_file_that_is_loaded_twice_at_the_same_time_is_loaded_once() -> None:
    begun, go = threading.Event(), threading.Event()

    def slowly() -> Iterator[str]:
        begun.set()
        assert go.wait(20)
        yield from lines(*GOOD)

    def load(file: Iterable[str]) -> Report:
        try:
            return service.bring_in("population", file, in_parts=True)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(load, slowly())
        assert begun.wait(20)
        second = threads.submit(load, lines(*GOOD))
        while not (second.done() or rows.fetch("SELECT 1 FROM pg_locks WHERE NOT granted", [])):
            wait([second], 0.02)
        go.set()
        assert (first.result().loaded, second.result().loaded, second.result().held) == (2, 0, 2)


@pytest.mark.usefixtures("small")
def test_an_interrupted_load_leaves_nothing_behind_by_itself() -> None:
    with pytest.raises(KeyboardInterrupt):
        service.bring_in("population", cut_off(lines(*PEOPLE[:5])))
    assert service.count("population") == 0


@pytest.mark.usefixtures("small")
def test_a_load_in_parts_ends_at_the_first_bad_part_and_goes_on_once_it_is_mended() -> None:
    bad = [*PEOPLE[:3], without(PEOPLE[3], "sex"), *PEOPLE[4:]]
    report = service.bring_in("population", lines(*bad), in_parts=True)
    assert (report.read, report.bad, report.loaded) == (4, 1, 2)
    assert [str(one) for one in report.faults] == ["line 4, sex: is missing; write its value"]
    dry = service.bring_in("population", lines(*bad), in_parts=True, dry_run=True)
    assert (dry.read, dry.held, dry.good, dry.bad, dry.loaded) == (8, 2, 5, 1, 0)
    assert service.bring_in("population", lines(*bad), in_parts=True, good_rows=True).loaded == 5
    assert service.bring_in("population", lines(*PEOPLE), in_parts=True).loaded == 1


def test_faults_of_all_batches_are_named_up_to_a_limit_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onedoor.registers.loading.BATCH", 2)
    monkeypatch.setattr(importing, "MOST", 3)
    told: list[int] = []
    report = service.bring_in("population", lines(*GOOD, "[", "[", "[", "[", "["), progress=told.append)
    assert (len(report.faults), report.more, report.bad) == (3, 2, 5)
    assert told == [2, 4, 6, 7]
    assert not Record.objects.exists()


def test_an_import_continues_the_numbers() -> None:
    service.bring_in("birth-notices", lines({**NOTICE, "notice": "01901.GCS.00041.26"}))
    assert service.write("birth-notices", NOTICE, reader=MIDWIFE, key="n")["notice"] == "01901.GCS.00042.26"


def test_files_are_read_plain_or_gzipped(tmp_path: Path) -> None:
    text = "\n".join(lines(*GOOD))
    plain, packed = tmp_path / "people.jsonl", tmp_path / "people.jsonl.gz"
    plain.write_text(text, "utf-8")
    packed.write_bytes(gzip.compress(text.encode()))
    assert list(importing.lines_of(plain)) == list(importing.lines_of(packed))
