"""A nation: its base data at once, all its other files when asked for."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from onedoor.kernel import clock
from onedoor.kernel.clock import Calendar
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.nation import agencies, calendars, lists, shapes
from onedoor.kernel.nation.agencies import Agency
from onedoor.kernel.nation.documents import Document, Fault, parse
from onedoor.kernel.nation.file_kinds import DATE_SCHEMA, FileKind, kind_of, register
from onedoor.kernel.nation.lists import CodeList
from onedoor.kernel.nation.organisations import Organisations
from onedoor.kernel.nation.schemas import schema_faults, text_faults, without_unknown_keys
from onedoor.kernel.nation.shapes import Shape
from onedoor.kernel.nation.texts import TEXT_SCHEMA
from onedoor.kernel.nation.units import Units
from onedoor.kernel.said import Translate, said, spoken
from onedoor.kernel.text import Text

T = TypeVar("T")
PERIOD = "^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$"
MOMENT = "^([01][0-9]|2[0-3]):[0-5][0-9]$"
FACT: Mapping[str, Any] = {"source": {"type": "string", "minLength": 1}, "illustrative": {"const": True}}
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["id", "name", "languages", "zone", "calendar", "units"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "pattern": "^[A-Z]{2}$", "description": "the country's two letters, such as VN"},
        "name": TEXT_SCHEMA,
        "languages": {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": "^[a-z]{2}$"}},
        "zone": {"type": "string", "description": "a time zone such as Asia/Ho_Chi_Minh"},
        "calendar": {
            "type": "object",
            "required": ["days", "week", "hours"],
            "anyOf": agencies.SOURCED,
            "additionalProperties": False,
            "properties": {
                "days": {"type": "string", "description": "the path of the CSV table of special days"},
                "week": {"type": "array", "minItems": 1, "items": {"enum": list(calendars.WEEK)}},
                "hours": {
                    "type": "array",
                    "minItems": 1,
                    "items": {"type": "string", "pattern": PERIOD, "description": "a period such as 08:00-12:00"},
                },
                "cutoff": {"type": "string", "pattern": MOMENT, "description": "a time of day such as 15:00"},
                "cutoff_source": {"type": "string"},
                "note": TEXT_SCHEMA,
                **FACT,
            },
        },
        **dict.fromkeys(shapes.KEYS, shapes.SCHEMA),
        "organisations": {
            "type": "object",
            "required": ["table", "identifiers"],
            "anyOf": agencies.SOURCED,
            "additionalProperties": False,
            "properties": {
                "table": {"type": "string", "description": "the path of the CSV table of public organisations"},
                "identifiers": {"type": "string", "description": "the path of the CSV table of their identifiers"},
                "licence": {"type": "string"},
                "note": TEXT_SCHEMA,
                **FACT,
            },
        },
        "units": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["table", "since", "source", "licence"],
                "additionalProperties": False,
                "properties": {
                    "table": {"type": "string"},
                    "since": DATE_SCHEMA,
                    "until": DATE_SCHEMA,
                    "licence": {"type": "string"},
                    "note": TEXT_SCHEMA,
                    **FACT,
                },
            },
        },
    },
}


SHOWN = 3
"""Faults that one sentence names."""


class BadNation(OnedoorError):
    """The nation's files have faults: {faults}. Please correct them and start again."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(faults=self._shown(str))

    def text(self, translate: Callable[[str], str] = str, language: str = "en") -> str:
        """Return the sentence with the first faults, all in the language of *translate*."""
        self.facts["faults"] = self._shown(translate)
        return super().text(translate, language)

    def _shown(self, translate: Translate) -> str:
        shown = " | ".join(fault.text(translate) for fault in self.faults[:SHOWN])
        more = said("… and {n} more", n=len(self.faults) - SHOWN)
        return f"{shown} {spoken(more, translate)}" if len(self.faults) > SHOWN else shown


