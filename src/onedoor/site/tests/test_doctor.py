"""What the doctor says of a server that need not keep what it acknowledged, and of keys that are gone altogether."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from django.db import connection

from onedoor.kernel import clock
from onedoor.privacy.service import Reader, permit
from onedoor.site import doctor, messages
from onedoor.site.databases import Database
from onedoor.site.embedded import SUPERUSER, Server
from onedoor.site.installation import Installation, System
from onedoor.store.models import LedgerCheckpoint


def said(url: str) -> list[str]:
    system = System(Path("node-G15"), Database("node-G15", url), None)
    messages.use("en")
    try:
        return list(doctor.durability(cast("Installation", SimpleNamespace(systems=lambda: [system]))))
    finally:
        messages.use(None)


@pytest.mark.django_db
def test_a_server_whose_crash_takes_what_it_acknowledged_is_named(postgres: Server) -> None:
    unsafe = said(postgres.url(SUPERUSER, connection.settings_dict["NAME"]))  # for its speed, as tests are no records
    assert [one.partition(": ")[0] for one in unsafe] == [
        "The server of the database node-G15 has fsync off",
        "The server of the database node-G15 has full_page_writes off",
    ]


def asked(query: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def missed(state: Path) -> list[str]:
    database = SimpleNamespace(answers=lambda: True, is_empty=lambda: False, rows=asked)
    system = SimpleNamespace(state=state, secret=None, database=database)
    found = doctor._expected(cast("Installation", SimpleNamespace(var=state, systems=lambda: [system])))
    return [str(path.relative_to(state)) for path in found]


@pytest.mark.django_db
def test_keys_that_the_database_says_were_in_use_are_missed_even_when_all_are_gone(tmp_path: Path) -> None:
    assert not missed(tmp_path)
    LedgerCheckpoint.objects.create(size=1, root=bytes(32), note="", signed_at=clock.now())
    reader = Reader("VN/GOV/G22/PORTAL", "account-1", "birth-form", "nd63-2024.4.5", "case")
    permit(reader, register="residence", persons=["001196204817"])
    assert missed(tmp_path) == ["keys/persons.sqlite", "keys/blind", "ledger/key"]


def test_what_cannot_be_read_hides_nothing_else_that_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = tmp_path / "portal"
    (state / "ledger" / "published").mkdir(parents=True)
    (state / "keys").mkdir()
    for name in ("tls.pem", "ledger/published/checkpoint"):
        (state / name).touch()
    (state / "keys" / "persons.sqlite").write_bytes(b"no database" * 100)
    rows = {doctor.WAITING: [(0, None)], doctor.SIGNED: [(7, None)]}
    database = SimpleNamespace(
        name="portal", answers=lambda: True, is_empty=lambda: False, rows=lambda query, *_values: rows.get(query, [])
    )
    system = SimpleNamespace(name="portal", state=state, secret=None, database=database)
    here = cast("Installation", SimpleNamespace(var=tmp_path, renews=True, systems=lambda: [system]))
    monkeypatch.setattr(doctor, "LOOKS", (doctor.keys, doctor.certificates, doctor.jobs, doctor.ledgers))
    messages.use("en")
    try:
        found = [one.partition(":")[0].partition(". ")[0] for one in doctor.findings(here)]
    finally:
        messages.use(None)
    assert found == [
        "A key in the key store does not open",
        f"There is no certificate in {state / 'tls.pem'}",
        "The ledger or a proof from it is wrong",
    ]
