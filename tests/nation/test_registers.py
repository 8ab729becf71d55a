"""Registers by version and by the GovStack interface, asked as another system asks: through both gateways."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest

from onedoor.exchange.connections import Connections, Request, Response
from tests.nation.running import Running
from tests.nation.test_refusals import POPULATION, SYSTEMS, WHY

pytestmark = [pytest.mark.nation, pytest.mark.timeout(400)]
MOTHER = "001196204817"
ASKED = {"query": {"content": {"number": MOTHER}}}


@pytest.fixture
def portal(nation: Running) -> Iterator[Connections]:
    """Give the portal's own way to its gateway."""
    state = nation.var / "portal"
    url = f"https://127.0.0.1:{nation.base + SYSTEMS}"
    with closing(Connections(url, state / "tls.pem", state / "tls.key", state / "tls-trust.pem")) as connections:
        yield connections


def ask(portal: Connections, method: str, path: str, body: object = None, **changed: str) -> Response:
    headers = {**WHY, "X-Road-Id": str(uuid4()), "Information-Mediator-Client": WHY["X-Road-Client"]}
    headers |= {name.replace("_", "-"): value for name, value in changed.items()}
    content = b"" if body is None else json.dumps(body).encode()
    found = portal.exchange([Request(method, f"/r1/{POPULATION}/{path}", headers, content)], 15)[0]
    assert isinstance(found, Response), found
    return found


def said(answer: Response) -> Any:
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def test_a_version_of_a_register_is_asked_and_describes_itself(portal: Connections) -> None:
    found = said(ask(portal, "POST", "population/v1/lookup", {"by": {"number": MOTHER}, "fields": ["number"]}))
    assert found["records"] == [{"number": MOTHER}]
    assert said(ask(portal, "GET", "population/v1/openapi.json"))["info"]["version"] == "1"
    assert ask(portal, "POST", "population/v2/lookup", {"by": {"number": MOTHER}}).status == 404


@pytest.mark.parametrize("word", ["readValue", "read-value"])
def test_a_record_is_read_by_the_govstack_interface(portal: Connections, word: str) -> None:
    content = said(ask(portal, "POST", "data/population/1/read", ASKED))["content"]
    assert content["number"] == MOTHER
    value = said(ask(portal, "GET", f"data/population/1/{content['id']}/{word}/full_name.json"))
    assert value == {"value": content["full_name"]}
    listed = said(ask(portal, "GET", f"data/population/1?query.number={MOTHER}"))
    assert (listed["count"], listed["results"]) == (1, [content])


def test_what_is_not_granted_does_not_pass_the_gateway(portal: Connections) -> None:
    change = {**ASKED, "write": {"content": {"phone": "0000000000"}}}
    for method, path in (("PUT", "update"), ("POST", "create"), ("DELETE", f"{uuid4()}/delete")):
        refused = ask(portal, method, f"data/population/1/{path}", change)
        assert refused.headers["x-road-error"].endswith("AccessDenied")
    own = {"Onedoor_Purpose": "own-case", "Onedoor_Basis": "l91-2025"}
    assert ask(portal, "POST", "data/population/1/read", ASKED, **own).status != 200


def test_a_person_sees_who_has_read_by_the_govstack_interface(portal: Connections) -> None:
    said(ask(portal, "POST", "data/population/1/read", ASKED))
    own = {"Onedoor_Purpose": "own-case", "Onedoor_Basis": "l91-2025"}
    usage = said(ask(portal, "GET", f"data/myPersonalDataUsage?userId={MOTHER}&databaseId=population", **own))
    assert usage[0]["readerId"] == WHY["X-Road-UserId"]
