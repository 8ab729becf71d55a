"""What the room adds to a nation: files of the kind ``right``, and the files ``alarms.yaml`` and ``breaches.yaml``."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from onedoor.exchange.service import services_named
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
from onedoor.kernel.nation.layers import united
from onedoor.kernel.said import said
from onedoor.privacy.breaches import domain as breaches  # noqa: F401 - registers its kind on import
from onedoor.privacy.requests import domain as requests  # noqa: F401 - registers a kind of its own
from onedoor.privacy.rules import CONSENTS, FOLLOW, OF_SERVICE

ID = "^[a-z][a-z0-9-]*$"
BASIS_ID = "^[a-z0-9][a-z0-9.-]*$"
SUBSYSTEM = "^[A-Z0-9-]+(/[A-Z0-9-]+){3}$"
NAMES: Mapping[str, Any] = {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"type": "string"}}

BASIS: Mapping[str, Any] = {
    "type": "object",
    "required": ["law", "text", "source"],
    "additionalProperties": False,
    "properties": {
        "law": {"type": "string", "minLength": 1, "description": "the number of the law, such as 60/2014/QH13"},
        "article": {"type": "string", "description": 'the article in quotes, such as "14(1)"'},
        "amended_by": {"type": "string"},
        "text": TEXT_SCHEMA,
        "source": {
            "anyOf": [{"type": "string", "minLength": 1}, TEXT_SCHEMA],
            "description": "where the article was read; people are shown it, so it is best said in each language",
        },
        "confidence": {"enum": ["text", "press"]},
        "illustrative": {"const": True},
    },
}
GRANT: Mapping[str, Any] = {
    "type": "object",
    "required": ["reader", "operations"],
    "additionalProperties": False,
    "properties": {
        "reader": {"type": "string", "pattern": SUBSYSTEM, "description": "a system such as VN/GOV/G22/PORTAL"},
        "register": {"type": "string", "description": "the id of a register"},
        "service": {"type": "string", "pattern": ID, "description": "a service that is no register"},
        "provider": {"type": "string", "pattern": SUBSYSTEM, "description": "the system that offers the service"},
        "operations": {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {"enum": ["read", "write", "correct", "follow", *chain.from_iterable(OF_SERVICE.values())]},
            "description": "configure, decide and audit are for the service consent alone; manage, publish and "
            "subscribe for the service pubsub",
        },
        "fields": NAMES,
        "basis": NAMES,
        "posts": {**NAMES, "description": "the posts that look records up by hand at their desk; it is for them alone"},
        "illustrative": {"const": True},
    },
    "dependentRequired": {"posts": ["register"]},
    "oneOf": [{"required": ["register", "fields"]}, {"required": ["service", "provider"]}],
}
SEALED: Mapping[str, Any] = {
    "type": "object",
    "required": ["days", "basis", "postponed_by"],
    "additionalProperties": False,
    "description": "reads for this purpose are shown to the persons they are about only so many days later",
    "properties": {
        "days": {"type": "integer", "minimum": 1, "maximum": 3660},
        "basis": {"type": "string", "pattern": BASIS_ID, "description": "the article that allows to seal them"},
        "postponed_by": {**NAMES, "description": "the posts that may decide to show one later"},
        "illustrative": {"const": True},
    },
}
TERMS: Mapping[str, Any] = {
    "type": "object",
    "required": ["version", "from", "text"],
    "additionalProperties": False,
    "properties": {
        "version": {"type": "integer", "minimum": 1},
        "from": {**DATE_SCHEMA, "description": "the day from which it is asked"},
        "text": {**TEXT_SCHEMA, "description": "what the person agrees to, as they read it"},
        "covers": {
            "type": "array",
            "uniqueItems": True,
            "items": {"type": "integer", "minimum": 1},
            "description": "earlier versions to which a consent still suffices",
        },
        "illustrative": {"const": True},
    },
}
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["purpose", "text", "basis", "grants"],
    "additionalProperties": False,
    "properties": {
        "purpose": {"type": "string", "pattern": ID, "description": "the id of the purpose, as the file"},
        "text": TEXT_SCHEMA,
        "valid_from": DATE_SCHEMA,
        "valid_until": DATE_SCHEMA,
        "without_case": {"const": True, "description": "data may be used for it outside any case"},
        "sealed": SEALED,
        "consent": {
            "type": "array",
            "minItems": 1,
            "items": TERMS,
            "description": "who has not agreed, of them nothing is read for this purpose; the versions, oldest first",
        },
        "objection": {"const": True, "description": "a person may stop it for their data: no duty of the State by law"},
        "basis": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": BASIS_ID},
            "additionalProperties": BASIS,
        },
        "grants": {"type": "array", "minItems": 1, "items": GRANT},
    },
}
NUMBER: Mapping[str, Any] = {"type": "integer", "minimum": 1}
ALARM: Mapping[str, Any] = {
    "type": "object",
    "required": ["persons", "minutes"],
    "additionalProperties": False,
    "properties": {
        "persons": {
            **NUMBER,
            "description": "of how many persons one post may read data within the minutes",
        },
        "minutes": {**NUMBER, "maximum": 1440, "description": "within how many minutes they are counted"},
        "source": {"type": "string", "minLength": 1},
        "illustrative": {"const": True},
    },
    "oneOf": [{"required": ["source"]}, {"required": ["illustrative"]}],
}


def check(document: Document, nation: Nation) -> Iterable[Fault]:
    """Yield the faults of a right that its schema cannot see."""
    data = document.data
    if data["purpose"] != document.path.stem:
        wrong = said(
            "the purpose “{purpose}” stands in the file {name}", purpose=data["purpose"], name=document.path.name
        )
        yield document.fault(["purpose"], wrong, said("write {stem} or rename the file", stem=document.path.stem))
    if data.get("valid_from", "") > data.get("valid_until", "9999"):
        yield document.fault(
            ["valid_until"], said("the right ends before it begins"), said("correct one of the two dates")
        )
    registers = _registers(nation)
    systems = [agency.subsystem for agency in nation.members.values()]
    for number, grant in enumerate(data["grants"]):
        yield from _grant_faults(document, number, grant, registers)
        for key in ("reader", "provider"):
            if key in grant and grant[key] not in systems:
                wrong = said("no member has the system “{name}”", name=grant[key])
                yield document.fault(["grants", number, key], wrong, nearest(grant[key], systems))
        yield from _service_faults(document, number, grant)
        yield from _name_faults(document, number, grant, nation)
        yield from _post_faults(document, number, grant, nation)
        yield from _follow_faults(document, number, grant, registers)
    yield from _seal_faults(document, nation)
    yield from _consent_faults(document, registers or {})
    yield from _objection_faults(document)


def _consent_faults(document: Document, registers: Mapping[str, Mapping[str, Any]]) -> Iterator[Fault]:
    """Yield what is wrong with the versions of a consent, and with grants that could not be held to it."""
    versions, grants = document.data.get("consent", ()), document.data["grants"]
    for place, one in enumerate(versions):
        if one["version"] != place + 1:
            wrong = said("this is version {number} in the order of the file", number=place + 1)
            yield document.fault(["consent", place, "version"], wrong, said("number the versions 1, 2, 3 …"))
        if place and one["from"] <= versions[place - 1]["from"]:
            wrong = said("this version does not begin after the one before")
            yield document.fault(["consent", place, "from"], wrong, said("correct one of the two dates"))
        for index, covered in enumerate(one.get("covers", ())):
            if covered > place:
                wrong = said("version {number} is not an earlier one", number=covered)
                yield document.fault(["consent", place, "covers", index], wrong, said("name earlier versions alone"))
    if not versions:
        return
    asking = {grant["reader"] for grant in grants if grant.get("service") == CONSENTS}
    for number, grant in enumerate(grants):
        if grant.get("service", CONSENTS) != CONSENTS or set(grant["operations"]) != {"read"}:
            wrong = said("what stands on consent can only be read, in a register")
            yield document.fault(
                ["grants", number], wrong, said("write operations: [read]; other grants need a right of their own")
            )
        holder = registers.get(grant.get("register", ""), {}).get("subsystem")
        if holder and holder not in asking:
            wrong = said("{holder} holds the register and could not ask whether somebody agreed", holder=holder)
            yield document.fault(
                ["grants", number, "register"],
                wrong,
                said("add a grant of the service consents to {holder}", holder=holder),
            )


def _objection_faults(document: Document) -> Iterator[Fault]:
    """Yield what is wrong with a purpose that persons may stop: it must use data, and not be sealed."""
    if "objection" not in document.data:
        return
    if "sealed" in document.data:
        wrong = said("persons may stop what they are not shown: a refusal would tell them of it")
        yield document.fault(["objection"], wrong, said("remove objection or sealed"))
    if not any("register" in grant for grant in document.data["grants"]):
        wrong = said("no register is used for this purpose, so there is nothing that persons could stop")
        yield document.fault(["objection"], wrong, said("remove objection"))


def _seal_faults(document: Document, nation: Nation) -> Iterator[Fault]:
    """Yield what is wrong with how reads are sealed: its basis must be in the file, its posts the readers' own."""
    seal = document.data.get("sealed", {})
    if seal and document.data.get("consent"):
        wrong = said("whoever is asked to agree, or has not agreed, is told of what they are not shown")
        yield document.fault(["consent"], wrong, said("remove consent or sealed"))
    if seal and seal["basis"] not in document.data["basis"]:
        instead = nearest(seal["basis"], list(document.data["basis"]))
        wrong = said("there is no basis “{basis}” here", basis=seal["basis"])
        yield document.fault(["sealed", "basis"], wrong, instead)
    if seal and not any("register" in grant and "read" in grant["operations"] for grant in document.data["grants"]):
        wrong = said("nothing is read for this purpose that could be sealed")
        yield document.fault(["sealed"], wrong, said("remove sealed"))
    readers = {grant["reader"] for grant in document.data["grants"]}
    known = sorted({post for one in nation.agencies.values() if one.subsystem in readers for post in one.posts})
    for place, post in enumerate(seal.get("postponed_by", ())):
        if post not in known:
            wrong = said("no authority of a reader has the post “{post}”", post=post)
            yield document.fault(["sealed", "postponed_by", place], wrong, nearest(post, known))


