"""Names and numbers of a birth, looked for where they must not be: tables, a dump, logs, spans, error pages."""

import base64
import io
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from django.db import connection
from django.test import Client

from onedoor.cases import service
from onedoor.cases.tests import conftest as cases
from onedoor.cases.tests.conftest import FATHER, GRANDMOTHER, MOTHER, work
from onedoor.cases.tests.story import ANSWERS, SignIn, only, submit
from onedoor.kernel import clock
from onedoor.kernel.actor import Actor
from onedoor.kernel.text import fold
from onedoor.kernel.watch import metrics, spans
from onedoor.privacy.breaches import authority, touched
from onedoor.privacy.breaches import writing as breaches
from onedoor.privacy.breaches.models import ToldBreach
from onedoor.privacy.breaches.touched import Scope
from onedoor.privacy.models import ReadRecord
from onedoor.privacy.requests import deciding
from onedoor.privacy.requests import keeping as requests
from onedoor.privacy.service import Reader
from onedoor.registers import own_data
from onedoor.site import embedded, logs
from onedoor.site.embedded import SUPERUSER, Server

people, lab, seals, transport, weddings, sign_in = (
    cases.people, cases.lab, cases.seals, cases.transport, cases.weddings, cases.sign_in,
)  # fmt: skip
monday, fathers_origin = cases.monday, cases.fathers_origin
pytestmark = pytest.mark.django_db(transaction=True)
CANARIES = (MOTHER, FATHER, GRANDMOTHER, "Trần Thu Hà", "Lê Minh Quân", ANSWERS["child_name"], "Chùa Láng")


def forms() -> Iterator[bytes]:
    """Yield every canary as it might stand somewhere: plain, folded, in capitals, in hexadecimal, in base 64."""
    for canary in CANARIES:
        plain = canary.encode()
        yield from (plain, canary.upper().encode(), fold(canary).encode(), plain.hex().encode())
        yield from (base64.b64encode(plain)[:-4], ascii(canary)[1:-1].encode())


def seen(content: bytes) -> list[str]:
    """Return which canaries stand in *content*."""
    return sorted({form.decode() for form in forms() if form in content})


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Give what a process logs at its most talkative, and every span it would send."""
    lines, sent = io.StringIO(), io.StringIO()
    monkeypatch.setattr("sys.stderr", lines)
    root = logs.logging.getLogger()
    before, level = root.handlers, root.level
    logs.set_up("debug")
    monkeypatch.setattr(spans, "_exporter", _Kept(sent))
    yield lines
    root.handlers = before
    root.setLevel(level)
    structlog.reset_defaults()
    assert not seen(sent.getvalue().encode())
    assert sent.getvalue()


class _Kept:
    """Keeps spans where others are sent to a collector."""

    def __init__(self, kept: io.StringIO) -> None:
        self._kept = kept

    def put(self, *span: object, **facts: object) -> None:
        self._kept.write(repr((span, facts)))


@pytest.mark.usefixtures("people", "seals", "transport")
def test_a_superuser_and_a_dump_show_ciphertext_and_no_log_or_span_a_name(
    sign_in: SignIn, postgres: Server, told: io.StringIO, tmp_path: Path
) -> None:
    code = whole_story(sign_in)
    breach(sign_in)
    database = connection.settings_dict["NAME"]
    with postgres.as_superuser(database) as everything:
        tables = [name for (name,) in everything.execute("SELECT relname FROM pg_stat_user_tables ORDER BY 1")]
        found = {}
        for table in tables:
            rows = everything.execute(f'SELECT one::text FROM "{table}" AS one').fetchall()
            found[table] = seen("\n".join(row for (row,) in rows).encode())
    assert len(tables) > 30
    assert {"registers_record", "cases_task", "store_event", "procrastinate_jobs"} <= set(tables)
    assert not {table: canaries for table, canaries in found.items() if canaries}
    dump = tmp_path / "dump.sql"
    place = f"--dbname={postgres.url(SUPERUSER, database)}"
    subprocess.run([embedded.program("pg_dump"), place, f"--file={dump}"], check=True, capture_output=True)
    assert code.encode() in dump.read_bytes()
    assert not seen(dump.read_bytes())
    assert told.getvalue().count("\n") > 30
    assert not seen(told.getvalue().encode())
    assert not seen(metrics.text())


def whole_story(sign_in: SignIn) -> str:
    mother, registrar, police, insurer = map(sign_in, ("mother", "civil-status", "residence", "cards"))
    code = submit(mother).code
    work()
    service.accept(only(registrar), registrar)
    work()
    service.accept(only(police), police)
    service.accept(only(insurer), insurer)
    work()
    assert service.view(code, mother).state == "done"
    asker = Reader("VN/GOV/G22/PORTAL", mother.person, "personal-rights", "l91-2025")
    wanted = requests.Wanted(MOTHER, "restrict", "", "Trần Thu Hà, Chùa Láng")
    asked = requests.ask(wanted, reader=asker, key="asked").code
    chief = Actor(person="chief", post="police-00199.chief", agency="police-00199", level=2)
    deciding.grant(asked, chief, "Lê Minh Quân")
    deciding.opened(asked, chief)
    own_data.of_person(MOTHER, reader=replace(asker, purpose="own-data"))
    return code


def breach(sign_in: SignIn) -> None:
    """Write what must not be written into a notice of a breach, send it, and have those told whose data were read."""
    chair, chief, said = sign_in("chair"), sign_in("chief"), {"what": f"{MOTHER} Trần Thu Hà", "contact": FATHER}
    one = breaches.find(breaches.start(chair, "breach", said).code, chair, clock.now())
    breaches.send(one.code, chair, said)
    client = ReadRecord.objects.filter(operation="read", refused="", register="population").latest("id").client
    reads = Scope(client, "", "", clock.now() - timedelta(days=365), clock.now() + timedelta(days=1))
    assert touched.count(one.code, chair, reads).told
    touched.tell(one.code, chair, reads, {"vi": f"Lê Minh Quân {FATHER}"}, GRANDMOTHER, key="breach")
    work()
    assert authority.opened(authority.listed(chief)[0].id, chief)[1][0][1]["what"] == said["what"]
    assert ToldBreach.objects.exists()


def test_the_search_finds_what_is_there() -> None:
    assert all(seen(form) for form in forms())
    assert not seen(b"nothing of anybody")


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_a_page_that_breaks_over_personal_data_shows_and_logs_none(
    told: io.StringIO, monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    broken = f"could not read {MOTHER} Trần Thu Hà"

    def fail(*_: object, **__: object) -> None:
        raise ValueError(broken)

    client = Client(raise_request_exception=False, headers={"Accept": accept})
    monkeypatch.setattr("onedoor.identity.service.demonstration", fail)
    broke = client.get("/en/sign-in")
    assert broke.status_code == 500
    for answer in (broke, *map(client.get, (f"/en/cases/{MOTHER}?name=Trần Thu Hà", "/fr/nowhere", "/api/cases/x"))):
        assert answer.status_code != 200
        assert not seen(answer.content)
    assert "ValueError" in told.getvalue()
    assert not seen(told.getvalue().encode())
