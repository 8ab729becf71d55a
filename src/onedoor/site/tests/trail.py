"""A little of everything that rooms enter into the ledger, for tests of what becomes of it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import transaction

from onedoor.cases import journal
from onedoor.cases.events import TaskMoved
from onedoor.cases.models import Dossier, IssuedResult, Task
from onedoor.kernel import clock
from onedoor.kernel.actor import Actor
from onedoor.kernel.ids import uuid7
from onedoor.measurement import runs
from onedoor.measurement.models import Run
from onedoor.privacy import records, sealing
from onedoor.privacy.breaches import authority, touched, writing
from onedoor.privacy.breaches.touched import Scope
from onedoor.privacy.consents import decisions, revisions
from onedoor.privacy.consents.revisions import Draft, Writer
from onedoor.privacy.models import ReadRecord
from onedoor.privacy.requests import deciding, keeping
from onedoor.privacy.requests.keeping import Wanted
from onedoor.privacy.rules import Reader
from onedoor.registers import archiving, definition
from onedoor.registers import service as registers
from onedoor.store import erasure, keys, ledger, sealed

READER = Reader("VN/GOV/G22/PORTAL", "account", "birth-form", "nd63-2024.4.5", "2611-7K4M-Q8")
POLICE = Reader("VN/GOV/G01/POPULATION", "police-00199.residence", "investigation", "l91-2025")
ASKER = Reader("VN/GOV/G22/PORTAL", "account-1", "personal-rights", "l91-2025")
CHIEF = Actor(person="c", post="police-00199.chief", agency="police-00199", level=2)
PEOPLE = [f"0011962{number:05}" for number in range(12)]
NOTICE = {
    "what": "A file was left open.", "kinds": ["births.child"], "persons": "2", "consequences": "Calls",
    "measures": "Closed", "contact": "Office",
}  # fmt: skip
FOUND = datetime(2026, 12, 7, 9, tzinfo=UTC)


def enter(reads: int) -> None:
    """Have so many *reads* entered, and some of whatever else rooms enter, each in more than one row."""
    for person in PEOPLE:
        keys.key_for(person)
    for number in range(reads):
        about = {PEOPLE[number % 12]: ["number", "born"], PEOPLE[number % 7 + 1]: ["sex"]}
        records.allowed(READER, "population", "read", ("number", "born", "sex"), about)
    _sealed_reads()
    _consents()
    _requests()
    _breaches()
    with transaction.atomic():
        _cases()
    _runs()
    _archive()
    _erasures()
    ledger.integrate()


def _sealed_reads() -> None:
    until = date(2027, 1, 1)
    chief = Reader(POLICE.client, "police-00199.chief", "investigation", "l91-2025")
    for number in range(6):
        sealed_read = records.allowed(POLICE, "births", "read", ("born",), [PEOPLE[number]], hidden_until=until)
        sealing._decided(ReadRecord.objects.get(id=sealed_read).id, until + timedelta(days=number), chief)
        ledger.integrate()


def _consents() -> None:
    for person in (*PEOPLE[:6], *PEOPLE[-2:]):
        decisions.decide(person, "birth-suggestion", 1, given=True, by=Actor(person="account"))
    system = Writer("VN/GOV/G18/HEALTH")
    for person in PEOPLE[:3]:
        kept = revisions.keep(Draft("Individual", {"externalId": person}, person=person), system)
        revisions.keep(Draft("Individual", {"externalId": "?"}, person=person), system, kept.object)
        revisions.keep(Draft("Policy", {"name": f"policy of {person}"}, refers=kept.object), system)
    decisions.decide(PEOPLE[0], "birth-suggestion", 1, given=False, by=Actor(person="account"))


def _requests() -> None:
    """Have one restriction granted, one objection lifted, one request refused, one extended, one just asked."""
    for number in range(5):
        _ask(number, "object" if number == 1 else "restrict", "insurance-upkeep" if number == 1 else "")
    codes = [keeping.asked_by(_asker(number), PEOPLE[number])[0].code for number in range(5)]
    deciding.grant(codes[0], CHIEF, "So it is.")
    keeping.lift(codes[1], _asker(1), PEOPLE[1])
    deciding.refuse(codes[2], CHIEF, article="1", words="No.")
    deciding.extend(codes[3], CHIEF, "We must ask another agency.")


def _asker(number: int) -> Reader:
    return Reader(ASKER.client, f"account-{number}", ASKER.purpose, ASKER.basis)


def _ask(number: int, right: str, purpose: str = "") -> None:
    keeping.ask(Wanted(PEOPLE[number], right, purpose, "I do not want it."), reader=_asker(number), key=f"k{number}")


def _breaches() -> None:
    """Have a breach reported and acknowledged, one reported, one overdue, one found, one only begun."""
    codes = [writing.start(CHIEF, f"form-{number}", {"what": "A file."}).code for number in range(5)]
    now = clock.now()
    for number, code in enumerate(codes[:2]):
        scope = Scope(READER.client, "", "", now - timedelta(hours=1 + number), now + timedelta(minutes=1))
        touched.tell(code, CHIEF, scope, {"en": "Your file was open."}, "Office", key=f"form-{number}")
    for number, code in enumerate(codes[:4]):
        writing.find(code, CHIEF, FOUND + timedelta(hours=number))
    for number, code in enumerate(codes[:2]):
        with clock.freeze(FOUND + timedelta(hours=3 + number)):
            breach = writing.send(code, CHIEF, NOTICE)
            said = {"code": code, "agency": breach.agency, "kind": "reported", "part": str(uuid7()), "said": NOTICE}
            moments = {name: getattr(breach, name).isoformat() for name in ("found", "reported")}
            authority.receive(POLICE.client, CHIEF.post, said | moments)
    authority.acknowledge(authority.listed(CHIEF)[-1].id, CHIEF)
    writing.acknowledged(codes[1], POLICE.client, CHIEF.post, FOUND + timedelta(hours=5))
    with clock.freeze(FOUND + timedelta(hours=74, minutes=30)):
        writing.look_for_overdue()


def _cases() -> None:
    moment, by = clock.now(), Actor(person="account")
    for number in range(2):
        code = f"2611-7K4M-Q{number}"
        kept = {"account": f"account-{number}", "key": "k", "service": "vn.birth-linked", "version": "2026-09-01"}
        dates = {"submitted_at": moment, "counted_from": moment, "due": moment}
        dossier = Dossier(code=code, digest="d", state="submitted", limit="3wd", **kept, **dates)
        dossier.write({"answers": {}})
        dossier.save(force_insert=True)
        moved = TaskMoved(by=by, case=code, step="birth", agency="commune-00199", kind="submit", state="submitted")
        journal.transition(dossier, "submit", moved)
        journal.transition(dossier, "supplement", moved, step="birth", agency="commune-00199", words="Bring it.")
        task = Task(case=code, step="birth", agency="commune-00199", post="civil-status", state="done", origin="p")
        task.service, task.version, task.received_at, task.due = "vn.birth-linked", "2026-09-01", moment, moment
        task.save(force_insert=True)
        done = TaskMoved(by=by, case=code, step="birth", agency=task.agency, kind="accept", state="done")
        journal.act(task, "accept", done)
        journal.act(task, "return", done, words="A page is missing.", subject=PEOPLE[number])
        journal.attempt("unknown-result", f"no {number}", by)
        _issued(task, number)


def _issued(task: Task, number: int) -> None:
    row = IssuedResult(task=task, kind=f"certificate-{number}", agency=task.agency, title={"en": f"No. {number}"})
    row.issued_at, row.sha256, row.lasts_until = clock.now(), f"{number:064}", clock.now() + timedelta(days=number)
    row.body = sealed.seal({"number": f"{number}/2026"}, subject=PEOPLE[number], place=row.place("body"))
    row.file = sealed.seal_bytes(b"%%PDF %d" % number, subject=PEOPLE[number], place=row.place("file"))
    row.entry = journal.issued(row)
    row.save(force_insert=True)


def _runs() -> None:
    for number in range(2):
        run = Run(service="vn.birth-linked", persona="mother", by=f"operator-{number}", announced_at=clock.now())
        run.case, run.version, run.digest = f"2611-7K4M-Q{number}", "2026-09-01", "d"
        run.passed, run.ended_at, run.shown, run.results = not number, clock.now(), ["online"], ["birth_certificate"]
        run.faults = [["state", ""]]
        run.entry = runs.entered(run)
        run.save(force_insert=True)


def _archive() -> None:
    """Have two notices of births from long ago archived, and one of them destroyed."""
    notices = [_notice("01901.GCS.00001.10", "2010-11-01"), _notice("01901.GCS.00003.20", "1920-01-01")]
    registers.load("birth-notices", notices)
    archiving.retain(definition.register_of("birth-notices"))


def _notice(number: str, born: str) -> dict[str, Any]:
    return {
        "notice": number, "mother": PEOPLE[0], "born": f"{born}T06:40", "sex": "F", "weight_g": 3150,
        "place": {"facility": "Lotus", "unit": "00199"}, "facility": "facility-01901",
    }  # fmt: skip


def _erasures() -> None:
    for person in PEOPLE[-2:]:
        erasure.erase(person)
