"""The OpenAPI document of what a process answers outside the exchange and outside the pages."""

from typing import Any

from django.conf import settings

from onedoor.kernel.openapi import answer, problems, strict
from onedoor.site import urls

WORD = {"type": "string"}
HEALTH = strict(status={"const": "ok"}, role=WORD, member=WORD)
LEDGER = strict(size={"type": "integer", "minimum": 0}, root={"type": "string", "pattern": "^[0-9a-f]{64}$"},
                checkpoint={"type": ["string", "null"]})  # fmt: skip
PLACE = r"(x[0-9]{3}/)*[0-9]{3}(\.p/[0-9]{1,3})?"
PUBLISHED = {"type": "string", "pattern": rf"^(checkpoint|key|tile/(entries|[0-9]{{1,2}})/{PLACE})$"}
AWAY = problems({503: "the database of this process does not answer"})
PATHS = {
    "/health": {
        "get": {
            "operationId": "health",
            "summary": "Whether this process can work",
            "responses": {"200": answer("it answers and so does its database", HEALTH), **AWAY},
        }
    },
    "/health/empty": {
        "get": {
            "operationId": "empty",
            "summary": "Nothing: what server and middleware alone cost",
            "responses": {"200": {"description": "an empty body"}},
        }
    },
    "/api/ledger": {
        "get": {
            "operationId": "ledger",
            "summary": "Size, root and latest signed checkpoint of this process's ledger",
            "responses": {"200": answer("as it stands now", LEDGER), **AWAY},
        }
    },
    "/ledger/{name}": {
        "get": {
            "operationId": "published",
            "summary": "A file of the published ledger, laid out as C2SP tlog-tiles: checkpoint, key, tile/…",
            "parameters": [{"name": "name", "in": "path", "required": True, "schema": PUBLISHED}],
            "responses": {
                "200": {"description": "the file", "content": {"text/plain": {}, "application/octet-stream": {}}},
                "404": {"description": "there is no such file", "content": {"text/plain": {"schema": WORD}}},
            },
        }
    },
}


def document() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of this process: the site's own paths and those of its rooms."""
    paths: dict[str, Any] = dict(PATHS)
    for room in urls.modules():
        paths |= getattr(room, "described", {})
    return {
        "openapi": "3.1.0",
        "info": {"title": "The APIs of a portal or a node", "version": "1"},
        "paths": paths,
        "components": {
            "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}}
        },
    }
