"""The file ``breaches.yaml`` of a nation: to whom a breach is notified, by which posts, within which limit."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from onedoor.kernel.nation import DATE_SCHEMA, Document, Fault, FileKind, Nation, nearest, register
from onedoor.kernel.said import said

NAMES: Mapping[str, Any] = {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"type": "string"}}
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["authority", "reporters", "layers"],
    "additionalProperties": False,
    "properties": {
        "authority": {
            "type": "object",
            "required": ["system", "posts"],
            "additionalProperties": False,
            "properties": {
                "system": {"type": "string", "description": "the system that takes the notices"},
                "posts": {**NAMES, "description": "the posts there that see and acknowledge them"},
                "source": {"type": "string", "minLength": 1},
                "illustrative": {"const": True},
            },
            "anyOf": [{"required": ["source"]}, {"required": ["illustrative"]}],
        },
        "reporters": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": NAMES,
            "description": "by member: the posts of its authorities that give notice",
        },
        "layers": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["valid_from", "laws", "limit", "source"],
                "additionalProperties": False,
                "properties": {
                    "valid_from": DATE_SCHEMA,
                    "valid_until": DATE_SCHEMA,
                    "laws": {**NAMES, "description": "the numbers of the laws, such as 91/2025/QH15"},
                    "limit": {
                        "type": "string",
                        "pattern": "^[1-9][0-9]{0,3}h$",
                        "description": "plain hours from when it was found, such as 72h",
                    },
                    "source": {"type": "string", "minLength": 1},
                    "confidence": {"enum": ["text", "press"]},
                    "illustrative": {"const": True},
                },
            },
        },
    },
}


def check(document: Document, nation: Nation) -> Iterable[Fault]:
    """Yield the faults of the file that its schema cannot see."""
    data, authority = document.data, document.data["authority"]
    systems = {one.subsystem: one.id for one in nation.members.values()}
    if authority["system"] not in systems:
        wrong = said("no member has the system “{name}”", name=authority["system"])
        yield document.fault(["authority", "system"], wrong, nearest(authority["system"], list(systems)))
    else:
        at = ["authority", "posts"]
        yield from _post_faults(document, at, authority["posts"], systems[authority["system"]], nation)
    for member, posts in data["reporters"].items():
        if member not in nation.members:
            wrong = said("there is no member “{owner}”", owner=member)
            yield document.fault(["reporters", member], wrong, nearest(member, list(nation.members)))
        else:
            yield from _post_faults(document, ["reporters", member], posts, member, nation)
    yield from _layer_faults(document)


def _post_faults(document: Document, at: list[str], posts: list[str], member: str, nation: Nation) -> Iterator[Fault]:
    known = sorted({post for one in nation.agencies.values() if one.member == member for post in one.posts})
    for place, post in enumerate(posts):
        if post not in known:
            wrong = said("no authority of “{member}” has the post “{post}”", member=member, post=post)
            yield document.fault([*at, place], wrong, nearest(post, known))


def _layer_faults(document: Document) -> Iterator[Fault]:
    """Yield where the layers do not follow one another: each begins on the day after the one before ended."""
    layers = document.data["layers"]
    for place, one in enumerate(layers):
        if one.get("valid_until", "9999-12-31") < one["valid_from"]:
            wrong = said("it ends before it begins")
            yield document.fault(["layers", place, "valid_until"], wrong, said("correct one of the two dates"))
    for place, (before, one) in enumerate(pairwise(layers), 1):
        ends = before.get("valid_until", "9999-12-31")
        if ends >= one["valid_from"] or _day_after(ends) != one["valid_from"]:
            wrong = said("it does not begin on the day after the one before it ends")
            yield document.fault(
                ["layers", place, "valid_from"], wrong, said("let each begin where the one before ends")
            )


def _day_after(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


register(FileKind("breach", "breaches.yaml", check, SCHEMA))
