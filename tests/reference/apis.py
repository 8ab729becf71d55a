"""The OpenAPI documents of every API, and the page that lists them."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.reference import GENERATED
from tests.reference.nations import FOLDERS

REGISTER, VERSION = "exchange/{register}", "exchange/{register}/v{version}"
METHODS = ("get", "put", "post", "delete", "patch")


@dataclass(frozen=True)
class Api:
    """One document: its file below ``apis/``, the route its paths stand below, and itself."""

    file: str
    base: str
    document: Mapping[str, Any]

    @property
    def routes(self) -> Iterator[str]:
        """Yield the routes it describes, as ``exchange/{register}/lookup``."""
        yield from (f"{self.base}{path}".lstrip("/") for path in self.document["paths"])


def documents() -> list[Api]:
    """Return every document; a route of an API that stands in none of them fails a test."""
    from onedoor.cases import api as cases
    from onedoor.kernel import clock
    from onedoor.kernel import nation as nations
    from onedoor.privacy import api as reads
    from onedoor.privacy import own_api as own_reads
    from onedoor.privacy import sealed_api as sealed_reads
    from onedoor.privacy.breaches import api as breaches
    from onedoor.privacy.consents import api as consents
    from onedoor.privacy.consents import govstack
    from onedoor.privacy.requests import api as requests
    from onedoor.pubsub import api as rooms
    from onedoor.registers import definition, govstack_openapi, openapi, own_data_api
    from onedoor.site import description

    found = [
        Api("site.json", "", description.document()),
        Api("cases.json", "exchange/cases", cases.OPENAPI),
        Api("reads.json", "exchange/reads", reads.OPENAPI),
        Api("own-reads.json", "exchange/own-reads", own_reads.OPENAPI),
        Api("consents.json", "exchange/consents", consents.OPENAPI),
        Api("consent.json", "exchange/consent", govstack.document()),
        Api("sealed-reads.json", "exchange/sealed-reads", sealed_reads.OPENAPI),
        Api("breaches.json", "exchange/breaches", breaches.OPENAPI),
        Api("person-requests.json", "exchange/person-requests", requests.OPENAPI),
        Api("own-data.json", "exchange/own-data", own_data_api.OPENAPI),
        Api("changes.json", "exchange/changes", openapi.of_changes()),
        Api("corrections.json", "exchange/corrections", openapi.of_corrections()),
        *(Api(f"{one}.json", f"exchange/{one}", rooms.document(one)) for one in rooms.SERVICES),
    ]
    today = clock.now().date()
    for folder in FOLDERS:
        held = []
        for document in nations.load(folder).documents("register"):
            versions = definition.versions_of(document.data)
            name = f"{folder.name}-{versions[0].id}"
            held.append(definition.in_force(versions, today))
            found.append(Api(f"{name}.json", REGISTER, openapi.document(held[-1])))
            if "versions" in document.data:
                found += [Api(f"{name}-v{one.version}.json", VERSION, openapi.of_version(one)) for one in versions]
        found.append(Api(f"{folder.name}-data.json", "exchange/data", govstack_openapi.document(held)))
    return found


def text(api: Api) -> str:
    return json.dumps(api.document, indent=1, ensure_ascii=False) + "\n"


def page() -> str:
    """Return the page that lists the APIs with what each can be asked."""
    lines = ["# APIs", "", GENERATED, ""]
    lines += ["Every API has an OpenAPI document; a running process serves its own as `openapi.json`."]
    lines += ["What is below `/exchange/` is for the own gateway alone: other systems ask through theirs.", ""]
    for api in documents():
        lines += [
            f"## {api.document['info']['title']}",
            "",
            f"[OpenAPI](apis/{api.file}), paths below `/{api.base}`",
            "",
        ]
        lines += ["| operation | what | answers |", "|---|---|---|", *_operations(api.document), ""]
    return "\n".join(lines).rstrip() + "\n"


def _operations(document: Mapping[str, Any]) -> Iterator[str]:
    for path, item in document["paths"].items():
        for method in (one for one in METHODS if one in item):
            told = item[method]
            statuses = ", ".join(told["responses"])
            yield f"| `{method.upper()} {path}` | {told.get('summary') or told['operationId']} | {statuses} |"


def described() -> set[str]:
    """Return every route that some document describes, its parameters as ``{}``."""
    return {bare(route) for api in documents() for route in api.routes}


def bare(route: str) -> str:
    """Return *route* with each parameter as ``{}``, however it is written."""
    return re.sub(r"<[^>]+>|\{[^}]+\}", "{}", route)
