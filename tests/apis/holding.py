"""Holds every answer that a test client is given against the OpenAPI document of its address."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema_rs
from django.test import Client

from tests.reference import apis

JSON = "application/json"


@dataclass(frozen=True)
class Operation:
    """One operation of a document: its file, path and method, and its description."""

    file: str
    path: str
    method: str
    told: Mapping[str, Any]
    components: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"{self.file} {self.method} {self.path}"

    def takes(self, body: bytes) -> str:
        """Return what is wrong with a *body* that the document describes; nothing when it is as it says."""
        if "requestBody" not in self.told:
            return "a body, and none is described" if body else ""
        return self._wrong(self.told["requestBody"]["content"][JSON]["schema"], body)

    def gives(self, response: Any) -> str:
        """Return what the document does not say of *response*."""
        described = self.told["responses"].get(str(response.status_code))
        if described is None:
            return f"status {response.status_code}"
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        if not described.get("content"):
            return f"content of type {kind}" if response.getvalue() else ""
        if kind not in described["content"]:
            return f"content of type {kind}"
        return self._wrong(described["content"][kind]["schema"], response.getvalue()) if kind == JSON else ""

    def _wrong(self, schema: Mapping[str, Any], body: bytes) -> str:
        """Return the first thing by which *body* is not what *schema* says."""
        try:
            value = json.loads(body)
        except ValueError:
            return "no JSON"
        whole = {**schema, "components": self.components}
        fault = next(jsonschema_rs.validator_for(whole, validate_formats=True).iter_errors(value), None)
        return f"{list(fault.instance_path)}: {fault.message}" if fault else ""


class Held:
    """What a test client asked of the *operations*, each answer held against its description."""

    def __init__(self, operations: list[tuple[re.Pattern[str], Operation]]) -> None:
        self.operations = operations
        self.done: set[str] = set()
        self.wrong: list[str] = []

    def carries(self) -> Callable[..., Any]:
        """Return what carries a request as a test client does, and holds its answer."""
        carry = Client.request

        def request(client: Client, **environ: Any) -> Any:
            response = carry(client, **environ)
            method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
            for where, one in self.operations:
                if one.method == method and where.fullmatch(path):
                    self.hold(one, response)
            return response

        return request

    def never(self) -> set[str]:
        """Return the operations that were not once answered with 2xx."""
        return {one.name for _, one in self.operations} - self.done

    def hold(self, one: Operation, response: Any) -> None:
        found = one.gives(response)
        if response.status_code < 300:
            self.done.add(one.name)
            found = found or one.takes(response.wsgi_request.body)
        if found:
            self.wrong.append(f"{one.name}: {found}")


def operations(files: str) -> list[tuple[re.Pattern[str], Operation]]:
    """Return every operation of the documents whose names the pattern *files* matches, by its address."""
    found = []
    for api in apis.documents():
        if re.fullmatch(files, api.file):
            for path, item in api.document["paths"].items():
                where = re.compile(
                    re.sub(r"\\{[^}]+\\}", "[^/]+", re.escape(f"/{_base(api)}{path}".replace("//", "/")))
                )
                found += [
                    (where, Operation(api.file, path, method.upper(), item[method], api.document.get("components", {})))
                    for method in apis.METHODS
                    if method in item
                ]
    return found


def _base(api: apis.Api) -> str:
    register, _, version = api.file.removesuffix(".json").partition("-")[2].partition("-v")
    return api.base.format(register=register, version=version)
