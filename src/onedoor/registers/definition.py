"""What a register is: read from one YAML file of the nation."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import jsonschema_rs

from onedoor.kernel import nation
from onedoor.kernel.clock import Limit
from onedoor.kernel.nation import layers
from onedoor.kernel.settings import current
from onedoor.kernel.text import Text
from onedoor.registers.errors import ClosedVersion, DraftVersion, UnknownLookup, UnknownRegister, UnknownVersion
from onedoor.registers.identifiers import Identifier, Part
from onedoor.registers.retention import Retention

DRAFT, PUBLISHED, ARCHIVED = "draft", layers.PUBLISHED, "archived"


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name, its JSON Schema, whether it is personal, and about which subject (``of``, a path)."""

    id: str
    name: Text
    schema: Mapping[str, Any]
    personal: bool
    required: bool
    default: Any = None
    of: str = ""


@dataclass(frozen=True)
class Parameter:
    """One value a look-up takes: where it stands in a record, how it is compared, whether it is a person's number."""

    paths: tuple[str, ...]
    how: str = "exact"
    person: bool = False

    @cached_property
    def field(self) -> str:
        """Return the one field it stands in as a whole; nothing when it may stand in several, or inside one."""
        path, *others = self.paths
        return "" if others or "." in path else path


@dataclass(frozen=True, slots=True)
class Corrections:
    """How long the owner has to decide on what a person calls wrong, and the posts at its desk that do."""

    limit: Limit
    posts: frozenset[str]


@dataclass(frozen=True)
class Register:
    """A national database as one version of its file describes it."""

    id: str
    name: Text
    owner: str
    subsystem: str
    subjects: tuple[str, ...]
    identity: tuple[str, ...]
    fields: Mapping[str, Field]
    lookups: Mapping[str, Mapping[str, Parameter]]
    identifier: Identifier
    law: tuple[Mapping[str, Any], ...] = field(default=())
    history: frozenset[str] = frozenset()
    """The purposes for which another day than today, or earlier knowledge, may be asked."""
    corrections: Corrections | None = None
    version: int = 1
    state: str = PUBLISHED
    valid_from: date = date.min
    fields_by_version: Mapping[int, frozenset[str]] = field(default_factory=dict)
    """The fields that each version of the register has."""
    retention: Retention | None = None
    shared: frozenset[str] = frozenset()
    """The fields about the record as a whole that are every subject's to know, not the first one's alone."""

    def added_since(self, version: int) -> Mapping[str, Any]:
        """Return what the fields hold that a record written under *version* could not have."""
        if version == self.version:
            return {}
        before = self.fields_by_version.get(version, self.fields.keys())
        return {name: value for name, value in self.defaults.items() if name not in before}

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        """Return the JSON Schema of a whole record."""
        return {
            "type": "object",
            "additionalProperties": False,
            "required": list(self.fields),
            "properties": {name: dict(one.schema) for name, one in self.fields.items()},
        }

    @cached_property
    def validator(self) -> jsonschema_rs.Validator:
        """Return the compiled schema."""
        return jsonschema_rs.validator_for(dict(self.schema), validate_formats=True)

    @cached_property
    def defaults(self) -> Mapping[str, Any]:
        """Return what the fields that may be left out hold then."""
        return {name: one.default for name, one in self.fields.items() if not one.required}

    @cached_property
    def plain(self) -> tuple[str, ...]:
        """Return the fields that are not personal."""
        return tuple(name for name, one in self.fields.items() if not one.personal)

    @cached_property
    def own(self) -> tuple[str, ...]:
        """Return the personal fields about the first subject."""
        return tuple(name for name, one in self.fields.items() if one.personal and not one.of)

    @cached_property
    def of_others(self) -> tuple[Field, ...]:
        """Return the personal fields that may be about somebody else."""
        return tuple(one for one in self.fields.values() if one.personal and one.of)

    @cached_property
    def belonging(self) -> Mapping[str, frozenset[str]]:
        """Return by subject the fields that are that person's alone; those of no one subject stand under ""."""
        found: dict[str, set[str]] = {}
        for one in self.fields.values():
            found.setdefault(self._subject(one), set()).add(one.id)
        return {subject: frozenset(names) for subject, names in found.items()}

    def _subject(self, one: Field) -> str:
        """Return the subject that a field is about, or nothing when it is about the record as a whole."""
        paths = (one.of, f"{one.id}.*.{one.of}") if one.of else (one.id,)
        roots = (path for path in self.subjects if not one.of and path.partition(".")[0] == one.id)
        return next((path for path in (*paths, *roots) if path in self.subjects), "")

    def lookup_of(self, parameters: Iterable[str]) -> str:
        """Return the id of the look-up that takes exactly *parameters*; raise `UnknownLookup`."""
        wanted = set(parameters)
        for key, lookup in self.lookups.items():
            if set(lookup) == wanted:
                return key
        known = "; ".join(" + ".join(lookup) for lookup in self.lookups.values())
        raise UnknownLookup(register=self.id, known=known)