def _registers(nation: Nation) -> Mapping[str, Mapping[str, Any]] | None:
    """Return the registers by id; None while they have faults of their own, which are named there."""
    try:
        return {one.data["register"]: one.data for one in nation.documents("register")}
    except BadNation:
        return None


def _grant_faults(
    document: Document, number: int, grant: Mapping[str, Any], registers: Mapping[str, Mapping[str, Any]] | None
) -> Iterator[Fault]:
    for place, basis in enumerate(grant.get("basis", ())):
        if basis not in document.data["basis"]:
            instead = nearest(basis, list(document.data["basis"]))
            yield document.fault(
                ["grants", number, "basis", place], said("there is no basis “{basis}” here", basis=basis), instead
            )
    if "register" not in grant or registers is None:
        return
    register = registers.get(grant["register"])
    if register is None:
        instead = nearest(grant["register"], list(registers))
        yield document.fault(
            ["grants", number, "register"],
            said("there is no register “{register}”", register=grant["register"]),
            instead,
        )
        return
    known = united(register, "fields")
    for place, name in enumerate(grant["fields"]):
        if name not in known:
            wrong = said("the register “{register}” has no field “{name}”", register=grant["register"], name=name)
            yield document.fault(["grants", number, "fields", place], wrong, nearest(name, list(known)))


