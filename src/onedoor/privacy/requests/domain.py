"""What the room adds to a nation for requests of persons: the file ``personal-rights.yaml``."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from onedoor.kernel.nation import (
    DATE_SCHEMA,
    TEXT_SCHEMA,
    BadNation,
    Document,
    Fault,
    FileKind,
    Nation,
    nearest,
    register,
)
from onedoor.kernel.said import said
from onedoor.privacy.requests.definition import PURPOSE, RIGHTS

SUBSYSTEM = "^[A-Z0-9-]+(/[A-Z0-9-]+){3}$"
LIMIT: Mapping[str, Any] = {"type": "string", "pattern": "^[1-9][0-9]{0,3}(h|wh|wd|d)$"}
LAYER: Mapping[str, Any] = {
    "type": "object",
    "required": ["valid_from", "laws", "text", "source", "acknowledge", "fulfil"],
    "additionalProperties": False,
    "properties": {
        "valid_from": DATE_SCHEMA,
        "valid_until": DATE_SCHEMA,
        "laws": {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {"type": "string", "minLength": 1, "description": "the number of a law, such as 91/2025/QH15"},
        },
        "article": {"type": "string"},
        "text": TEXT_SCHEMA,
        "source": {"anyOf": [{"type": "string", "minLength": 1}, TEXT_SCHEMA]},
        "acknowledge": {**LIMIT, "description": "within which time a request is acknowledged, such as 2wd"},
        "fulfil": {**LIMIT, "description": "within which time it is answered, such as 15d"},
        "extension": {**LIMIT, "description": "by how much that may be extended, once; left out: not at all"},
        "confidence": {"enum": ["text", "press"]},
        "illustrative": {"const": True},
    },
}
RIGHT: Mapping[str, Any] = {
    "type": "object",
    "required": ["text", "layers"],
    "additionalProperties": False,
    "properties": {"text": TEXT_SCHEMA, "layers": {"type": "array", "minItems": 1, "items": LAYER}},
}
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["decided_by", "kept", "rights"],
    "additionalProperties": False,
    "properties": {
        "decided_by": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": SUBSYSTEM},
            "additionalProperties": {
                "type": "array",
                "minItems": 1,
                "uniqueItems": True,
                "items": {"type": "string"},
                "description": "the posts that decide on what persons ask of this system",
            },
        },
        "kept": {
            "type": "object",
            "required": ["years"],
            "additionalProperties": False,
            "properties": {
                "years": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": 100,
                    "description": "how long what was said in a request is kept after it ended",
                },
                "source": {"type": "string", "minLength": 1},
                "illustrative": {"const": True},
            },
            "oneOf": [{"required": ["source"]}, {"required": ["illustrative"]}],
        },
        "rights": {
            "type": "object",
            "required": list(RIGHTS),
            "additionalProperties": False,
            "properties": dict.fromkeys(RIGHTS, RIGHT),
        },
    },
}


def check(document: Document, nation: Nation) -> Iterable[Fault]:
    """Yield the faults of the rights of persons that the schema cannot see: posts, systems, and days that overlap."""
    systems = {agency.subsystem for agency in nation.members.values()}
    for system, posts in document.data["decided_by"].items():
        if system not in systems:
            wrong = said("no member has the system “{name}”", name=system)
            yield document.fault(["decided_by", system], wrong, nearest(system, sorted(systems)))
            continue
        known = sorted({post for one in nation.agencies.values() if one.subsystem == system for post in one.posts})
        for place, post in enumerate(posts):
            if post not in known:
                wrong = said("no authority of the system has the post “{post}”", post=post)
                yield document.fault(["decided_by", system, place], wrong, nearest(post, known))
    if PURPOSE not in _purposes(nation):
        wrong = said("no right “{purpose}” lets persons ask, nor officers look at it", purpose=PURPOSE)
        yield document.fault(["decided_by"], wrong, said("add rights/{purpose}.yaml", purpose=PURPOSE))
    for name, right in document.data["rights"].items():
        yield from _layer_faults(document, name, right["layers"])


def _purposes(nation: Nation) -> Collection[str]:
    """Return the purposes of the rights; while those have faults of their own, named there, what is wanted."""
    try:
        return {one.data["purpose"] for one in nation.documents("right")}
    except BadNation:
        return {PURPOSE}


def _layer_faults(document: Document, name: str, layers: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
    ended = ""
    for number, layer in enumerate(layers):
        place: list[str | int] = ["rights", name, "layers", number]
        if layer["valid_from"] > layer.get("valid_until", "9999"):
            wrong = said("the layer ends before it begins")
            yield document.fault([*place, "valid_until"], wrong, said("correct one of the two dates"))
        if number and layer["valid_from"] <= ended:
            wrong = said("the layer begins before the one above it has ended")
            yield document.fault([*place, "valid_from"], wrong, said("write layers in order, each with its last day"))
        ended = layer.get("valid_until", "9999")


def lasting(data: Mapping[str, Any]) -> Mapping[tuple[str, ...], Any]:
    """Return the limits of each layer: requests were asked under them."""
    limits = ("acknowledge", "fulfil", "extension")
    return {
        ("rights", name, layer["valid_from"]): [layer.get(one) for one in limits]
        for name, right in data["rights"].items()
        for layer in right["layers"]
    }


register(FileKind("personal-rights", "personal-rights.yaml", check, SCHEMA, lasting))
