"""What the room adds to a nation: the file ``operators.yaml``, who watches how the gateways of members work."""

from collections.abc import Iterable, Mapping
from typing import Any

from onedoor.kernel import nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.nation import Document, Fault, FileKind, Nation, nearest, register
from onedoor.kernel.said import said

TITLE = "Exchange"
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["operators"],
    "additionalProperties": False,
    "properties": {
        "operators": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {
                "type": "array",
                "minItems": 1,
                "uniqueItems": True,
                "items": {"type": "string"},
            },
            "description": "by member: the posts that see how its gateway works",
        },
        "central": {
            "type": "string",
            "description": "the system that may read the records of every gateway, such as VN/GOV/G22/PORTAL",
        },
        "source": {"type": "string", "minLength": 1},
        "illustrative": {"const": True},
    },
    "oneOf": [{"required": ["source"]}, {"required": ["illustrative"]}],
}


def check(document: Document, country: Nation) -> Iterable[Fault]:
    """Yield the faults of the file that its schema cannot see."""
    for member, posts in document.data["operators"].items():
        if member not in country.members:
            wrong = said("there is no member “{owner}”", owner=member)
            yield document.fault(["operators", member], wrong, nearest(member, list(country.members)))
            continue
        theirs = (one for one in country.agencies.values() if member in (one.member, one.id))
        known = sorted({*country.members[member].posts, *(post for one in theirs for post in one.posts)})
        for place, post in enumerate(posts):
            if post not in known:
                wrong = said("no authority of “{member}” has the post “{post}”", member=member, post=post)
                yield document.fault(["operators", member, place], wrong, nearest(post, known))
    systems = [one.subsystem for one in country.members.values()]
    if (central := document.data.get("central")) and central not in systems:
        wrong = said("no member has the system “{name}”", name=central)
        yield document.fault(["central"], wrong, nearest(central, systems))


def watches(actor: Actor) -> bool:
    """Return whether the actor's post sees how the gateway of its member works."""
    country = nation.current()
    agency = country.agencies.get(actor.agency)
    if agency is None or not actor.post:
        return False
    return actor.post.rpartition(".")[2] in country.once(_operators).get(agency.member or agency.id, ())


def central(country: Nation) -> str:
    """Return the central monitoring client of the nation, or nothing."""
    documents = country.documents("operator")
    return str(documents[0].data.get("central", "")) if documents else ""


def _operators(country: Nation) -> Mapping[str, list[str]]:
    documents = country.documents("operator")
    return documents[0].data["operators"] if documents else {}


register(FileKind("operator", "operators.yaml", check, SCHEMA))
