"""What belongs to no nation, read from a folder: countries, groups with dates, definitions of indices."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from onedoor.kernel.nation import Document, Fault, FileKind, nearest
from onedoor.kernel.nation.nation import read_document, shown
from onedoor.kernel.said import said
from onedoor.kernel.text import LANGUAGES, Text
from onedoor.measurement import countries
from onedoor.measurement.countries import Countries, loose
from onedoor.measurement.domain import GROUPS, INDICES
from onedoor.measurement.errors import BadDefinition, NoEdition, NoGroup, NoIndex, NoWorld
from onedoor.measurement.faults import check_index
from onedoor.measurement.rules.index import Edition, Part

END_OF_MONTH = "-31"


@dataclass(frozen=True)
class Group:
    """A group of countries: since when and until when each is a member."""

    id: str
    name: Text
    also: tuple[str, ...]
    periods: tuple[tuple[str, str, str], ...]
    source: str = ""

    def members(self, day: str) -> frozenset[str]:
        """Return the codes of those who are members on *day*."""
        return frozenset(code for code, since, until in self.periods if since <= day <= until)

    def called(self, name: str) -> bool:
        """Return whether *name* means this group."""
        return loose(name) in map(loose, (self.id, *self.name.values(), *self.also))


@dataclass(frozen=True)
class Definition:
    """One index with its editions."""

    id: str
    data: Mapping[str, Any]

    @cached_property
    def editions(self) -> Mapping[int, Mapping[str, Any]]:
        """Return the data of each edition by its year."""
        return {one["edition"]: one for one in self.data["editions"]}

    @cached_property
    def _read(self) -> dict[int, Edition]:
        return {}

    def edition(self, year: int) -> Edition:
        """Return the edition of *year*; raise `NoEdition`."""
        if year not in self.editions:
            known = ", ".join(map(str, sorted(self.editions)))
            raise NoEdition(index=self.data["name"], edition=year, known=known)
        if year not in self._read:
            self._read[year] = _edition(self.data, self.editions[year])
        return self._read[year]

    def day(self, year: int) -> str:
        """Return the day on which memberships count for the edition of *year*."""
        published = str(self.editions[year]["published"])
        return published if published.count("-") > 1 else published + END_OF_MONTH

    def ranked_group(self, year: int) -> str:
        """Return the id of the group whose members are ranked in *year*, others being scored only; or nothing."""
        return str(self.editions[year].get("ranked", {}).get("group", ""))

    def complete(self, year: int) -> bool:
        """Return whether all who are ranked in *year* must be in its table."""
        return bool(self.editions[year].get("ranked", {}).get("complete"))

    def name_of(self, part: str) -> Text:
        """Return what the part *part* is called."""
        return next(name for id_, name in _names(self.data) if id_ == part)


@dataclass(frozen=True)
class World:
    """The folder, read and checked."""

    path: Path
    countries: Countries
    groups: Mapping[str, Group]
    indices: Mapping[str, Definition]

    def group(self, name: str) -> Group:
        """Return the group called *name* by its id or in any language; raise `NoGroup`."""
        found = next((group for group in self.groups.values() if group.called(name)), None)
        if found is None:
            raise NoGroup(group=name, known=", ".join(group.name["en"] for group in self.groups.values()))
        return found

    def index(self, name: str) -> Definition:
        """Return the definition of the index *name*; raise `NoIndex`."""
        if name not in self.indices:
            raise NoIndex(index=name, folder=shown(self.path))
        return self.indices[name]


@cache
def world(path: Path) -> World:
    """Return the world in the folder *path*; raise `NoWorld`, or `BadDefinition` with every fault of its files."""
    read, faults = check(path)
    if faults or read is None:
        raise BadDefinition(faults)
    return read


def check(path: Path) -> tuple[World | None, list[Fault]]:
    """Return the world in the folder *path* and its faults; without a world when there are some."""
    if not (path / "countries.csv").is_file():
        raise NoWorld(folder=path)
    known, faults = countries.read(path / "countries.csv", shown(path / "countries.csv"))
    groups, indices = list(_documents(path, GROUPS, faults)), list(_documents(path, INDICES, faults))
    faults += [fault for one in groups for fault in _unknown(one, known)]
    faults += [fault for one in indices for fault in (*check_index(one), *_groupless(one, groups))]
    if faults:
        return None, sorted(faults)
    return World(
        path,
        known,
        {one.data["group"]: _group(one.data) for one in groups},
        {one.data["index"]: Definition(one.data["index"], one.data) for one in indices},
    ), []


def _documents(path: Path, kind: FileKind, faults: list[Fault]) -> Iterator[Document]:
    """Yield the good files of *kind* and put the faults of the others to *faults*."""
    for file in kind.paths(path):
        document, wrong = read_document(file, kind, LANGUAGES)
        faults += wrong
        if not wrong:
            yield document


def _unknown(document: Document, known: Countries) -> Iterator[Fault]:
    for number, member in enumerate(document.data["members"]):
        for place, code in enumerate(member["codes"]):
            if code not in known.names:
                keys = ("members", number, "codes", place)
                yield document.fault(
                    keys, said("there is no country “{code}”", code=code), said("write a code of countries.csv")
                )


def _groupless(document: Document, groups: Sequence[Document]) -> Iterator[Fault]:
    known = [group.data["group"] for group in groups]
    for number, edition in enumerate(document.data["editions"]):
        group = edition.get("ranked", {}).get("group")
        if group is not None and group not in known:
            keys = ("editions", number, "ranked", "group")
            yield document.fault(keys, said("there is no group “{group}”", group=group), nearest(group, known))


def _group(data: Mapping[str, Any]) -> Group:
    periods = tuple(
        (code, member.get("since", ""), member.get("until", "9999"))
        for member in data["members"]
        for code in member["codes"]
    )
    return Group(data["group"], data["name"], tuple(data.get("also", ())), periods, data.get("source", ""))


def _edition(data: Mapping[str, Any], edition: Mapping[str, Any]) -> Edition:
    return Edition(
        index=data["index"],
        edition=edition["edition"],
        root=_part({"id": data["index"], **data}, edition["weights"]),
        decimals=edition["decimals"],
        ranked_on=edition["ranked_on"],
        zero_is_unassessed="zero" in data,
        value=data["value"],
        beside=tuple(data.get("beside", ())),
    )


def _part(data: Mapping[str, Any], weights: Mapping[str, int]) -> Part:
    return Part(
        id=data["id"],
        weight=weights.get(data["id"], 1),
        minimum=_decimal(data.get("minimum")),
        maximum=_decimal(data.get("maximum")),
        goal=_decimal(data.get("goal")),
        direction=data.get("direction", "higher"),
        treatment=data.get("treatment", "none"),
        normalisation=data.get("normalisation", "none"),
        parts=tuple(_part(part, weights) for part in data.get("parts", ())),
        aggregation=data.get("aggregation", "arithmetic"),
        power=float(data.get("power", 1)),
    )


def _decimal(number: float | None) -> Decimal | None:
    return None if number is None else Decimal(str(number))


def _names(data: Mapping[str, Any]) -> Iterator[tuple[str, Text]]:
    for part in data.get("parts", ()):
        yield part["id"], part["name"]
        yield from _names(part)