@dataclass(frozen=True)
class Nation:
    """A nation as its folder describes it; ``languages`` has the first language of the nation first."""

    id: str
    name: Text
    languages: tuple[str, ...]
    zone: ZoneInfo
    calendar: Calendar
    agencies: Mapping[str, Agency]
    units: Units
    path: Path
    person_number: Shape = field(default_factory=Shape)
    service_code: Shape = field(default_factory=Shape)
    organisations: Organisations = field(default_factory=Organisations, repr=False, compare=False)
    _documents: dict[str, tuple[Document, ...]] = field(default_factory=dict, repr=False, compare=False)
    _made: dict[Callable[..., Any], Any] = field(default_factory=dict, repr=False, compare=False)
    _today: dict[tuple[object, ...], tuple[date, Any]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def members(self) -> Mapping[str, Agency]:
        """Return the agencies that are members of the exchange, by id."""
        return self.once(_members)

    def holder_of(self, subsystem: str) -> Text:
        """Return the name of the member whose system *subsystem* is, or its id where no member has it."""
        return self.once(_holders).get(subsystem) or dict.fromkeys(self.languages, subsystem)

    def today(self) -> date:
        """Return the present day in the nation's time zone."""
        return self.calendar.local(clock.now()).date()

    def documents(self, kind: str) -> Sequence[Document]:
        """Return all files of the registered *kind*; raise `BadNation` when their YAML or schema is at fault."""
        if kind not in self._documents:
            read = [read_document(path, kind_of(kind), self.languages) for path in self._paths(kind)]
            if faults := [fault for _, found in read for fault in found]:
                raise BadNation(faults)
            self._documents[kind] = tuple(document for document, _ in read)
        return self._documents[kind]

    def remember(self, kind: str, documents: Iterable[Document]) -> None:
        """Take *documents* for the files of *kind*, read and checked before."""
        self._documents[kind] = tuple(documents)

    def once(self, make: Callable[["Nation"], T]) -> T:
        """Return what a room's function *make* makes of this nation; made once and kept with it."""
        if make not in self._made:
            self._made[make] = make(self)
        return cast("T", self._made[make])

    def daily(self, make: Callable[..., T], *facts: str) -> T:
        """Return what a room's function *make* makes of *facts* today; made once a day and kept with the nation."""
        asked, day = (make, *facts), self.today()
        known = self._today.get(asked)
        if known is None or known[0] != day:
            known = self._today[asked] = day, make(*facts)
        return cast("T", known[1])

    def list(self, name: str) -> CodeList:
        """Return the code list *name*; `KeyError` when the nation has none of that name."""
        return self.once(_lists)[name]

    def _paths(self, kind: str) -> Iterable[Path]:
        return kind_of(kind).paths(self.path)


def _members(country: Nation) -> Mapping[str, Agency]:
    return {key: agency for key, agency in country.agencies.items() if agency.is_member}


def _holders(country: Nation) -> Mapping[str, Text]:
    """Return the name of each member by its system."""
    found: dict[str, Text] = {}
    for one in country.members.values():
        found.setdefault(one.subsystem, one.name)
    return found


def _lists(country: Nation) -> Mapping[str, CodeList]:
    return {document.path.stem: lists.make_list(document) for document in country.documents("list")}


def load(path: Path) -> Nation:
    """Return the nation in the folder *path*; raise `BadNation` when its base data are at fault."""
    nation, faults = load_base(path)
    if nation is None or faults:
        raise BadNation(faults)
    return nation


def load_base(path: Path) -> tuple[Nation | None, list[Fault]]:
    """Return the nation in *path*, if its base data can be made sense of, and their faults (not those of units)."""
    file = path / "nation.yaml"
    if not file.is_file():
        return None, [
            Fault(str(file), 1, said("there is no nation here"), said("give the folder that holds nation.yaml"))
        ]
    document, faults = read_document(file, NATION, None)
    wrong = [*_zone_faults(document), *shapes.faults(document)] if is_usable(document, NATION, faults) else faults
    if wrong:
        return None, sorted({*faults, *wrong})
    data = document.data
    agency_file, wrong_agencies = read_document(path / "agencies.yaml", AGENCIES, data["languages"])
    days, wrong_days = calendars.read_days(path / data["calendar"]["days"], shown(path / data["calendar"]["days"]))
    faults += [*wrong_agencies, *wrong_days]
    if not is_usable(agency_file, AGENCIES, wrong_agencies):
        return None, faults
    return Nation(
        id=data["id"],
        name=data["name"],
        languages=tuple(data["languages"]),
        zone=ZoneInfo(data["zone"]),
        calendar=calendars.make_calendar(data["zone"], data["calendar"], days),
        agencies=agencies.make_agencies(agency_file.data),
        units=Units({shown(path / table["table"]): path / table["table"] for table in data["units"]}),
        path=path,
        person_number=Shape.read(data.get("person_number")),
        service_code=Shape.read(data.get("service_code")),
        organisations=_organisations(path, data.get("organisations")),
    ), faults


def _organisations(path: Path, data: Mapping[str, str] | None) -> Organisations:
    if data is None:
        return Organisations()
    table, identifiers = path / data["table"], path / data["identifiers"]
    return Organisations((shown(table), table), (shown(identifiers), identifiers))


def read_document(file: Path, kind: FileKind, languages: Sequence[str] | None) -> tuple[Document, list[Fault]]:
    """Return the *file* of *kind*, where possible without its unknown keys, and the faults of YAML, schema and texts.

    *languages* of None are those the file itself lists (``nation.yaml``).
    """
    document, faults = parse(file, shown(file))
    if not faults:
        faults = list(schema_faults(document, kind))
    usable = without_unknown_keys(document, kind) if faults else document
    if usable:
        faults += text_faults(usable, kind, usable.data["languages"] if languages is None else languages)
    return usable or document, faults


def is_usable(document: Document, kind: FileKind, faults: Sequence[Fault]) -> bool:
    """Return whether the rest of the nation can be checked against *document* in spite of its *faults*."""
    return not faults or kind.validator.is_valid(document.data)


def shown(path: Path) -> str:
    """Return *path* as faults show it: from the present folder when it lies below."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _lasting(data: Mapping[str, Any]) -> Mapping[tuple[str, ...], Any]:
    """Return what processes read once, when they start."""
    return {(key,): data[key] for key in ("id", "languages", "zone")}


def _zone_faults(document: Document) -> Iterable[Fault]:
    zone = document.data["zone"]
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield document.fault(
            ["zone"], said("there is no time zone “{zone}”", zone=zone), said("write one such as Asia/Ho_Chi_Minh")
        )
    edges = [time.fromisoformat(edge) for period in document.data["calendar"]["hours"] for edge in period.split("-")]
    if edges != sorted(set(edges)):
        path = ["calendar", "hours"]
        yield document.fault(
            path, said("the working hours overlap or run backwards"), said("write them in the order of the day")
        )


NATION = FileKind("nation", "nation.yaml", schema=SCHEMA, lasting=_lasting)
AGENCIES = FileKind("agencies", "agencies.yaml", agencies.check_agencies, agencies.SCHEMA, agencies.lasting)
LISTS = FileKind("list", "lists", lists.check_list, lists.SCHEMA)
for _kind in (NATION, AGENCIES, LISTS):
    register(_kind)
