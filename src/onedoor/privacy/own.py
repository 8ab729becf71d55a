"""The uses of one person's data that this system recorded: asked by the person, newest first, page by page."""

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from onedoor.kernel import nation
from onedoor.kernel.settings import current
from onedoor.privacy import entered, records
from onedoor.privacy.errors import NotPermitted
from onedoor.privacy.models import ReadRecord
from onedoor.privacy.records import BLIND
from onedoor.privacy.rules import READ, Reader
from onedoor.privacy.views import LAST, OPEN, UNSEEN, ReadView, in_words
from onedoor.store import keys, ledger, proving, rows
from onedoor.store.rows import Rows

SERVICE = records.LOOKS
MOST = 1000
ROWS = Rows(ReadRecord, without=UNSEEN)
OTHERS = (
    "own.looked_by = ''",
    "own.looked_by > '' AND own.looked_by < (SELECT %s::varchar)",
    "own.looked_by > (SELECT %s::varchar)",
)
OWN_LOOKS = "own.looked_by > '' AND own.looked_by = %s"
"""A person's own looks at these records may be many: each part is a stretch of the key's index, read for itself.

What is asked for in a SELECT is no constant to the planner: it plans once, and not for each account anew.
"""
SHOWN = f"""
FROM privacy_readperson AS own CROSS JOIN LATERAL (
    SELECT * FROM privacy_readrecord WHERE id = own.record_id OFFSET 0) AS privacy_readrecord
WHERE own.person = %s AND own.record_id < %s AND (own.fields IS NULL OR cardinality(own.fields) > 0) AND {OPEN}
"""  # noqa: S608 - no value is in it
"""What a person is shown: what is their own in it, once no seal is on it any more.

OFFSET 0 keeps the planner to the person's own rows, newest first: it must not walk all records to find a few of theirs.
"""
OFFICE = """split_part("user", '.', 1)"""
"""The agency of an officer's post; an account or a job has none."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of their reads a person wants: *most* of them before the record *before*, for one agency, purpose, case.

    *since* and *until* are days (ISO, both included), "" for any. *looks* adds their own looks at this list. Words
    are of every language, or of *language* alone.
    """

    before: str = ""
    most: int = 10
    agency: str = ""
    purpose: str = ""
    case: str = ""
    since: str = ""
    until: str = ""
    looks: bool = False
    language: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """A read's place in the ledger: the proof file, what was entered as far as it is for its person, the public key.

    *proof* is empty while no signed checkpoint covers it; *details* where they can only be told whole, and are not.
    """

    entry: str
    key: str
    proof: str = ""
    details: str = ""


def look(reader: Reader, person: str) -> None:
    """Record that *reader* looks at what was recorded about *person*: it is a use of their data as any other."""
    records.allowed(reader, SERVICE, READ, (), [person])


