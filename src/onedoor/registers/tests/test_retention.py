"""Records leave the reach of look-ups, and end, when the rule of their register says so; each once, and on record."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from onedoor.kernel import clock
from onedoor.registers import archiving, corrections, definition, retention, service, storage, writing
from onedoor.registers.corrections import Request
from onedoor.registers.definition import Register
from onedoor.registers.errors import InArchive, NothingToCorrect
from onedoor.registers.models import Archived, Correction, Record, Term
from onedoor.registers.retention import ARCHIVE, DESTROY, KEEP, Retention, Span, day_in, end_of
from onedoor.registers.tasks import retain as nightly
from onedoor.registers.tests.test_corrections import ASKER, OFFICER
from onedoor.registers.tests.test_history import aside
from onedoor.registers.tests.test_service import COMMUNE, MIDWIFE, MOTHER, POLICE, PORTAL, person
from onedoor.store import details
from onedoor.store.models import LedgerEntry, StatedEvent

pytestmark = pytest.mark.django_db
lasting = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)
TODAY = date(2026, 11, 25)
OLD, NEW, ANCIENT = "01901.GCS.00001.10", "01901.GCS.00002.26", "01901.GCS.00003.20"
days = st.dates(date(1000, 1, 1), date(9999, 12, 31))
spans = st.builds(Span, st.integers(1, 9999), st.sampled_from("dy"))


@pytest.fixture
def at_noon() -> Iterator[None]:
    with clock.freeze(NOW):
        yield


def notice(number: str, born: str) -> dict[str, Any]:
    return {
        "notice": number,
        "mother": MOTHER,
        "born": f"{born}T06:40",
        "sex": "F",
        "weight_g": 3150,
        "place": {"facility": "Lotus", "unit": "00199"},
        "facility": "facility-01901",
    }


@pytest.fixture
def notices(at_noon: None) -> None:
    with clock.freeze(NOW - timedelta(days=30)):
        rows = [notice(OLD, "2010-11-01"), notice(NEW, "2026-11-01"), notice(ANCIENT, "1920-01-01")]
        service.load("birth-notices", rows)


def found(reader: service.Reader = PORTAL, **when: Any) -> list[str]:
    answer = service.lookup("birth-notices", {"mother": MOTHER}, reader=reader, wanted=["notice"], **when)
    return sorted(str(record["notice"]) for record in answer.records)


def run(register: str = "birth-notices", **how: bool) -> tuple[int, int]:
    total = archiving.retain(definition.register_of(register), **how)
    return total.archived, total.destroyed


def ruled(monkeypatch: pytest.MonkeyPatch, register: str, **rule: Any) -> None:
    """Give *register* a rule of the tests' own."""
    in_force, own = definition.in_force, {"since": "recorded", "in_reach": "1y", "illustrative": True} | rule

    def with_rule(versions: Iterable[Register], day: date) -> Register:
        found = in_force(versions, day)
        return replace(found, retention=Retention.read(own)) if found.id == register else found

    monkeypatch.setattr(definition, "in_force", with_rule)


@given(days, spans)
def test_a_span_ends_after_it_began_and_never_runs_out_of_days(day: date, span: Span) -> None:
    assert day <= span.after(day) <= date.max
    assert Span.parse(str(span)) == span


def test_a_year_since_29_february_ends_on_1_march() -> None:
    assert Span.parse("1y").after(date(2024, 2, 29)) == date(2025, 3, 1)
    assert Span.parse("4y").after(date(2024, 2, 29)) == date(2028, 2, 29)


@given(days, spans, spans, days)
def test_what_is_due_is_kept_first_then_archived_then_destroyed(since: date, one: Span, two: Span, today: date) -> None:
    reach, end = sorted((one, two), key=lambda span: span.after(since))
    rule = Retention("recorded", "", reach, end, frozenset(), "")
    order = (KEEP, ARCHIVE, DESTROY)
    assert order.index(rule.due(since, today)) <= order.index(rule.due(since, date.max))
    assert (rule.due(since, today) == KEEP) == (today < reach.after(since))
    assert rule.due(None, today) == KEEP


