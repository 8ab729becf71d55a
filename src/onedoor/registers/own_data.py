"""What each register of this system holds about a person who asks for it: of every record what is theirs to know."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from onedoor.kernel import nation
from onedoor.kernel.settings import current
from onedoor.privacy.service import READ, Reader, fields_granted, permit, permit_call
from onedoor.registers import rules, storage
from onedoor.registers.definition import Field, Register, held
from onedoor.registers.paths import first

SERVICE: Final = "own-data"
MOST = 100
"""Records of one register that are answered; of more, the first."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What one register holds about a person, the id of the record of this read, and whether there was more."""

    register: str
    records: list[dict[str, Any]]
    read: str
    more: bool


def of_person(person: str, *, reader: Reader) -> list[Holding]:
    """Return what every register here holds about *person* (a personal number) today, each once its read is on record.

    Raise `NotPermitted`, which is recorded.
    """
    permit_call(reader, service=SERVICE, provider=current().subsystem)
    granted = fields_granted(reader.client, READ, reader.purpose)
    return [_holding(register, person, reader) for key, register in held().items() if key in granted]


def theirs(register: Register, record: Mapping[str, Any], person: str) -> dict[str, Any]:
    """Return what of *record* is *person*'s to know: the fields about their place in it, and of lists their entries.

    What is about the record as a whole is its first subject's; to the others it is told as far as the register says
    that it is ``shared``.
    """
    shares = rules.shares(register, [record])
    if person not in shares:
        return {}
    own = set(shares[person] or ()) | register.shared
    return {name: _part(register.fields[name], record[name], person) for name in register.fields if name in own}


def _part(field: Field, value: Any, person: str) -> Any:  # noqa: ANN401 - what a register holds
    if field.of and isinstance(value, list):
        return [entry for entry in value if str(first(entry, field.of)) == person]
    return value


def _holding(register: Register, person: str, reader: Reader) -> Holding:
    found: dict[Any, dict[str, Any]] = {}
    today = nation.current().today()
    for key, lookup in register.lookups.items():
        if len(lookup) == 1 and all(parameter.person for parameter in lookup.values()):
            found |= storage.find(register, key, {next(iter(lookup)): person}, valid_on=today)
    mine = [one for record in found.values() if (one := theirs(register, record, person))]
    names = {name for record in mine for name in record}
    wanted = [name for name in register.fields if name in names] or list(register.fields)
    gate = permit(reader, register=register.id, persons={person: names or None}, wanted=wanted)
    cut = [{name: one[name] for name in gate.fields if name in one} for one in mine[:MOST]]
    return Holding(register.id, cut, gate.record, len(mine) > MOST)
