"""Codes in values: each stands in the list, the units or the agencies that its schema names by ``codes``."""

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from onedoor.kernel.nation.documents import Document, Fault, Keys
from onedoor.kernel.nation.schemas import nearest
from onedoor.kernel.said import said

if TYPE_CHECKING:
    from onedoor.kernel.nation.nation import Nation

UNITS, AGENCIES = "units", "agencies"
"""What a schema may name beside the lists of the nation."""
Schema = Mapping[str, Any]


def code_faults(document: Document, nation: "Nation", keys: Keys, schema: Schema, value: Any) -> Iterator[Fault]:  # noqa: ANN401 - plain JSON
    """Yield the codes in *value*, which stands at *keys*, that are none of those its *schema* names."""
    if isinstance(value, Mapping):
        for name, part in schema.get("properties", {}).items():
            yield from code_faults(document, nation, (*keys, name), part, value.get(name))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from code_faults(document, nation, (*keys, number), schema.get("items", {}), one)
    elif value and (listed := schema.get("codes")):
        yield from _unknown(document, nation, keys, listed, str(value))


def _unknown(document: Document, nation: "Nation", keys: Keys, listed: str, code: str) -> Iterator[Fault]:
    if listed == UNITS:
        if not nation.units.ever(code):
            wrong = said("no administrative unit ever had the code “{code}”", code=code)
            yield document.fault(keys, wrong, said("write the code of a unit"))
        return
    known = nation.agencies if listed == AGENCIES else nation.once(_whole_lists).get(listed, {})
    if known and code not in known:
        wrong = said("“{code}” stands not among {listed}", code=code, listed=listed)
        yield document.fault(keys, wrong, nearest(code, sorted(known)))


def _whole_lists(nation: "Nation") -> Mapping[str, Collection[str]]:
    """Return the codes of each list that claims to be whole."""
    lists = (one.data for one in nation.documents("list"))
    return {one["list"]: one["items"] for one in lists if not one.get("excerpt")}
