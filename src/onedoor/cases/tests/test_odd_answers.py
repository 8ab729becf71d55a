"""A register that answers a look-up with something else counts as one that does not answer."""

from typing import Any

import pytest

from onedoor.cases.tests.conftest import Transport
from onedoor.cases.tests.test_pages import AGAIN, APPLY, Visitor, own_language, text
from onedoor.exchange import service as exchange
from onedoor.exchange.connections import Response

__all__ = ["own_language"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals", "transport")]
READ = b"11111111-1111-4111-9111-111111111111"


@pytest.mark.parametrize(
    "odd",
    [
        b"null",
        b'{"records": []}',
        b'{"records": [], "read": 7}',
        b'{"records": [], "read": "x"}',
        b'{"records": ["x"], "read": "%s"}' % READ,
        b'{"records": {}, "read": "%s"}' % READ,
    ],
)
def test_a_register_that_answers_something_else_bars_nobody(
    transport: Transport, monkeypatch: pytest.MonkeyPatch, odd: bytes
) -> None:
    carry = transport.carry

    def strange(call: exchange.Call) -> Any:
        if not call.service.startswith("VN/GOV/G01/POPULATION/"):
            return carry(call)
        return exchange._answer(call, Response(200, {"content-type": "application/json", "x-road-id": "m"}, odd))

    monkeypatch.setattr(transport, "carry", strange)
    mother = Visitor("mother")
    tree = mother.send(mother.get(APPLY), {})
    tree = mother.send(tree, {"relation": "mother"})
    assert mother.status == 200
    assert tree.xpath(AGAIN)
    assert "This register does not answer" in text(tree)
