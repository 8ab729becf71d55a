"""Codes in the examples of a service file: each stands in the list, the units or the agencies that it is a code of."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any

from onedoor.kernel.nation import Document, Fault, Nation, nearest
from onedoor.kernel.nation.layers import current
from onedoor.kernel.said import said

UNITS, AGENCIES = "units", "agencies"
Place = tuple[str | int, ...]
Schema = Mapping[str, Any]


def faults(document: Document, nation: Nation) -> Iterator[Fault]:
    """Yield the codes that are none, in the records that registers hold in an example and in the agency that issues."""
    registers = {one.data["register"]: one.data for one in nation.documents("register")}
    for number, example in enumerate(document.data.get("examples", ())):
        today = date.fromisoformat(example["today"])
        for name, records in example.get("registers", {}).items():
            if data := registers.get(name):
                fields = {key: one["schema"] for key, one in current(data, today)["fields"].items()}
                schema = {"items": {"properties": fields}}
                yield from _wrong(document, nation, ("examples", number, "registers", name), schema, records)
        agency = {"id": {"codes": AGENCIES}, "unit": {"codes": UNITS}}
        issue = {"properties": {"agency": {"properties": agency}}}
        yield from _wrong(document, nation, ("examples", number, "issue"), issue, example.get("issue"))


def _wrong(document: Document, nation: Nation, keys: Place, schema: Schema, value: Any) -> Iterator[Fault]:  # noqa: ANN401
    """Yield the codes in *value*, which stands at *keys*, that are none of those its *schema* names."""
    if isinstance(value, Mapping):
        for name, part in schema.get("properties", {}).items():
            yield from _wrong(document, nation, (*keys, name), part, value.get(name))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _wrong(document, nation, (*keys, number), schema.get("items", {}), one)
    elif value and (listed := schema.get("codes")):
        yield from _unknown(document, nation, keys, listed, str(value))


def _unknown(document: Document, nation: Nation, keys: Place, listed: str, code: str) -> Iterator[Fault]:
    if listed == UNITS:
        if not nation.units.ever(code):
            wrong = said("no administrative unit ever had the code “{code}”", code=code)
            yield document.fault(keys, wrong, said("write the code of a unit"))
        return
    known = nation.agencies if listed == AGENCIES else nation.once(_whole_lists).get(listed, {})
    if known and code not in known:
        wrong = said("“{code}” stands not among {listed}", code=code, listed=listed)
        yield document.fault(keys, wrong, nearest(code, sorted(known)))


def _whole_lists(nation: Nation) -> Mapping[str, Collection[str]]:
    """Return the codes of each list that claims to be whole."""
    lists = (one.data for one in nation.documents("list"))
    return {one["list"]: one["items"] for one in lists if not one.get("excerpt")}