@pytest.mark.parametrize("value", [None, "", "20", {"a": 1}, 5])
def test_a_value_that_names_no_day_ends_nothing(value: object) -> None:
    assert day_in(value) is None
    assert day_in("2026-11-01T06:40") == date(2026, 11, 1)


def test_a_record_whose_days_have_no_known_end_does_not_end() -> None:
    assert end_of([date(2026, 1, 1), date.max]) is None
    assert end_of([date(2026, 1, 1), date(2025, 1, 1)]) == date(2026, 1, 1)


@pytest.mark.usefixtures("notices")
def test_what_is_due_is_found_for_the_purposes_of_the_archive_alone() -> None:
    assert run(dry_run=True) == (2, 1)
    assert found() == [OLD, NEW, ANCIENT]
    assert run() == (2, 1)
    assert found() == [NEW]
    assert found(COMMUNE) == [OLD, NEW], "a late registration still finds the notice"
    assert found(MIDWIFE) == [NEW]
    assert service.lookup("birth-notices", {"notice": OLD}, reader=PORTAL).records == []
    (record,) = service.lookup("birth-notices", {"notice": OLD}, reader=COMMUNE).records
    assert record["born"] == "2010-11-01T06:40"


@pytest.mark.usefixtures("notices")
def test_it_is_stated_once_and_the_ledger_covers_what_stays_on_record() -> None:
    run()
    assert run() == run(dry_run=True) == (0, 0)
    stated = StatedEvent.objects.filter(name__in=["registers.RecordArchived", "registers.RecordDestroyed"])
    assert sorted(one.name for one in stated) == ["registers.RecordArchived"] * 2 + ["registers.RecordDestroyed"]
    assert all(one.data["rule"] == "born + 10y, destroyed + 100y; illustrative" for one in stated)
    assert not [one for one in stated if MOTHER in str(one.data) or "GCS" in str(one.data) or "2010" in str(one.data)]
    for row in Archived.objects.all():
        facts = {"identity": bytes(row.identity).hex(), "register": row.register, "record": str(row.record_id)}
        said = [("archived", row.entry, row.rule, row.archived)]
        if row.destroyed:
            said += [("destroyed", row.destroyed_entry, row.destroyed_rule, row.destroyed)]
        for what, entry, rule, moment in said:
            leaf = LedgerEntry.objects.get(id=entry)
            covered = sha256(archiving.content({**facts, "rule": rule, "at": moment.isoformat()})).digest()
            assert (leaf.kind, bytes(leaf.commitment)) == (f"registers.{what}", covered)
    assert Archived.objects.count() == 2
    assert list(details.findings()) == []


