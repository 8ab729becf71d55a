"""The forms of what portal and agencies send each other about steps: JSON Schema, checked before anything is done."""

from collections.abc import Mapping
from typing import Any

WORD = {"type": "string", "minLength": 1, "pattern": "^[^\\x00-\\x1f]+$"}
"""A text of one line."""
WORDS = {"type": "string", "pattern": "^[^\\x00]*$"}
"""What a person wrote, in as many lines as they like."""
MOMENT = {
    "type": "string",
    "format": "date-time",
    "pattern": "^[12][0-9]{3}-[0-9-]{5}T[0-9:]{5}:[0-5][0-9]([.][0-9]{1,6})?(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])$",
}
"""A moment with its offset; the pattern leaves out leap seconds and offsets that PostgreSQL does not know."""
BYTES = {
    "type": "string",
    "contentEncoding": "base64",
    "pattern": "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
}
DIGEST = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
STEP = {
    "case": WORD | {"maxLength": 20},
    "step": WORD | {"maxLength": 60},
    "round": {"type": "integer", "minimum": 0, "maximum": 10_000},
    "agency": WORD | {"maxLength": 60},
}


def _object(required: list[str], **properties: Any) -> dict[str, Any]:  # noqa: ANN401 - parts of JSON Schema
    return {"type": "object", "required": required, "properties": properties}


def _schema(required: list[str], **properties: Any) -> dict[str, Any]:  # noqa: ANN401 - parts of JSON Schema
    return _object([*STEP, *required], **STEP, **properties)


RULES = _object(["id", "version", "digest"], id=WORD, version=WORD, digest=DIGEST)
POST = WORD | {"maxLength": 60}
APPLICANT = _object(["name", "number"], name=WORD, number=WORD | {"maxLength": 60})
PERSONS = {
    "type": "object",
    "maxProperties": 200,
    "propertyNames": {"minLength": 1, "maxLength": 60, "pattern": WORD["pattern"]},
    "additionalProperties": {"type": "array", "maxItems": 500, "items": WORD | {"maxLength": 60}},
}
"""Whom else than the applicant what is handed over is about, each with the parts that are their own."""
RESULT = _object(
    ["id", "kind", "number", "issued_at", "sha256", "verify_url", "file", "data"],
    id={"type": "string", "format": "uuid"},
    kind=WORD | {"maxLength": 60},
    number=WORDS,
    issued_at=WORD,  # one that is no moment is a false statement, refused by `claims` and recorded
    sha256=DIGEST,
    verify_url=WORD,
    file=BYTES,
    data={"type": "object"},
)
SUPPLEMENT = _object(["text", "at", "files"], text=WORDS, at=MOMENT, files={"type": "object"})
SCHEMAS: Mapping[str, dict[str, Any]] = {
    "hand-over": _schema(
        ["post", "service", "due", "context", "applicant", "about"],
        post=POST,
        service=RULES,
        due=MOMENT,
        context={"type": "object"},
        applicant=APPLICANT,
        about=WORDS,
        persons=PERSONS,
        asked={"type": "integer", "minimum": 0, "maximum": 10_000},
        supplements={"type": "array", "items": SUPPLEMENT},
    ),
    "supplement": _schema(
        ["supplement", "due"],
        supplement=SUPPLEMENT,
        due=MOMENT,
    ),
    "file": _schema(
        ["field", "number", "content", "applicant"],
        field=WORD | {"maxLength": 80},
        number={"type": "integer", "minimum": 0, "maximum": 20},
        content=BYTES,
        applicant=_object(["number"], number=WORD | {"maxLength": 60}),
    ),
    "end": _schema(["kind", "post", "service"], kind={"enum": ["withdraw", "expire"]}, post=POST, service=RULES),
    "outcome": _schema(
        ["kind", "by"],
        kind={"enum": ["done", "verify", "supplement", "refuse", "hand_over"]},
        by=WORD,
        text=WORDS,
        ground=WORD,
        to=WORD,
        records={"type": "object"},
        result=RESULT | {"type": ["object", "null"]},
    ),
}
