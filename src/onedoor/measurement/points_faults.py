"""What is wrong with an index of agencies: measures that are not counted, points that do not add up, no source."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from onedoor.kernel.nation import Document, Fault, Nation, nearest
from onedoor.kernel.said import said
from onedoor.measurement import counted

Keys = tuple[str | int, ...]
Placed = Sequence[tuple[Keys, Mapping[str, Any]]]
OF_AGENCIES = "agency"
COUNTS = ("numerator", "denominator")


def check(document: Document, parts: Placed, nation: Nation | None) -> Iterator[Fault]:
    """Yield the faults of the index of agencies in *document*; of another, that it has what only such an index has."""
    if document.data["units"] != OF_AGENCIES:
        yield from _not_of_agencies(document, parts)
        return
    for key in ("period", "scoring"):
        if key not in document.data:
            yield document.fault((), said("an index of agencies needs {key}", key=key), said("add {key}: …", key=key))
    registers = [one.data["register"] for one in nation.documents("register")] if nation else []
    for keys, part in parts:
        if "parts" not in part:
            yield from _indicator(document, keys, part, registers)
    for number, edition in enumerate(document.data["editions"]):
        yield from _sums(document, ("editions", number, "weights"), edition["weights"], parts)


def _not_of_agencies(document: Document, parts: Placed) -> Iterator[Fault]:
    counts = ((*keys, key) for keys, part in parts for key in COUNTS if key in part)
    if first := next(counts, None):
        wrong = said("only an index of agencies takes what the platform counts")
        yield document.fault(first, wrong, said("write units: agency"))
    for number, edition in enumerate(document.data["editions"]):
        for name, weight in edition["weights"].items():
            if not weight:
                wrong = said("a part of the weight 0 is not in the mean")
                yield document.fault(("editions", number, "weights", name), wrong, said("write 1 or more"))


def _indicator(document: Document, keys: Keys, part: Mapping[str, Any], registers: Sequence[str]) -> Iterator[Fault]:
    if "source" not in part and "illustrative" not in part:
        wrong = said("the indicator “{id}” has no source", id=part["id"])
        yield document.fault(keys, wrong, said("add source: …, or illustrative: true"))
    if "goal" in part and not 0 < part["goal"] <= 1:
        wrong = said("the threshold {goal} is no share above 0 and up to 1", goal=part["goal"])
        yield document.fault((*keys, "goal"), wrong, said("write 80 % as 0.8"))
    measured = [key for key in COUNTS if key in part]
    if "unmeasured" in part and measured:
        wrong = said("“{id}” is measured and says that it is not", id=part["id"])
        yield document.fault((*keys, "unmeasured"), wrong, said("keep one"))
    elif "unmeasured" not in part and len(measured) < len(COUNTS):
        wrong = said("“{id}” is neither measured nor says why not", id=part["id"])
        yield document.fault(keys, wrong, said("add numerator and denominator, or unmeasured: {…}"))
    known = counted.known(registers)
    for key in measured:
        if part[key] not in known:
            wrong = said("the platform does not count “{measure}”", measure=part[key])
            yield document.fault((*keys, key), wrong, nearest(part[key], known))


def _sums(document: Document, keys: Keys, weights: Mapping[str, int], parts: Placed) -> Iterator[Fault]:
    """Yield a fault where the points of a group, or of the whole, are not the sum of those of its parts."""
    whole = {"id": document.data["index"], "parts": document.data["parts"]}
    for part in (whole, *(part for _, part in parts if "parts" in part)):
        most = document.data["maximum"] if part is whole else weights.get(part["id"])
        found = sum(weights.get(one["id"], 0) for one in part["parts"])
        if most is not None and found != most:
            wrong = said(
                "the points of “{id}” are {most}, those of its parts {sum}", id=part["id"], most=most, sum=found
            )
            yield document.fault(keys, wrong, said("correct one"))