@pytest.mark.usefixtures("notices")
def test_what_was_known_of_kept_records_stays_the_same() -> None:
    known_on, in_force = NOW - timedelta(days=1), definition.in_force
    asked = frozenset({"birth-form", "birth-registration"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(definition, "in_force", lambda *versions: replace(in_force(*versions), history=asked))
        before = found(known_on=known_on), found(COMMUNE, known_on=known_on)
        run()
        assert found(known_on=known_on) == [NEW]
        assert found(COMMUNE, known_on=known_on) == [one for one in before[1] if one != ANCIENT]
        assert len(service.provenance("birth-notices", {"notice": OLD}, reader=COMMUNE)) == 1
        assert service.provenance("birth-notices", {"notice": OLD}, reader=PORTAL) == []


@pytest.mark.usefixtures("notices")
def test_of_a_destroyed_record_only_that_it_was_is_left() -> None:
    (row,) = Term.objects.filter(value=_blind(ANCIENT)).values_list("record", flat=True)
    run()
    record = Record.objects.get(id=row)
    assert (record.plain, record.sealed, bytes(record.request)) == ({}, [], b"")
    assert not Term.objects.filter(record=record).exists()
    assert found(COMMUNE) == [OLD, NEW]
    kept = Archived.objects.get(record=record)
    assert (kept.destroyed, kept.destroyed_rule) == (NOW, "born + 10y, destroyed + 100y; illustrative")
    with pytest.raises(InArchive):
        service.write("birth-notices", {"notice": ANCIENT, "used": True}, reader=COMMUNE, key="k")


def _blind(number: str) -> bytes:
    return storage._blind(definition.register_of("birth-notices"), "notice", number)


@lasting
@pytest.mark.usefixtures("notices")
def test_what_an_older_state_brings_back_is_destroyed_again_by_the_nightly_run(postgres: Any) -> None:
    name = connection.settings_dict["NAME"]
    with kept_as(f"{name}_older", postgres):
        nightly()
        assert found(COMMUNE) == [OLD, NEW]
        with restored(f"{name}_older"):
            assert found(COMMUNE) == found(PORTAL) == [OLD, NEW, ANCIENT]
            nightly()
            assert (found(COMMUNE), found(PORTAL)) == ([OLD, NEW], [NEW])
            assert Archived.objects.exclude(destroyed=None).count() == 1
            assert not Term.objects.filter(value=_blind(ANCIENT)).exists()
            nightly()
            assert LedgerEntry.objects.filter(kind="registers.destroyed").count() == 1


@contextmanager
def kept_as(older: str, postgres: Any) -> Iterator[None]:
    """Keep the test's database as it is now under another name, as a backup does, till the end."""
    mine = connection.settings_dict
    connection.close()
    with postgres.as_superuser() as superuser:
        superuser.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [mine["NAME"]])
        superuser.execute(f"CREATE DATABASE {older} OWNER {mine['USER']} TEMPLATE {mine['NAME']}")
        try:
            yield
        finally:
            superuser.execute(f"DROP DATABASE {older} WITH (FORCE)")


@contextmanager
def restored(older: str) -> Iterator[None]:
    """Go on with the database as it was kept."""
    latest = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = older
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = latest


@pytest.mark.usefixtures("notices")
def test_nothing_is_written_to_what_is_archived() -> None:
    run()
    with pytest.raises(InArchive):
        service.write("birth-notices", {"notice": OLD, "used": True}, reader=COMMUNE, key="k")
    service.write("birth-notices", {"notice": NEW, "used": True}, reader=COMMUNE, key="k2")


FORBIDDEN = (
    "UPDATE registers_record SET plain = '{}', sealed = '{}', request = ''",
    "UPDATE registers_record SET plain = '{\"a\": 1}' WHERE sealed = '{}'",
    "UPDATE registers_record SET sealed = '{}', client = 'x' WHERE sealed = '{}'",
    "DELETE FROM registers_term",
    "DELETE FROM registers_record WHERE sealed = '{}'",
    "DELETE FROM registers_archived",
    (
        "UPDATE registers_archived SET destroyed = NULL, destroyed_rule = '', destroyed_entry = NULL"
        " WHERE destroyed IS NOT NULL"
    ),
    "UPDATE registers_archived SET archived = now()",
    "UPDATE registers_archived SET destroyed = now()",
    "TRUNCATE registers_archived",
)


@pytest.mark.usefixtures("notices")
@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_database_permits_emptying_only_what_is_on_record_as_destroyed(statement: str) -> None:
    run()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL onedoor.emptying = ''")
        with pytest.raises(IntegrityError), transaction.atomic():
            cursor.execute(statement)
    assert found(COMMUNE) == [OLD, NEW]


@pytest.mark.usefixtures("at_noon")
def test_a_field_counts_as_the_last_days_of_the_record_say(monkeypatch: pytest.MonkeyPatch) -> None:
    ruled(monkeypatch, "population", since={"field": "born"}, in_reach="20y")
    with clock.freeze(NOW - timedelta(days=3)):
        service.load("population", [person(MOTHER, "Trần Thu Hà", "1996-05-14", "F")])
    with clock.freeze(NOW - timedelta(days=2)):
        past = {"valid_from": date(1996, 1, 1), "valid_until": date(1997, 1, 1)}
        right = {"number": MOTHER, "residence": {"unit": "00199", "address": "Số 1"}}
        service.write("population", right, reader=POLICE, key="", **past)
    assert run("population", dry_run=True) == (1, 0), "a version of other days only does not change what ends it"
    ruled(monkeypatch, "population", since="ended")
    assert run("population") == (0, 0), "its days have no end"
    ruled(monkeypatch, "population", since="recorded", in_reach="3d")
    assert run("population") == (0, 0), "counted from the last version"
    ruled(monkeypatch, "population", since="recorded", in_reach="2d")
    assert run("population") == (1, 0)


@pytest.mark.usefixtures("at_noon")
def test_days_that_end_are_counted_from(monkeypatch: pytest.MonkeyPatch) -> None:
    ruled(monkeypatch, "births", since="ended", in_reach="1y")
    record = {"number": "1/2020", "child": MOTHER, "full_name": "Lê An", "born": "2020-01-01", "sex": "F"}
    record |= {"registered_on": "2020-01-02", "registered_at": "commune-00199", "signer": "x", "place": "Lotus"}
    for number, end in (("1/2020", TODAY - timedelta(366)), ("2/2020", TODAY - timedelta(2))):
        given_ = {**record, "number": number}
        service.write("births", given_, reader=COMMUNE, key="", valid_until=end)
    assert run("births") == (1, 0)


@pytest.mark.usefixtures("at_noon")
@pytest.mark.parametrize("since", ["ended", {"field": "registered_on"}])
def test_a_record_that_was_ended_counts_from_then_and_from_what_it_said(
    monkeypatch: pytest.MonkeyPatch, since: Any
) -> None:
    ruled(monkeypatch, "births", since=since, in_reach="10d")
    record = {"number": "1/2026", "child": MOTHER, "full_name": "Lê An", "born": "2026-11-20", "sex": "F"}
    record |= {"registered_on": "2026-11-25", "registered_at": "commune-00199", "signer": "x", "place": "Lotus"}
    service.write("births", record, reader=COMMUNE, key="")
    register, row = definition.register_of("births"), Record.objects.get()
    writing.end(register, row.id, writing.Request({"id": str(row.id)}, COMMUNE, "end"))
    with clock.freeze(NOW + timedelta(days=9)):
        assert run("births") == (0, 0)
    with clock.freeze(NOW + timedelta(days=10)):
        assert run("births") == (1, 0)


@pytest.mark.usefixtures("at_noon")
def test_an_open_correction_keeps_its_record_in_reach_and_ends_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    service.load("population", [person(MOTHER, "Trần Thu Hà", "1996-05-14", "F")])
    wrong = Request({"number": MOTHER}, "full_name", "Trần Thu Hạ", "a paper")
    code = corrections.ask("population", wrong, reader=ASKER, key="k").code
    ruled(monkeypatch, "population", since={"field": "born"}, in_reach="20y", destroyed="90y")
    assert run("population") == (0, 0)
    corrections.decide(code, OFFICER, accept=False, words="no")
    assert run("population") == (1, 0)
    assert corrections.opened(code, OFFICER).now is None, "what is in the archive is not shown at the desk"
    with pytest.raises(NothingToCorrect):
        corrections.ask("population", wrong, reader=ASKER, key="k2")
    ruled(monkeypatch, "population", since={"field": "born"}, in_reach="20y", destroyed="30y")
    assert run("population") == (0, 1)
    assert not Correction.objects.exists()


def many(count: int) -> None:
    service.load("birth-notices", [notice(f"01901.GCS.{number:05}.10", "2010-11-01") for number in range(count)])


@pytest.mark.usefixtures("at_noon")
def test_who_is_stopped_between_batches_goes_on_where_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archiving, "BATCH", 3)
    monkeypatch.setattr(archiving, "LOOKED_AT", 4)
    many(10)
    done, batches = archiving._done, []

    def stopped(*arguments: Any) -> Any:
        batches.append(arguments)
        if len(batches) == 3:
            raise KeyboardInterrupt
        return done(*arguments)

    monkeypatch.setattr(archiving, "_done", stopped)
    with pytest.raises(KeyboardInterrupt):
        run()
    assert Archived.objects.count() == 6
    assert run() == (4, 0)
    assert StatedEvent.objects.filter(name="registers.RecordArchived").count() == 10


