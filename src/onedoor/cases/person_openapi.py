"""What ``/api/cases/…`` answers, as paths of an OpenAPI document."""

from collections.abc import Mapping
from typing import Any

from onedoor.kernel.openapi import TEXT, answer, problems, strict

WORD = {"type": "string"}
MOMENT = {"type": "string", "format": "date-time"}
LATER = {"type": ["string", "null"], "format": "date-time"}
COUNT = {"type": "integer", "minimum": 0}
LINK = {"type": "string", "format": "uri"}
STEP = strict(id=WORD, title=TEXT, state=WORD, agency=WORD, due=LATER)
RESULT = strict(kind=WORD, title=TEXT, agency=WORD, issued_at=MOMENT, sha256=WORD, file=LINK, verify_url=LINK)
CASE = strict(
    case=WORD,
    service=WORD,
    version=WORD,
    code=WORD,
    state=WORD,
    submitted_at=MOMENT,
    due=MOMENT,
    steps={"type": "array", "items": STEP},
    results={"type": "array", "items": RESULT},
    facts_reused=COUNT,
    questions_asked=COUNT,
)
READ = strict(
    by=TEXT,
    user=WORD,
    register=WORD,
    operation=WORD,
    purpose=WORD,
    basis=WORD,
    fields={"type": "array", "items": WORD},
    moment=MOMENT,
    refused={"type": "boolean"},
    record=WORD,
)
READS = strict(reads={"type": "array", "items": READ}, silent={"type": "array", "items": TEXT})
REFUSED = problems({401: "nobody is signed in", 403: "this is for persons", 404: "there is no such dossier of yours"})
CODE = {"name": "code", "in": "path", "required": True, "schema": WORD, "description": "the case code"}


def _get(name: str, summary: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    operation = {
        "operationId": name,
        "summary": summary,
        "security": [{"session": []}],
        "responses": {"200": answer("found", schema), **REFUSED},
    }
    return {"parameters": [CODE], "get": operation}


PATHS = {
    "/api/cases/{code}": _get("case", "A dossier of one's own: state, steps, results", CASE),
    "/api/cases/{code}/reads": _get("readsOfCase", "Every read of personal data for a dossier of one's own", READS),
}
