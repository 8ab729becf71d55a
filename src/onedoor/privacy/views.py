"""What was recorded, in the words a person reads."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import MAXYEAR, MINYEAR, datetime
from functools import lru_cache
from typing import Annotated, Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext, gettext_noop, override
from msgspec import Meta

from onedoor.kernel import nation
from onedoor.kernel.nation.layers import united
from onedoor.kernel.text import Text, pick
from onedoor.privacy import rights
from onedoor.privacy.models import Postponement, ReadPerson, ReadRecord
from onedoor.privacy.records import BLIND
from onedoor.privacy.requests.stopping import RESTRICTED
from onedoor.privacy.rules import NO_CONSENT, READ
from onedoor.store import keys
from onedoor.store.rows import Rows

MOST_READS, MOST_WORDS = 1000, 4096
UUID_TEXT = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z"
SERVICES = {
    "own-reads": gettext_noop("The list of who read this person’s data"),
    "consents": gettext_noop("Whether this person agreed to it"),
    "breaches": gettext_noop("The list of those whom a breach touched, to tell them"),
    "person-requests": gettext_noop("What this person asked about their own data"),
    "consent": gettext_noop("What this person agreed to"),
}
"""Services whose use is recorded as a read, by the words a person reads."""
Key = tuple[str, str]
"""A record and the system that answers it: no system hides what another recorded by naming the same record."""
Words = Callable[[str, Sequence[str]], tuple[Text, Sequence[Text]] | None]
"""Returns what something read is called that is no register of the nation, with its parts; None for what it is not."""
_words: list[Words] = []
OPEN = """(hidden_until IS NULL OR (hidden_until <= %s AND NOT EXISTS (
    SELECT FROM privacy_postponement AS later WHERE later.record_id = privacy_readrecord.id AND later.until > %s)))"""
"""That a record is shown to its persons on a day (twice the day): no seal is on it any more."""
SHOWN = f"\"case\" = %s AND \"case\" <> '' AND {OPEN} AND refused NOT IN ('{RESTRICTED}', '{NO_CONSENT}')"
"""What somebody stopped or did not agree to is shown to them alone, and not to whose case it is.

The index holds records of cases alone, which a plan for every case must be told.
"""
UNSEEN = ("salt", "entry", "form", "erased", "hidden_until")
"""What of a record no view shows."""
OF_CASE = Rows(ReadRecord, f"{SHOWN} ORDER BY id", without=UNSEEN)
NEWEST_OF_CASE = Rows(ReadRecord, f"{SHOWN} AND id < %s ORDER BY id DESC LIMIT %s", without=UNSEEN)
LAST = UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True)
class ReadView:
    """One use of the gate as its person sees it: which agency and user, why, on which article, which fields, when."""

    record: Annotated[str, Meta(pattern=UUID_TEXT)]
    moment: Annotated[datetime, Meta(tz=True)]
    by_agency: str
    by_user: str
    register: str
    operation: str
    purpose: str
    basis: str
    fields: tuple[str, ...]
    refused: bool
    case: str
    agency_text: Text
    register_text: Text
    purpose_text: Text
    basis_text: Text
    law: str
    field_texts: tuple[Text, ...]
    stopped: bool = False
    """Whether it was refused because the person it is about has stopped it."""

    def __post_init__(self) -> None:
        """Raise ValueError for a moment that no zone has a day for: one answer would break the page of all."""
        if not MINYEAR < self.moment.year < MAXYEAR:
            raise ValueError(self.moment)

    def to_json(self) -> dict[str, Any]:
        """Return the view as JSON values."""
        return {name: getattr(self, name) for name in NAMES} | {"moment": self.moment.isoformat()}


NAMES = tuple(field.name for field in fields(ReadView))


@dataclass(frozen=True, slots=True)
class Reads:
    """What a system's ``reads`` service answers."""

    reads: tuple[ReadView, ...]


@dataclass(frozen=True, slots=True)
class Use:
    """A read of a fact: by which system, for which case, and the id of its record."""

    client: str
    case: str
    record: str


def newest(keys: Collection[Key], most: int) -> list[Key]:
    """Return the *most* newest of *keys*, all without *most*; what several answer as one record is not parted."""
    found = sorted(keys, reverse=True)
    last = found[most - 1][0] if 0 < most < len(found) else ""
    return [key for key in found if key[0] >= last]


def tell_words(words: Words) -> None:
    """Have *words* of a room above say what is read there."""
    _words.append(words)


def uses_of(person: str, *, register: str, field: str, since: datetime) -> list[Use]:
    """Return who read *field* of *person* (a personal number) in *register* since then, the oldest first."""
    found = ReadRecord.objects.filter(
        persons__person=keys.blind(BLIND, person),
        register=register,
        operation=READ,
        refused="",
        fields__contains=[field],
        moment__gte=since,
    )
    return [Use(one.client, one.case, str(one.id)) for one in found.order_by("id")]


def readers_of(person: str, *, register: str) -> list[tuple[str, ReadView]]:
    """Return the reads of data of *person* (a personal number) in *register* with the systems that read, newest first.

    They are the last `MOST_READS` of those that are not sealed and read something of their own.
    """
    own = ReadPerson.objects.filter(person=keys.blind(BLIND, person)).exclude(fields=[]).values("record_id")
    today = nation.current().today()
    later = Postponement.objects.filter(record=OuterRef("pk"), until__gt=today)
    shown = Q(hidden_until=None) | (Q(hidden_until__lte=today) & ~Exists(later))
    found = ReadRecord.objects.filter(shown, id__in=own, register=register, operation=READ, refused="")
    words = in_words()
    return [(one.client, words.of(one)) for one in found.order_by("-id")[:MOST_READS]]


