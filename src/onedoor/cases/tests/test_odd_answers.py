"""A register that answers with something else counts as one that does not answer; a fault of ours is told as well."""

from typing import Any

import pytest

from onedoor.cases import service, working
from onedoor.cases.tests.conftest import Transport
from onedoor.cases.tests.story import SignIn, handed_over, only
from onedoor.cases.tests.test_pages import AGAIN, APPLY, Visitor, own_language, text
from onedoor.exchange import service as exchange
from onedoor.exchange.connections import Response
from onedoor.kernel.actor import Actor
from onedoor.kernel.errors import Unavailable

__all__ = ["own_language"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals", "transport")]
READ = b"11111111-1111-4111-9111-111111111111"


def answers_oddly(transport: Transport, monkeypatch: pytest.MonkeyPatch, odd: bytes) -> None:
    """Have the population register answer *odd* to whatever it is asked."""
    carry = transport.carry

    def strange(call: exchange.Call) -> Any:
        if not call.service.startswith("VN/GOV/G01/POPULATION/"):
            return carry(call)
        return exchange._answer(call, Response(200, {"content-type": "application/json", "x-road-id": "m"}, odd))

    monkeypatch.setattr(transport, "carry", strange)


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
    answers_oddly(transport, monkeypatch, odd)
    mother = Visitor("mother")
    tree = mother.send(mother.get(APPLY), {})
    tree = mother.send(tree, {"relation": "mother"})
    assert mother.status == 200
    assert tree.xpath(AGAIN)
    assert "This register does not answer" in text(tree)


def accepted(sign_in: SignIn) -> tuple[str, Actor]:
    """Return the task of a birth that an officer accepted, and that officer: what was decided is not done yet."""
    handed_over(sign_in("mother"))
    registrar = sign_in("civil-status")
    task = only(registrar)
    service.accept(task, registrar)
    return task, registrar


@pytest.mark.parametrize("odd", [b"null", b"{}", b'{"record": null}', b'{"record": [1, 2]}', b"[", b""])
def test_a_register_that_answers_a_write_with_something_else_is_asked_again_and_the_officer_told(
    transport: Transport, monkeypatch: pytest.MonkeyPatch, sign_in: SignIn, odd: bytes
) -> None:
    task, registrar = accepted(sign_in)
    with monkeypatch.context() as strange:
        answers_oddly(transport, strange, odd)
        with pytest.raises(Unavailable):
            working.work(task)
    told = service.task(task, registrar)
    assert (told.line.state, bool(told.trouble)) == ("deciding", True)
    working.work(task)
    assert service.task(task, registrar).line.state == "done"


def test_a_fault_of_ours_is_told_to_the_officer_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, sign_in: SignIn
) -> None:
    task, registrar = accepted(sign_in)
    with monkeypatch.context() as broken:
        broken.setattr(working, "_document", lambda *_: {}["nothing"])
        with pytest.raises(KeyError):
            working.work(task)
    told = service.task(task, registrar)
    assert (told.line.state, bool(told.trouble)) == ("deciding", True)
    working.work(task)
    assert (service.task(task, registrar).line.state, service.task(task, registrar).trouble) == ("done", "")