RUNNER = """
import django, sys
django.setup()
from onedoor.registers import archiving, definition
from onedoor.store import outbox
state = archiving.outbox.state
def slow(event):
    state(event)
    print(event.record, flush=True)
    sys.stdin.readline()
archiving.outbox.state = slow
archiving.BATCH = 2
archiving.retain(definition.register_of("birth-notices"))
"""


def others_at_work() -> bool:
    """Return whether another client of the test's database is in a transaction."""
    others = "datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT FROM pg_stat_activity WHERE {others})")
        return cursor.fetchone()[0]


@lasting
def test_killed_in_the_middle_of_a_batch_it_leaves_none_half_done_and_the_next_run_does_the_rest() -> None:
    many(5)
    name = connection.settings_dict["NAME"]
    url = os.environ["ONEDOOR_DATABASE_URL"].replace("/postgres?", f"/{name}?")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, "-c", RUNNER], env=os.environ | {"ONEDOOR_DATABASE_URL": url}, **pipes)
    for number in range(3):  # two batches hold four: the third record is in the second
        assert process.stdout.readline().strip()
        if number < 2:
            process.stdin.write("\n")
            process.stdin.flush()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdin.close()
    process.stdout.close()
    until = time.monotonic() + 10
    while Archived.objects.count() != 2 or others_at_work():  # the database ends what a client that is gone had begun
        assert time.monotonic() < until
    nightly()
    assert Archived.objects.count() == 5
    assert StatedEvent.objects.filter(name="registers.RecordArchived").count() == 5
    assert LedgerEntry.objects.filter(kind="registers.archived").count() == 5


