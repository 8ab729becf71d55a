"""What the schema of an index cannot say: ids, weights and scales that fit each other."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from onedoor.kernel.nation import Document, Fault, Nation, nearest
from onedoor.kernel.said import said
from onedoor.measurement import points_faults

Keys = tuple[str | int, ...]


def check_index(document: Document, nation: Nation | None = None) -> Iterator[Fault]:
    """Yield the faults of the definition of an index beyond its schema."""
    parts = list(_parts(document.data, ()))
    ids = [part["id"] for _, part in parts]
    for number, (keys, part) in enumerate(parts):
        if part["id"] in ids[:number]:
            yield document.fault(
                (*keys, "id"), said("the part “{id}” is here twice", id=part["id"]), said("give one another id")
            )
        yield from _part(document, keys, part)
    years = [edition["edition"] for edition in document.data["editions"]]
    for number, edition in enumerate(document.data["editions"]):
        keys = ("editions", number)
        if edition["edition"] in years[:number]:
            yield document.fault(
                (*keys, "edition"),
                said("the edition {edition} is here twice", edition=edition["edition"]),
                said("keep one"),
            )
        yield from _weights(document, keys, edition["weights"], ids)
    yield from points_faults.check(document, parts, nation)


def _parts(data: Mapping[str, Any], keys: Keys) -> Iterator[tuple[Keys, Mapping[str, Any]]]:
    for number, part in enumerate(data.get("parts", ())):
        here = (*keys, "parts", number)
        yield here, part
        yield from _parts(part, here)


def _part(document: Document, keys: Keys, part: Mapping[str, Any]) -> Iterator[Fault]:
    low, high = part.get("minimum"), part.get("maximum")
    if low is not None and high is not None and low >= high:
        yield document.fault(
            (*keys, "maximum"),
            said("the maximum {high} is not above the minimum {low}", high=high, low=low),
            said("correct one"),
        )
    if part.get("normalisation") == "distance to goal" and "goal" not in part:
        yield document.fault(keys, said("“distance to goal” has no goal here"), said("add goal: …"))
    if part.get("direction") == "lower" and part.get("normalisation", "none") == "none" and "parts" not in part:
        yield document.fault(
            (*keys, "direction"), said("what is better lower is added as it is"), said("add a normalisation")
        )


def _weights(document: Document, keys: Keys, weights: Mapping[str, int], ids: Sequence[str]) -> Iterator[Fault]:
    for name in weights:
        if name not in ids:
            yield document.fault(
                (*keys, "weights", name), said("there is no part “{name}”", name=name), nearest(name, ids)
            )
    for name in ids:
        if name not in weights:
            yield document.fault(
                (*keys, "weights"), said("the part “{name}” has no weight", name=name), said("add {name}: 1", name=name)
            )