def held() -> Mapping[str, Register]:
    """Return the registers this system holds; a process without a subsystem of its own (tests) holds all."""
    mine = current().subsystem
    return {key: one for key, one in registers().items() if not mine or one.subsystem == mine}


def register_of(key: str, version: int | None = None) -> Register:
    """Return the register *key* that this system holds, in its current *version* when None.

    Raise `UnknownRegister` or `UnknownVersion`.
    """
    versions = nation.current().once(_read_all).get(key)
    mine = current().subsystem
    if versions is None or (mine and versions[0].subsystem != mine):
        raise UnknownRegister(register=key[:60])
    now = in_force(versions, nation.current().today())
    found = now if version is None else next((one for one in versions if one.version == version), None)
    if found is None:
        raise UnknownVersion(register=key, version=version, current=now.version)
    return found


def to_read(key: str, version: int | None = None) -> Register:
    """Return the register *key* as `register_of`, when it may be read in that version; raise `DraftVersion`."""
    found = register_of(key, version)
    if found.state == DRAFT:
        raise DraftVersion(register=key, version=version, current=register_of(key).version)
    return found


def to_write(key: str, version: int | None = None) -> Register:
    """Return the register *key* as `register_of`, when that version takes writes today: one does at a time.

    Raise `DraftVersion` or `ClosedVersion`, which name the version that does.
    """
    found, now = to_read(key, version), register_of(key)
    if found.version != now.version:
        raise ClosedVersion(register=key, version=version, current=now.version)
    return found


def registers() -> Mapping[str, Register]:
    """Return all registers of the nation in the versions that are current today."""
    return nation.current().daily(_in_force)


def in_force(versions: Iterable[Register], day: date) -> Register:
    """Return the published version that began last by *day*; before all of them, the first one published."""
    published = (one for one in versions if one.state == PUBLISHED)
    return layers.in_force(published, day, lambda one: one.valid_from)


def _in_force() -> Mapping[str, Register]:
    here = nation.current()
    return {key: in_force(versions, here.today()) for key, versions in here.once(_read_all).items()}


def _read_all(country: nation.Nation) -> Mapping[str, tuple[Register, ...]]:
    return {document.data["register"]: versions_of(document.data) for document in country.documents("register")}


def versions_of(data: Mapping[str, Any]) -> tuple[Register, ...]:
    """Return every version of the register that a checked file describes."""
    plain = layers.whole(data)
    fields = {one.get("version", 1): frozenset(one["fields"]) for one in plain}
    return tuple(read(one, fields) for one in plain)


def read(data: Mapping[str, Any], by_version: Mapping[int, frozenset[str]] | None = None) -> Register:
    """Return the register that one version of a checked file describes; *by_version* are the fields of each."""
    scheme = data["identifier"]
    return Register(
        id=data["register"],
        name=data["name"],
        owner=data["owner"],
        subsystem=data["subsystem"],
        subjects=tuple(data["subjects"]),
        identity=tuple(data["identity"]),
        fields={key: _field(key, one) for key, one in data["fields"].items()},
        lookups={
            key: {name: _parameter(one) for name, one in lookup.items()} for key, lookup in data["lookups"].items()
        },
        identifier=Identifier(scheme["field"], tuple(Part.read(part) for part in scheme["parts"])),
        law=tuple(data["law"]),
        history=frozenset(data.get("history", ())),
        corrections=_corrections(data["corrections"]) if "corrections" in data else None,
        version=data.get("version", 1),
        state=data.get("state", PUBLISHED),
        valid_from=date.fromisoformat(data["valid_from"]) if "valid_from" in data else date.min,
        fields_by_version=by_version or {},
        retention=Retention.read(data["retention"]) if "retention" in data else None,
        shared=frozenset(data.get("shared", ())),
    )


def _corrections(data: Mapping[str, Any]) -> Corrections:
    return Corrections(Limit.parse(data["limit"]), frozenset(data["posts"]))


def _field(key: str, data: Mapping[str, Any]) -> Field:
    return Field(
        id=key,
        name=data["name"],
        schema=data["schema"],
        personal=data["personal"],
        required=data.get("required", "default" not in data),
        default=data.get("default"),
        of=data.get("of", ""),
    )


def _parameter(data: Mapping[str, Any]) -> Parameter:
    return Parameter(tuple(data["paths"]), data.get("as", "exact"), data.get("person", False))