@lasting
def test_a_batch_under_way_holds_up_no_write_and_leaves_out_what_is_being_written() -> None:
    many(3)
    register = definition.register_of("birth-notices")
    rule = register.retention
    assert rule
    (batch,) = archiving._batches(register, rule, TODAY)
    first, other = (f"01901.GCS.{number:05}.10" for number in (0, 1))

    def use(number: str) -> None:
        service.write("birth-notices", {"notice": number, "used": True}, reader=COMMUNE, key="")

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        use(first)
        done = pool.submit(_beside, lambda: archiving._done(register, rule, batch)).result(10)
        assert len(done) == 2
    with transaction.atomic():
        archiving._done(register, rule, batch[:1])
        aside(lambda: service.write("birth-notices", notice(NEW, "2026-11-01"), reader=MIDWIFE, key="n"))
    with pytest.raises(InArchive):
        use(other)
    assert run() == (1, 0)


def _beside(work: Callable[[], Any]) -> Any:
    try:
        return work()
    finally:
        connection.close()


def test_the_rule_says_by_what_it_is_so() -> None:
    law = {"number": "60/2014/QH13", "article": "5", "source": "x"}
    rule = Retention.read({"since": "ended", "in_reach": "10y", "law": law})
    assert rule.rule == "ended + 10y; 60/2014/QH13 5"
    assert retention.Retention.read({"since": {"field": "born"}, "in_reach": "5d", "illustrative": True}).rule == (
        "born + 5d; illustrative"
    )