def reads_of_case(case: str) -> list[ReadView]:
    """Return every use of this system's gate for *case* that is not sealed, the oldest first, refused ones too."""
    today = nation.current().today()
    return list(map(in_words().of, OF_CASE.all(case, today, today)))


def newest_of_case(case: str, most: int, before: str = "", language: str = "") -> list[ReadView]:
    """Return as `reads_of_case`, but *most* of them, the newest first; with *before* those before that record.

    Words are of every language, or of *language* alone.
    """
    today = nation.current().today()
    first = UUID(before) if before else LAST
    return list(map(in_words(language).of, NEWEST_OF_CASE.all(case, today, today, first, most)))


def records_of(ids: Sequence[str]) -> dict[str, ReadView]:
    """Return the uses of this system's gate with these *ids*, by id; an id it does not know is absent."""
    words = in_words()
    return {str(record.id): words.of(record) for record in ReadRecord.objects.filter(id__in=ids)}


class InWords:
    """Puts records into words, of every language or of *language* alone: what they have in common once for all."""

    def __init__(self, language: str = "") -> None:
        self._language = language
        self._agency = lru_cache(maxsize=MOST_WORDS)(self._agency_of)
        self._called = lru_cache(maxsize=MOST_WORDS)(self._called_as)
        self._reason = lru_cache(maxsize=MOST_WORDS)(self._reason_of)

    def of(self, record: ReadRecord) -> ReadView:
        """Return a record in words."""
        agency, agency_text = self._agency(record.client, record.user.partition(".")[0])
        called, fields = self._called(record.register, tuple(record.fields))
        return _view(record, agency, (agency_text, called, fields), self._reason(record.purpose, record.basis))

    def _agency_of(self, client: str, office: str) -> tuple[str, Text]:
        agency, text = agency_of(client, office)
        return agency, self._only(text)

    def _called_as(self, what: str, names: Sequence[str]) -> tuple[Text, tuple[Text, ...]]:
        called, fields = _said(what, names)
        return self._only(called), tuple(map(self._only, fields))

    def _reason_of(self, purpose: str, basis: str) -> tuple[Text, Text, str]:
        purpose_text, basis_text, law = _reason(purpose, basis)
        return self._only(purpose_text), self._only(basis_text), law

    def _only(self, text: Text) -> Text:
        return {self._language: pick(text, self._language)} if self._language else text


def in_words(language: str = "") -> InWords:
    """Return what puts records into words as this nation says them today, in every language or in one."""
    return nation.current().daily(InWords, language if language in nation.current().languages else "")


def _view(
    record: ReadRecord, agency: str, said: tuple[Text, Text, tuple[Text, ...]], reason: tuple[Text, Text, str]
) -> ReadView:
    agency_text, called, fields = said
    purpose_text, basis_text, law = reason
    return ReadView(
        record=str(record.id),
        moment=record.moment,
        by_agency=agency,
        by_user=record.user,
        register=record.register,
        operation=record.operation,
        purpose=record.purpose,
        basis=record.basis,
        fields=tuple(record.fields),
        refused=bool(record.refused),
        stopped=record.refused == RESTRICTED,
        case=record.case,
        agency_text=agency_text,
        register_text=called,
        field_texts=fields,
        purpose_text=purpose_text,
        basis_text=basis_text,
        law=law,
    )


def _reason(purpose_id: str, basis_id: str) -> tuple[Text, Text, str]:
    """Return a purpose and its basis in words, and the article of law."""
    purpose = rights.purposes().get(purpose_id)
    basis = purpose.basis.get(basis_id) if purpose else None
    purpose_text = purpose.text if purpose else _plain(purpose_id)
    return purpose_text, basis.text if basis else _plain(basis_id), basis.reference if basis else ""


def agency_of(client: str, office: str) -> tuple[str, Text]:
    """Return the agency of an officer's post (*office*, else any word), or the member whose system *client* asked."""
    agencies = nation.current().agencies
    found = agencies.get(office) or next(
        (one for one in agencies.values() if one.is_member and one.subsystem == client), None
    )
    return (found.id, found.name) if found else (client, _plain(client))


def _said(what: str, names: Sequence[str]) -> tuple[Text, tuple[Text, ...]]:
    """Return what was read in words, and which of its fields: of a register, of a room above, else of a service."""
    if register := _register(what):
        return register["name"], tuple(_field_texts(register, names))
    said = (words(what, names) for words in _words)
    called, fields = next(filter(None, said), (_service(what), list(map(_plain, names))))
    return called, tuple(fields)


def _register(name: str) -> Mapping[str, Any]:
    documents = nation.current().documents("register")
    return next((one.data for one in documents if one.data["register"] == name), {})


def _service(name: str) -> Text:
    """Return the words for a service that is no register."""
    if name not in SERVICES:
        return _plain(name)
    said = {}
    for language in nation.current().languages:
        with override(language):
            said[language] = gettext(SERVICES[name])
    return said


def _field_texts(register: Mapping[str, Any], names: Sequence[str]) -> Iterable[Text]:
    known = united(register, "fields")
    return (known[name]["name"] if name in known else _plain(name) for name in names)


def _plain(word: str) -> Text:
    return dict.fromkeys(nation.current().languages, word)