def reads_of_person(person: str, wanted: Wanted, account: str = "") -> list[ReadView]:
    """Return the reads of *person* (a personal number) that this system shows, newest first; *account* is theirs."""
    conditions, values = _narrowed(wanted)
    before = UUID(wanted.before) if wanted.before else LAST
    asked = _Asked(person, account, before, conditions, tuple(values), min(wanted.most, MOST))
    return _found(asked, looks=wanted.looks, language=wanted.language)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which records of *person* before that one are wanted; *account* is theirs."""

    person: str
    account: str
    before: UUID
    conditions: tuple[str, ...]
    values: tuple[object, ...]
    most: int


def one_read(person: str, record: UUID, reader: Reader) -> ReadView:
    """Return a read of *person*; raise `NotPermitted`, recorded, for one that is not shown to them."""
    found = _found(_Asked(person, reader.user, LAST, ("own.record_id = %s",), (record,), 1), looks=True)
    if not found:
        raise _refused(reader, "not-yours", person)
    return found[0]


def proof_of(person: str, record: UUID, reader: Reader) -> Proof:
    """Return the proof of a read of *person*, with what was entered as far as theirs; the case only to who names it.

    Raise `NotPermitted`, recorded, for a read that is not shown to them.
    """
    one_read(person, record, reader)
    row = ReadRecord.objects.prefetch_related("persons").get(id=record)
    key = str(ledger.verifier())
    placed = ledger.placed(row.entry)
    found = proving.proof_of(*placed, proving.folder_in(current().state)) if placed else None
    if found is None:
        return Proof(str(row.entry), key)
    told = entered.of(row).told_to(keys.blind(BLIND, person), case=reader.case, account=reader.user)
    return Proof(str(row.entry), key, found.text(), told.decode() if told else "")


def _refused(reader: Reader, reason: str, *persons: str) -> NotPermitted:
    records.refused(reader, SERVICE, READ, (), reason, persons)
    return NotPermitted(reason=reason, register=SERVICE)


def _found(asked: _Asked, *, looks: bool, language: str = "") -> list[ReadView]:
    found = rows.fetch(*_newest_of_each((*OTHERS, OWN_LOOKS) if looks else OTHERS, asked))
    words = in_words(language)
    return [words.of(_own(*one)) for one in found]


def _newest_of_each(parts: tuple[str, ...], asked: _Asked) -> rows.Statement:
    person, today = keys.blind(BLIND, asked.person), nation.current().today()
    values: list[object] = []
    for part in parts:
        of_account = [asked.account] * part.count("%s")
        values += [person, asked.before, today, today, *of_account, *asked.values, asked.most]
    return _statement(parts, asked.conditions), [*values, asked.most]


@lru_cache(maxsize=256)
def _statement(parts: tuple[str, ...], conditions: tuple[str, ...]) -> str:
    """Return one statement for all *parts*, each narrowed by the *conditions* and cut for itself, and then all."""
    narrowed = "".join(f"  AND {one}\n" for one in conditions)
    columns = ", ".join(ROWS.columns)
    asked = (
        f"(SELECT {columns}, own.fields {SHOWN}  AND {part}\n{narrowed}ORDER BY own.record_id DESC LIMIT %s)"
        for part in parts
    )
    every = "\nUNION ALL\n".join(asked)
    return f"SELECT * FROM ({every}) AS newest ORDER BY id DESC LIMIT %s"  # noqa: S608 - no value is in it


def _own(*values: Any) -> ReadRecord:  # noqa: ANN401 - the columns of a row
    """Return what the person sees of a record: of its fields those that are their own."""
    record, own = ROWS.row(values[:-1]), values[-1]
    if own is not None:
        record.fields = own
    return record


@dataclass(slots=True)
class _Narrowing:
    conditions: list[str] = field(default_factory=list)
    values: list[object] = field(default_factory=list)

    def add(self, condition: str, *values: object) -> None:
        self.conditions.append(condition)
        self.values += values


def _narrowed(wanted: Wanted) -> tuple[tuple[str, ...], list[object]]:
    narrowing = _Narrowing()
    if wanted.agency:
        found = nation.current().agencies.get(wanted.agency)
        whole = found.subsystem if found and found.is_member else ""
        narrowing.add(f"({OFFICE} = %s OR (client = %s AND strpos(\"user\", '.') = 0))", wanted.agency, whole)
    for column in ("purpose", "case"):
        if value := getattr(wanted, column):
            narrowing.add(f'"{column}" = %s', value)
    if wanted.since:
        narrowing.add("moment >= %s", _midnight(wanted.since))
    if wanted.until:
        narrowing.add("moment < %s", _midnight(wanted.until, 1))
    return tuple(narrowing.conditions), narrowing.values


def _midnight(day: str, later: int = 0) -> datetime:
    """Return the moment at which *day* begins where the nation is, so many days *later*."""
    return datetime.combine(datetime.fromisoformat(day).date() + timedelta(days=later), time(), nation.current().zone)
