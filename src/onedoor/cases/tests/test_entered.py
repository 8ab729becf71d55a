"""A whole birth held against the ledger: what every room entered comes out again, and each altered row is named."""

from collections.abc import Iterator

import pytest
from django.db import connection, transaction

from onedoor.cases import service
from onedoor.cases.errors import OtherAgency
from onedoor.cases.models import Dossier, Step, Task, standing
from onedoor.cases.tests.conftest import work
from onedoor.cases.tests.story import SignIn, only, submit
from onedoor.store import details, ledger
from onedoor.store.details import ADDED, ALTERED, MISSING

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals", "transport")]
KINDS = ["cases.act", "cases.attempt", "cases.issued", "cases.transition", "privacy.read"]
CHANGES = (
    ("privacy.read", ALTERED, "UPDATE privacy_readrecord SET purpose = 'x' WHERE {one}"),
    ("privacy.read", ALTERED, "UPDATE privacy_readrecord SET moment = moment + interval '1 s' WHERE {one}"),
    ("privacy.read", ALTERED, "DELETE FROM privacy_readperson WHERE {one}"),
    ("cases.transition", ALTERED, "UPDATE cases_transition SET state = 'refused' WHERE {one}"),
    ("cases.transition", MISSING, "DELETE FROM cases_transition WHERE {one}"),
    ("cases.transition", ALTERED, "UPDATE cases_dossier SET state = 'refused' WHERE {one}"),
    ("cases.act", ALTERED, "UPDATE cases_task SET state = 'stopped' WHERE {one}"),
    ("cases.act", ALTERED, "UPDATE cases_act SET by = 'nobody' WHERE {one}"),
    ("cases.act", ALTERED, "UPDATE cases_act SET detail = 'x' WHERE {one}"),
    ("cases.issued", ALTERED, "UPDATE cases_issued SET sha256 = 'x' WHERE {one}"),
    ("cases.attempt", ALTERED, "UPDATE cases_attempt SET what = 'x'"),
    ("cases.attempt", ADDED, "UPDATE cases_attempt SET entry = 'a place of its own'"),
)  # fmt: skip

OTHER = {
    "TextField": "{} || 'x'",
    "DateTimeField": "coalesce({} + interval '1 s', now())",
    "PositiveSmallIntegerField": "{} + 1",
}
"""SQL for another value of a column, by its kind."""


def test_what_was_entered_comes_out_again_and_each_altered_row_is_named(sign_in: SignIn) -> None:
    mother, registrar, police = map(sign_in, ("mother", "civil-status", "residence"))
    submit(mother)
    work()
    task = only(registrar)
    with pytest.raises(OtherAgency):
        service.accept(task, police)
    service.accept(task, registrar)
    work()
    ledger.integrate()
    assert details.unknown() == []
    assert list(details.findings()) == []
    assert set(KINDS) <= {one.kind for one in ledger.leaves(0, ledger.check())}
    for kind, what, change in (*CHANGES, *moves()):
        assert (what, kind) in after(change), change
    assert list(details.findings()) == []


def moves() -> Iterator[tuple[str, str, str]]:
    """Yield a change of each column of a dossier, a step or a task that changes by a transition or an act alone."""
    of = (Dossier, standing.OF_A_DOSSIER), (Step, standing.OF_A_STEP), (Task, standing.OF_A_TASK)
    for model, columns in of:
        for column in columns:
            other = OTHER[model._meta.get_field(column).get_internal_type()].format(f'"{column}"')
            kind = "cases.act" if model is Task else "cases.transition"
            yield kind, ALTERED, f'UPDATE {model._meta.db_table} SET "{column}" = {other} WHERE {{one}}'
    yield "cases.transition", ALTERED, "DELETE FROM cases_step WHERE {one}"


def after(change: str) -> list[tuple[str, str]]:
    """Return what is found after a *change* past the programs, which is taken back."""
    table = change.split()[2 if change.startswith("DELETE") else 1]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(change.format(one=f"ctid = (SELECT ctid FROM {table} LIMIT 1)"))
        assert cursor.rowcount
        found = [(one.what, one.kind) for one in details.findings()]
        transaction.set_rollback(True)
    return found
