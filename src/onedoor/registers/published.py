"""The schemas that this database holds records under: what a published version says of its fields never changes."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from onedoor.kernel import nation
from onedoor.kernel.nation import BadNation, Document, Fault
from onedoor.kernel.nation.layers import PUBLISHED, laid_over, whole
from onedoor.kernel.said import said
from onedoor.registers.definition import DRAFT, held
from onedoor.registers.models import PublishedSchema, Record

PUT_BACK = said("put it back as it was, and publish the change as a new version")


def keep() -> None:
    """Keep the schema of every published version of the registers held here.

    Raise `BadNation` with file and line where a version under which records lie says something else than before.
    """
    documents = [one for one in nation.current().documents("register") if one.data["register"] in held()]
    if faults := [fault for document in documents for fault in _kept(document)]:
        raise BadNation(faults)


def _kept(document: Document) -> Iterator[Fault]:
    register = document.data["register"]
    before = {row.version: row for row in PublishedSchema.objects.filter(register=register)}
    for place, one in enumerate(whole(document.data)):
        number, fields = one.get("version", 1), _stored_by(one)
        if one.get("state", PUBLISHED) == DRAFT:
            continue
        row = before.pop(number, None)
        if row is None:
            PublishedSchema.objects.get_or_create(register=register, version=number, defaults={"fields": fields})
        elif row.fields != fields and _used(register, number):
            yield from _changes(laid_over(document, place, one), number, row.fields, fields)
        elif row.fields != fields:
            PublishedSchema.objects.filter(register=register, version=number).update(fields=fields)
    for number in before:
        if _used(register, number):
            wrong = said(
                "version {number} of this register, under which records lie, is gone or a draft again", number=number
            )
            yield document.fault(
                ("versions",), wrong, said("put it back; archive it when it shall take no more writes")
            )


def _stored_by(version: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a version says of its fields, their names in words apart, as JSON gives it back."""
    fields = version["fields"].items()
    stored = {name: {key: part for key, part in field.items() if key != "name"} for name, field in fields}
    return dict(json.loads(json.dumps(stored)))


def _used(register: str, version: int) -> bool:
    return Record.objects.filter(register=register, schema=version).exists()


def _changes(document: Document, number: int, before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Fault]:
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            did = (
                said("is new")
                if name not in before
                else said("is gone")
                if name not in now
                else said("is not as it was")
            )
            wrong = said(
                "field “{name}” {did} in version {number}, which is published and under which records lie",
                name=name,
                did=did,
                number=number,
            )
            yield document.fault(("fields", name), wrong, PUT_BACK)
