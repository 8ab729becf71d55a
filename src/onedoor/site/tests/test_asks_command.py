"""``onedoor rights``: what is asked for, and how its provider decides: signed, kept, and once."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from onedoor.exchange import granting, permissions
from onedoor.exchange.granting import Provider
from onedoor.site.lab import invented
from onedoor.site.tests.test_rights_command import ECHO, M1, M3, WHAT, WHY, Says, in_force, said
from onedoor.site.tests.test_rights_command import provisioned as provisioned
from onedoor.site.tests.test_rights_command import var as var


@pytest.fixture
def says(var: Path, capsys: pytest.CaptureFixture[str]) -> Says:
    return partial(said, "rights", var, capsys)


def test_what_is_asked_is_granted_once_and_both_are_kept(var: Path, says: Says) -> None:
    path = var / "ask.json"
    assert str(path) in says("ask", M1, ECHO, *WHAT, *WHY, "--out", path, at="M1")
    assert "Granted" in says("approve", path)
    assert in_force(var) == [(M1, ("GET /greetings",))]
    assert "already: granted" in says("approve", path, code=2)
    assert "already: granted" in says("refuse", path, "--why", "no", code=2)
    told = json.loads(says("list", "--json"))
    assert told["decisions"][0]["asked"] == json.loads(path.read_text())
    assert [one["state"] for one in told["grants"]] == ["granted"]
    assert "because “to greet”; granted on" in says("list")


def test_an_ask_that_was_decided_is_the_same_whatever_is_put_around_it(var: Path, says: Says) -> None:
    path = var / "ask.json"
    path.write_text(says("ask", M1, ECHO, *WHAT, *WHY, at="M1"))
    says("approve", path)
    says("revoke", M1, ECHO)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"more": 1}))
    assert "already: granted" in says("approve", path, code=2)
    assert in_force(var) == []


def test_a_decision_outlasts_a_line_that_was_torn_before_it(var: Path, says: Says) -> None:
    path = var / "ask.json"
    path.write_text(says("ask", M1, ECHO, *WHAT, *WHY, at="M1"))
    (var / "gateway-M2" / granting.DECISIONS).write_text('{"decision": {"ask')
    says("refuse", path, "--why", "not now")
    assert "already: refused" in says("approve", path, code=2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoints": [5]},
        {"endpoints": ["GET /\x1b[2J"]},
        {"endpoints": ["GET"]},
        {"client": [M1]},
        {"why": 1},
        {"why": "x" * (granting.LONGEST + 1)},
        {"endpoints": ["GET /greetings"] * 101, "purposes": ["try"] * 100},
    ],
)
def test_an_ask_says_nothing_that_no_operator_could_have_typed(
    var: Path, says: Says, wrong: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = granting.Ask.data
    monkeypatch.setattr(granting.Ask, "data", lambda ask: data(ask) | wrong)
    path = var / "ask.json"
    path.write_text(says("ask", M1, ECHO, *WHAT, *WHY, at="M1"))
    assert "not well formed" in says("approve", path, code=2)


def test_an_ask_waits_for_one_who_signs_anew_what_was_asked(var: Path) -> None:
    folder, wanted = var / "gateway-M1", permissions.Permission(M1, ECHO, ("try",), ("GET /greetings",))
    told = {"basis": invented.BASIS, "why": "to greet", "now": datetime.now(UTC)}
    with ThreadPoolExecutor(1) as other:
        with permissions.alone(folder):
            asked = other.submit(granting.ask, folder, wanted, **told)
            with pytest.raises(TimeoutError):
                asked.result(0.2)
        assert asked.result(5)
    assert [one["why"] for one in Provider(folder, datetime.now(UTC)).asks()] == ["to greet"]


def test_a_refusal_is_kept_and_grants_nothing(var: Path, says: Says) -> None:
    path = var / "ask.json"
    path.write_text(says("ask", M1, ECHO, *WHAT, *WHY, at="M1"))
    assert "Refused, and kept" in says("refuse", path, "--why", "not now")
    assert in_force(var) == []
    assert "refused on" in says("list")


@pytest.mark.parametrize(
    "changed",
    [
        lambda data: data["ask"].update(client=M3),
        lambda data: data["ask"].update(endpoints=["* /**"]),
        lambda data: data["ask"].update(why="for something else"),
        lambda data: data["ask"].update(why="x" * (granting.LONGEST + 1)),
        lambda data: data["ask"].update(why="a\x1b[31mb"),
        lambda data: data.update(signature="AA=="),
        lambda data: data.pop("signature"),
        lambda data: data.update(ask=[]),
    ],
)
def test_an_ask_that_its_clients_gateway_did_not_sign_is_none(
    var: Path, says: Says, changed: Callable[[dict[str, object]], object]
) -> None:
    path = var / "ask.json"
    data = json.loads(says("ask", M1, ECHO, *WHAT, *WHY, at="M1"))
    changed(data)
    path.write_text(json.dumps(data))
    assert "no ask that can be decided on" in says("approve", path, code=2)
    path.write_text("[" * 70_000)
    assert "longer than" in says("approve", path, code=2)
    assert in_force(var) == []


@pytest.mark.parametrize("why", ["", "a\nb", "x" * (granting.LONGEST + 1)])
def test_a_reason_says_something_and_who_refuses_without_one_grants_nothing(var: Path, says: Says, why: str) -> None:
    path = var / "ask.json"
    path.write_text(says("ask", M1, ECHO, *WHAT, *WHY, at="M1"))
    assert "cannot be entered" in says("refuse", path, "--why", why, code=2)
    assert "cannot be entered" in says("ask", M1, ECHO, *WHAT, "--basis", "lab", "--why", why, at="M1", code=2)
    assert in_force(var) == []
    kept = [json.loads(says("list", "--json", at=member)) for member in ("M2", "M1")]
    assert (kept[0]["decisions"], len(kept[1]["asks"])) == ([], 1)


def test_what_is_asked_above_the_nation_s_rights_is_not_granted_and_may_be_refused(var: Path, says: Says) -> None:
    path = var / "ask.json"
    what = ("--endpoint", "GET /greetings", "--purpose", "other")
    path.write_text(says("ask", M1, ECHO, *what, *WHY, at="M1"))
    assert "The nation’s rights do not let" in says("approve", path, code=2)
    assert "Refused, and kept" in says("refuse", path, "--why", "no right of the nation")
    assert "refused on" in says("list")
    path.write_text(says("ask", M1, f"{M3}/echo", *WHAT, *WHY, at="M1"))
    assert "provides no service" in says("approve", path, code=2)
    assert "provides no service" in says("refuse", path, "--why", "not ours", code=2)
    assert in_force(var) == []


def test_a_decision_that_was_changed_counts_for_nothing(var: Path, says: Says) -> None:
    path = var / "ask.json"
    path.write_text(says("ask", M1, ECHO, *WHAT, *WHY, at="M1"))
    says("refuse", path, "--why", "not now")
    kept = var / "gateway-M2" / granting.DECISIONS
    kept.write_text(kept.read_text().replace("not now", "never") + "torn\n")
    assert Provider(kept.parent, datetime.now(UTC)).decisions() == []
