"""Who may query tables with personal data: the list is whole, true, and what runs in the tests keeps to it."""

from collections.abc import Callable, Iterator
from pathlib import Path

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


def test_whatever_opens_envelopes_is_listed_and_every_listed_one_is_there() -> None:
    code = {module: {name: sorted(by) for name, by in opens.items()} for module, opens in queries.openings().items()}
    listed = {module: said.opens for module, said in queries.declared().items() if said.opens}
    unlisted = {module: opens for module, opens in code.items() if listed.get(module) != opens}
    assert not unlisted, "say in tests/queries.yaml who may open these, and why"
    assert not set(listed) - set(code), "these open nothing any more: take them out of tests/queries.yaml"


@pytest.fixture
def curious(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have the code consist of one module of the room cases, with what is given."""
    monkeypatch.setattr(queries, "SOURCE", tmp_path / "onedoor")
    (tmp_path / "onedoor" / "cases").mkdir(parents=True)
    return lambda text: (tmp_path / "onedoor" / "cases" / "curious.py").write_text(text) and None


PROBES = {
    "plain": ("from onedoor.cases.models import Dossier\ndef look(): return Dossier.objects.all()", "cases_dossier"),
    "a constant": ("look = 'SELECT * FROM registers_record'", "registers_record"),
    "through": ("def look(row): return row.parties.all()", "cases_party"),
    "by": ("def look(rows): return rows.filter(parties__person=b'')", "cases_party"),
    "module": ("from onedoor.cases import models\ndef look(): return models.Dossier.objects.all()", "cases_dossier"),
    "module as": (
        "from onedoor.registers import models as tables\ndef look(): return tables.Record.objects.all()",
        "registers_record",
    ),
    "import": ("import onedoor.cases.models\ndef look(): onedoor.cases.models.Dossier.objects", "cases_dossier"),
    "import as": ("import onedoor.cases.models as m\ndef look(): return m.Dossier.objects", "cases_dossier"),
    "named as": ("from onedoor.cases.models import Dossier as D\ndef look(): return D.objects", "cases_dossier"),
    "relative": ("from .models import Dossier as D\ndef look(): return D.objects", "cases_dossier"),
    "get_model": ("from django.apps import apps\ndef look(): apps.get_model('cases', 'Dossier')", "cases_dossier"),
    "get_model of one name": ("import django\ndef look(): django.apps.apps.get_model('cases.Task')", "cases_task"),
    "getattr": ("from onedoor.cases import models\ndef look(): getattr(models, 'Dossier')", "cases_dossier"),
    "async": (
        "from onedoor.cases.models import Dossier\nasync def look(): return [d async for d in Dossier.objects]",
        "cases_dossier",
    ),
    "under if": (
        "from onedoor.cases.models import Dossier\nif True:\n  def look(): return Dossier.objects.all()",
        "cases_dossier",
    ),
    "under try": (
        "from onedoor.cases.models import Dossier\ntry: pass\nexcept OSError:\n  def look(): Dossier.objects",
        "cases_dossier",
    ),
    "nested": (
        "def look():\n  from onedoor.cases.models import Dossier\n  def inner(): return Dossier.objects.all()",
        "cases_dossier",
    ),
    "assigned": ("from onedoor.cases.models import Dossier\nlook = Dossier", "cases_dossier"),
    "handed on": (
        "from onedoor.cases.models import Dossier\ndef look(f, query): return f(query, Dossier)", "cases_dossier"
    ),
    "rows": (
        "from onedoor.store import rows as r\nfrom onedoor.cases.models import Dossier as D\nlook = r.Rows(D, 'TRUE')",
        "cases_dossier",
    ),
    "one of two": (
        "from onedoor.cases.models import Dossier, Step\ndef look():\n  for one in (Dossier, Step): one.objects",
        "cases_dossier",
    ),
    "a model that is given": ("def look(model): return model.objects.all()", queries.UNRESOLVED),
    "a type": ("def look(row): return type(row)._default_manager", queries.UNRESOLVED),
    "get_model of what": ("from django.apps import apps\ndef look(name): apps.get_model(name)", queries.UNRESOLVED),
    "all models": ("from django.apps import apps\ndef look(): list(apps.get_models())", queries.UNRESOLVED),
    "import by name": ("import importlib\ndef look(x): importlib.import_module(x)", queries.UNRESOLVED),
    "getattr of what": ("from onedoor.cases import models\ndef look(x): getattr(models, x)", queries.UNRESOLVED),
    "the module itself": ("from onedoor.cases import models\nlook = models", queries.UNRESOLVED),
    "built SQL": ("def look(x): return f'SELECT * FROM registers_{x}'", queries.UNRESOLVED),
    "added SQL": ("look = 'SELECT * FROM registers_' + 'record'", queries.UNRESOLVED),
}  # fmt: skip
"""Ways to ask for personal data, by what they are: a module, and on what it must be found to ask."""


@pytest.mark.parametrize("way", PROBES)
def test_a_new_query_on_personal_data_is_found_in_whichever_form(way: str, curious: Callable[[str], None]) -> None:
    text, table = PROBES[way]
    curious(text)
    assert table in queries.found()["onedoor.cases.curious"]["look"]


def test_what_is_imported_by_a_star_is_not_let_through(curious: Callable[[str], None]) -> None:
    curious("from onedoor.cases.models import *\n")
    assert queries.found() == {"onedoor.cases.curious": {"import": {queries.UNRESOLVED}}}


def test_what_makes_a_row_says_a_type_or_only_names_a_table_asks_nothing(curious: Callable[[str], None]) -> None:
    curious(
        "from onedoor.cases.models import Dossier, Step\n"
        "def harmless(row: Dossier | None) -> list[Dossier]:\n"
        "    'It names registers_record.'\n"
        "    Dossier(code='x'); isinstance(row, (Dossier, Step)); Step.objects.all(); Place('cases_dossier', '', '')\n"
        "    try: pass\n"
        "    except Dossier.DoesNotExist: pass\n"
    )
    assert queries.found() == {}


OPENS = {
    "storage": ("from onedoor.registers import storage\ndef look(r): storage.versions(r)", "storage.versions"),
    "storage as": ("import onedoor.registers.storage as s\ndef look(r): return map(s.opened, r)", "storage.opened"),
    "function as": ("from onedoor.registers.storage import find as f\ndef look(r): f(r)", "storage.find"),
    "unseal": ("from onedoor.store import sealed\nasync def look(e): sealed.unseal(e)", "sealed.unseal"),
    "getattr": ("from onedoor.registers import storage\ndef look(x): getattr(storage, x)", "storage.?"),
    "the module itself": ("from onedoor.store import sealed\nlook = sealed", "sealed.?"),
}


@pytest.mark.parametrize("way", OPENS)
def test_whatever_opens_envelopes_is_found_in_whichever_form(way: str, curious: Callable[[str], None]) -> None:
    text, opener = OPENS[way]
    curious(text)
    assert queries.openings()["onedoor.cases.curious"]["look"] == {opener}


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
