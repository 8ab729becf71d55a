"""Who may query tables with personal data: the list is whole, true, and what runs in the tests keeps to it."""

from collections.abc import Iterator

import pytest
from django.db import connection

from onedoor.privacy.models import ReadPerson
from onedoor.store import rows
from onedoor.store.fields import BlindField, SealedField, personal_tables
from tests import queries

WHO = {"person", "officer", "exchange", "gate", "job", "owner", "ledger check", "erasure", "everybody"}


def test_every_query_on_personal_data_is_listed_and_every_listed_one_is_there() -> None:
    code = {module: {name: sorted(on) for name, on in asked.items()} for module, asked in queries.found().items()}
    listed = {module: said.queries for module, said in queries.declared().items() if said.queries}
    unlisted = {module: asked for module, asked in code.items() if listed.get(module) != asked}
    assert not unlisted, "say in tests/queries.yaml who may issue these, and why"
    assert not set(listed) - set(code), "these are no more: take them out of tests/queries.yaml"


def test_every_listed_module_says_who_and_why() -> None:
    for module, said in queries.declared().items():
        assert set(said.who.split(", ")) <= WHO, module
        assert len(said.why) > 20, module


def test_a_new_query_on_personal_data_is_found(tmp_path, monkeypatch) -> None:
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "curious.py").write_text(
        "from onedoor.cases.models import Dossier\n"
        "ALL = 'SELECT * FROM registers_record'\n"
        "def look():\n    return Dossier.objects.all()\n"
        "def through(row):\n    return row.parties.all()\n"
        "def by(rows):\n    return rows.filter(parties__person=b'')\n"
        "def harmless():\n    'It names registers_record.'\n"
    )
    monkeypatch.setattr(queries, "SOURCE", tmp_path)
    found = next(iter(queries.found().values()))
    assert found == {
        "ALL": {"registers_record"}, "look": {"cases_dossier"}, "through": {"cases_party"}, "by": {"cases_party"},
    }  # fmt: skip


@pytest.mark.django_db
def test_a_statement_from_an_undeclared_module_is_noted(strays: list[str]) -> None:
    asked = compile("rows.fetch('SELECT 1 FROM registers_record', [])", "curious.py", "exec")
    exec(asked, {"rows": rows, "__name__": "onedoor.cases.curious"})
    list(ReadPerson.objects.all())  # a test's own
    assert strays == ["onedoor.cases.curious: registers_record"]
    strays.clear()


@pytest.mark.django_db
def test_the_database_has_no_table_with_envelopes_that_is_not_known() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
                       " AND udt_name IN ('bytea', '_bytea')")  # fmt: skip
        columns = {(table, column) for table, column in cursor.fetchall()}
    assert {table for table, _ in columns} - personal_tables() <= OF_NOBODY
    assert {one for one in columns if one[0] in personal_tables()} == set(_declared_columns()), "neither kind of column"


OF_NOBODY = {
    "privacy_readrecord", "privacy_postponement", "privacy_requeststep",  # the salt of a commitment
    "store_amendment", "store_erasure", "store_ledger_checkpoint", "store_ledger_entry", "store_ledger_node",
}  # fmt: skip
"""Tables with bytes that are neither envelopes nor blind indexes: digests, salts and ids of keys."""


def _declared_columns() -> Iterator[tuple[str, str]]:
    from django.apps import apps

    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            if isinstance(getattr(field, "base_field", field), SealedField | BlindField):
                yield model._meta.db_table, field.column