def _service_faults(document: Document, number: int, grant: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the operations of a grant that only another service knows."""
    for place, one in enumerate(grant["operations"]):
        owner = next((service for service, known in OF_SERVICE.items() if one in known), None)
        if owner and grant.get("service") != owner:
            wrong = said("the operation “{name}” is of the service {service} alone", name=one, service=owner)
            yield document.fault(
                ["grants", number, "operations", place], wrong, said("remove it, or name that service")
            )


def _name_faults(document: Document, number: int, grant: Mapping[str, Any], nation: Nation) -> Iterator[Fault]:
    """Yield the service of a grant that its provider's system does not have."""
    for member in nation.members.values():
        if member.subsystem == grant.get("provider") and grant["service"] not in (known := services_named(member)):
            wrong = said("{provider} has no service “{name}”", provider=grant["provider"], name=grant["service"])
            yield document.fault(["grants", number, "service"], wrong, nearest(grant["service"], sorted(known)))


def _follow_faults(
    document: Document, number: int, grant: Mapping[str, Any], registers: Mapping[str, Mapping[str, Any]] | None
) -> Iterator[Fault]:
    if FOLLOW not in grant["operations"]:
        return
    place: list[str | int] = ["grants", number, "operations"]
    if "register" not in grant:
        yield document.fault(place, said("only a register can be followed, not a service"), said("remove follow"))
        return
    if "without_case" not in document.data:
        wrong = said("a register is followed outside any case, which this purpose does not allow")
        yield document.fault(place, wrong, said("add without_case: true to the file, or remove follow"))
    if (registers or {}).get(grant["register"], {}).get("subsystem") == grant["reader"]:
        yield document.fault(place, said("a system knows its own register: it cannot follow it"), said("remove follow"))


def _post_faults(document: Document, number: int, grant: Mapping[str, Any], nation: Nation) -> Iterator[Fault]:
    if "posts" not in grant:
        return
    if "read" not in grant["operations"]:
        yield document.fault(
            ["grants", number, "operations"], said("posts look up by hand, but may not read"), said("add read")
        )
    known = sorted({post for one in nation.agencies.values() if one.subsystem == grant["reader"] for post in one.posts})
    for place, post in enumerate(grant["posts"]):
        if post not in known:
            wrong = said("no authority of the reader has the post “{post}”", post=post)
            yield document.fault(["grants", number, "posts", place], wrong, nearest(post, known))


register(FileKind("right", "rights", check, SCHEMA))
register(FileKind("alarm", "alarms.yaml", schema=ALARM))
