"""Records in the examples of a service file: their fields are the register's, their codes are codes."""

from collections.abc import Collection, Iterator
from datetime import date
from typing import Any

from onedoor.kernel.nation import AGENCIES, UNITS, Document, Fault, Nation, code_faults, nearest
from onedoor.kernel.nation.layers import current, united
from onedoor.kernel.said import said
from onedoor.procedures.scopes import Keys


def faults(document: Document, nation: Nation) -> Iterator[Fault]:
    """Yield fields and codes that are none, in what registers hold in an example and in the agency that issues."""
    registers = {one.data["register"]: one.data for one in nation.documents("register")}
    for number, example in enumerate(document.data.get("examples", ())):
        today = date.fromisoformat(example["today"])
        for name, records in example.get("registers", {}).items():
            if data := registers.get(name):
                fields = {key: one["schema"] for key, one in current(data, today)["fields"].items()}
                yield from _strange(document, ("examples", number, "registers", name), united(data, "fields"), records)
                schema = {"items": {"properties": fields}}
                yield from code_faults(document, nation, ("examples", number, "registers", name), schema, records)
        agency = {"id": {"codes": AGENCIES}, "unit": {"codes": UNITS}}
        issue = {"properties": {"agency": {"properties": agency}}}
        yield from code_faults(document, nation, ("examples", number, "issue"), issue, example.get("issue"))


def _strange(document: Document, keys: Keys, known: Collection[str], records: Any) -> Iterator[Fault]:  # noqa: ANN401
    """Yield what the *records* at *keys* have that is none of the *known* fields."""
    for number, record in enumerate(records):
        for name in record:
            if name not in known:
                wrong = said("the register “{register}” has no field “{name}”", register=keys[-1], name=name)
                yield document.fault((*keys, number, name), wrong, nearest(name, sorted(known)))
