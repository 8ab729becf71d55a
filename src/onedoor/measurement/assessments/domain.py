"""The file ``assessments.yaml`` of a nation: by which list units are assessed, and whose duty that is."""

from collections.abc import Iterable, Mapping
from typing import Any

from onedoor.kernel.nation import Document, Fault, FileKind, Nation, nearest, register
from onedoor.kernel.said import said
from onedoor.measurement import features

POSTS: Mapping[str, Any] = {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"type": "string"}}
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["list", "member", "assessors", "reconcilers"],
    "additionalProperties": False,
    "anyOf": [{"required": ["source"]}, {"required": ["illustrative"]}],
    "properties": {
        "list": {"type": "string", "pattern": "^[a-z][a-z0-9-]*$", "description": "the list of indicators"},
        "member": {"type": "string", "description": "the member that runs the portal, whose posts these are"},
        "assessors": {**POSTS, "description": "the posts that answer the indicators, two persons for each unit"},
        "reconcilers": {**POSTS, "description": "the posts that open assessments and decide where two differ"},
        "source": {"type": "string", "minLength": 1, "description": "where that is written"},
        "illustrative": {"const": True, "description": "it has no source"},
    },
}


def check(document: Document, nation: Nation) -> Iterable[Fault]:
    """Yield the faults of the file that its schema cannot see."""
    listed, lists = (
        document.data["list"],
        sorted(file.stem for file in (features.WORLD / features.FOLDER).glob("*.yaml")),
    )
    if listed not in lists:
        yield document.fault(
            ["list"], said("there is no list of features “{name}”", name=listed), nearest(listed, lists)
        )
    member = document.data["member"]
    if member not in nation.members:
        wrong = said("there is no member “{owner}”", owner=member)
        yield document.fault(["member"], wrong, nearest(member, list(nation.members)))
        return
    known = sorted({post for one in nation.agencies.values() if one.member == member for post in one.posts})
    for name in ("assessors", "reconcilers"):
        for place, post in enumerate(document.data[name]):
            if post not in known:
                wrong = said("no authority of “{member}” has the post “{post}”", member=member, post=post)
                yield document.fault([name, place], wrong, nearest(post, known))


ASSESSMENTS = FileKind("assessment", "assessments.yaml", check, SCHEMA)
register(ASSESSMENTS)
