"""The JSON Schema of a service file: `WHOLE` for a version laid over the common part, `FILE` for the file itself."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from onedoor.kernel.nation import DATE_SCHEMA, TEXT_SCHEMA
from onedoor.kernel.nation.texts import is_text
from onedoor.procedures.stages import CONDITIONS

Schema: TypeAlias = Mapping[str, Any]

ID: Schema = {"type": "string", "pattern": "^[a-z][a-z0-9_-]*$"}
CEL: Schema = {"type": "string", "minLength": 1, "description": "an expression (CEL), such as known(mother)"}
LAW: Schema = {"type": "string", "minLength": 1, "description": "the key of a rule under law"}
LIMIT: Schema = {
    "type": "string",
    "pattern": "^(0wd|[1-9][0-9]{0,4}(min|h|wh|wd|d))$",
    "description": "a limit such as 10min, 24h, 2wh, 3wd, 7d, or 0wd for the same working day",
}
IDS: Schema = {"type": "array", "items": ID, "uniqueItems": True}
FLAG: Schema = {"type": "boolean"}
STRING: Schema = {"type": "string", "minLength": 1}
NESTED: Schema = {"type": "object", "minProperties": 1}
COUNT: Schema = {"type": "integer", "minimum": 1}
FIELD_KINDS = (
    *("text", "person_name", "person_number", "date", "yesno", "consent"),
    *("choice", "code", "pick", "record", "file"),
)
FACT_KINDS = ("text", "date", "code", "yesno")


def _object(required: str, /, **properties: Schema) -> Schema:
    return {
        "type": "object",
        "required": required.split(),
        "additionalProperties": False,
        "properties": properties,
    }


def _map(of: Schema, names: Schema = ID) -> Schema:
    return {"type": "object", "minProperties": 1, "propertyNames": names, "additionalProperties": of}


RULE_OF_LAW = _object(
    "number text",
    number=STRING,
    article=STRING,
    text=TEXT_SCHEMA,
    confidence={"enum": ["text", "press", "memory"]},
    illustrative={"const": True},
)
LAWS = _map(RULE_OF_LAW, STRING)
SOURCE = _object(
    "label holder register by",
    label=TEXT_SCHEMA,
    name=TEXT_SCHEMA,
    holder=TEXT_SCHEMA,
    register=ID,
    by={**_map(CEL), "maxProperties": 3},
    many=FLAG,
    when=CEL,
    once={**IDS, "description": "conditions under eligible that must hold before this is asked"},
    purpose=STRING,
    basis=STRING,
    replaces=TEXT_SCHEMA,
    fallback={"enum": ["stop", "skip"]},
    missing=TEXT_SCHEMA,
)
OPTION: Schema = {"anyOf": [_object("label", label=TEXT_SCHEMA, hint=TEXT_SCHEMA), TEXT_SCHEMA]}
FIELD = _object(
    "kind label",
    kind={"enum": list(FIELD_KINDS)},
    label=TEXT_SCHEMA,
    name=TEXT_SCHEMA,
    hint=TEXT_SCHEMA,
    show=CEL,
    required=CEL,
    default=CEL,
    options={"type": "object", "minProperties": 2, "additionalProperties": OPTION},
    list=STRING,
    where=CEL,
    of=IDS,
    key=ID,
    binds=ID,
    values=CEL,
    option=CEL,
    single={"enum": ["skip", "ask"]},
    exclusive={**FLAG, "description": "what is chosen stands in one open case only (kind: record)"},
    corrects=ID,
    max=CEL,
    files={"type": "array", "minItems": 1, "items": {"enum": ["pdf", "jpg", "png"]}},
    max_mb={"type": "integer", "minimum": 1, "maximum": 50},
    errors=_map(TEXT_SCHEMA),
    explain=TEXT_SCHEMA,
    explained=TEXT_SCHEMA,
    think=TEXT_SCHEMA,
    law=LAW,
)
FACT = _object(
    "label value",
    label=TEXT_SCHEMA,
    value=CEL,
    source=ID,
    kind={"enum": list(FACT_KINDS)},
    list=STRING,
    correct=ID,
    show=CEL,
)
PAGE = _object(
    "name title",
    name=TEXT_SCHEMA,
    title=TEXT_SCHEMA,
    hint=TEXT_SCHEMA,
    fields=_map(FIELD),
    facts=_map(FACT),
    show=CEL,
)
CONDITION = _object(
    "if else law",
    law=LAW,
    after=ID,
    when=CEL,
    beforehand=TEXT_SCHEMA,
    good=TEXT_SCHEMA,
    **{"if": CEL, "else": TEXT_SCHEMA},
)
FEE = _object(
    "text law",
    text=TEXT_SCHEMA,
    law=LAW,
    amount={"type": "integer", "minimum": 0, "description": "an amount in whole units of the currency"},
    closed_by=ID,
    paid={"enum": ["online", "office"], "description": "where a fee that is due is paid; at the office by default"},
)
CLOCK = _object(
    "total law",
    total=LIMIT,
    verified=LIMIT,
    cutoff={"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$", "description": "a time such as 15:00"},
    hand_over=LIMIT,
    acknowledge=LIMIT,
    law=LAW,
)
WRITE = _object("register purpose basis values", register=ID, purpose=STRING, basis=STRING, values=NESTED)
VISIT = _object(
    "reason text law",
    reason={
        "enum": ["presence", "inspection", "fault", "technical"],
        "description": "somebody must come, the place is looked at, a fault to be mended, another technical matter",
    },
    text=TEXT_SCHEMA,
    law=LAW,
)
STEP = _object(
    "title by at within law",
    title=TEXT_SCHEMA,
    by={"type": "string", "pattern": "^[a-z][a-z0-9-]*\\.[a-z][a-z0-9-]*$", "description": "<agency>.<post>"},
    at=CEL,
    when=CEL,
    within=LIMIT,
    verified=LIMIT,
    apart=FLAG,
    law=LAW,
    after=IDS,
    may={"type": "array", "items": {"enum": ["supplement", "refuse", "hand_over"]}, "uniqueItems": True},
    shows=IDS,
    writes=_map(WRITE),
    issues=ID,
    refuse=_map(_object("law text", law=LAW, text=TEXT_SCHEMA)),
    visit={**VISIT, "description": "why this step cannot be done without a visit; absent where none is needed"},
)
SUPPLEMENT = _object("times within law text", times=COUNT, within=LIMIT, law=LAW, text=TEXT_SCHEMA)
RESULT = _object(
    "title summary template data",
    title=TEXT_SCHEMA,
    summary=TEXT_SCHEMA,
    template={"type": "string", "pattern": "^[a-z0-9_/-]+\\.typ$", "description": "a path such as templates/card.typ"},
    data=NESTED,
    when=CEL,
)
WAY: Schema = {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"enum": ["online", "office", "post"]}}
SAID = _object("text law", text=TEXT_SCHEMA, law=LAW)
EXPECTED = (
    *("pages", "asked", "missing", "refused", "barred", "looked_up", "facts", "owners"),
    *("counted_from", "due", "written", "documents", "results"),
)
"""What an example may say comes out; `examples` works each of them out."""
EXAMPLE = _object(
    "say version today person expect",
    say=STRING,
    version=STRING,
    today=DATE_SCHEMA,
    submitted=STRING,
    person=STRING,
    registers={"type": "object"},
    answers={"type": "object"},
    disputed=IDS,
    issue={"type": "object"},
    assigned={"type": "object"},
    expect={**_object("", **{name: {} for name in EXPECTED}), "minProperties": 1},
)
PARTS: Mapping[str, Schema] = {
    "service": {"type": "string", "pattern": "^[a-z]{2}\\.[a-z0-9-]+$", "description": "an id such as vn.birth-linked"},
    "source": TEXT_SCHEMA,
    "life_event": TEXT_SCHEMA,
    "identity": _object("min_level", min_level={"enum": [0, 1, 2]}),
    "reads": _object("purpose basis", purpose=STRING, basis=STRING),
    "words": {"type": "object", "additionalProperties": {"type": "array", "items": STRING}},
    "law": LAWS,
    "data": _map(SOURCE),
    "form": _map(PAGE),
    "eligible": _map(CONDITION),
    "fees": _map(FEE),
    "clock": CLOCK,
    "supplement": SUPPLEMENT,
    "steps": _map(STEP),
    "results": _map(RESULT),
    "ways": _object(
        "filing delivery law",
        filing={**WAY, "description": "how it may be filed"},
        delivery={**WAY, "description": "how its results may come"},
        law=LAW,
    ),
    "papers": _map(_object("title law", title=TEXT_SCHEMA, law=LAW)),
    "forms": _map(
        _object(
            "title law",
            title=TEXT_SCHEMA,
            law=LAW,
            file={
                "type": "string",
                "pattern": "^[a-z0-9_/-]+\\.(pdf|docx|odt)$",
                "description": "a path such as forms/form-01.pdf",
            },
        )
    ),
    "proactive": _object("", remind=SAID, prepare=SAID, recommend=SAID, automatic=SAID),
    "suggest": {
        **_object(
            "register by purpose basis text shows",
            register=ID,
            by={**ID, "description": "the parameter of the look-up that takes the person’s own number"},
            purpose=ID,
            basis=STRING,
            text=TEXT_SCHEMA,
            shows={"type": "array", "minItems": 1, "uniqueItems": True, "items": ID},
            unless={**ID, "description": "a field: where it is true, nothing is suggested any more"},
        ),
        "description": "to whom the service is suggested: a record about them stands in a register",
    },
    "appeal": _object("text", text=TEXT_SCHEMA),
    "text": _object(
        "title summary who minutes", title=TEXT_SCHEMA, summary=TEXT_SCHEMA, who=TEXT_SCHEMA, minutes=COUNT
    ),
}
OWN: Mapping[str, Schema] = {
    "version": {"type": "string", "pattern": "^[0-9a-z.-]+$", "description": 'a name in quotes, such as "2026-09-01"'},
    "code": {"type": "string", "minLength": 1, "description": "the code of the service, in quotes"},
    "valid_from": DATE_SCHEMA,
    "valid_until": DATE_SCHEMA,
}
OPTIONAL = {"fees", "words", "valid_until", "ways", "papers", "forms", "proactive", "suggest"}
WHOLE: Schema = _object(" ".join(sorted({*PARTS, *OWN} - OPTIONAL)), **PARTS, **OWN)


def _part(schema: Schema) -> Schema:
    """Return *schema* for a part that another part is laid over: nothing is required, ``null`` takes away."""
    if "properties" not in schema and not isinstance(schema.get("additionalProperties"), Mapping):
        return {"anyOf": [schema, {"type": "null"}]}
    loose = {key: value for key, value in schema.items() if key not in {"required", "minProperties"}}
    if "properties" in schema:
        loose["properties"] = {key: _part(value) for key, value in schema["properties"].items()}
    if isinstance(schema.get("additionalProperties"), Mapping) and not is_text(schema):
        loose["additionalProperties"] = _part(schema["additionalProperties"])
    return {**loose, "type": ["object", "null"]}


VERSION: Schema = _object("version code valid_from", **{key: _part(value) for key, value in PARTS.items()}, **OWN)
FILE: Schema = _object(
    "service versions",
    **{key: _part(value) for key, value in PARTS.items()},
    versions={"type": "array", "minItems": 1, "items": VERSION},
    examples={"type": "array", "items": EXAMPLE},
)

SCALE = _object(
    "scale name law valid_from below levels",
    scale=ID,
    name=TEXT_SCHEMA,
    law=RULE_OF_LAW,
    valid_from=DATE_SCHEMA,
    valid_until=DATE_SCHEMA,
    below={**TEXT_SCHEMA, "description": "what a service is called that does not reach the lowest level"},
    levels={
        "type": "array",
        "minItems": 1,
        "items": _object(
            "name needs",
            name=TEXT_SCHEMA,
            needs={"type": "array", "minItems": 1, "uniqueItems": True, "items": {"enum": sorted(CONDITIONS)}},
        ),
        "description": "from the lowest level up; each needs what those below it need, and this",
    },
    illustrative={
        "type": "array",
        "items": {"enum": ["valid_from", "valid_until", "law", "levels"]},
        "description": "what was read in no source",
    },
)
