"""A context is made once for what it says, and works nothing out twice."""

from dataclasses import replace

import pytest

from onedoor.procedures import expressions
from onedoor.procedures import service as procedures
from onedoor.procedures.expressions import Context, ExpressionFailed, evaluate
from onedoor.procedures.service import Inputs

INPUTS = Inputs(today="2026-11-22", session={"number": "001196204817", "name": "A", "level": 2})


@pytest.fixture
def service():
    return next(iter(procedures._all()))


@pytest.fixture
def counted(monkeypatch):
    done = []
    execute = expressions._execute

    def counting(expression, given):
        done.append(expression)
        return execute(expression, given)

    monkeypatch.setattr(expressions, "_execute", counting)
    return done


def test_the_same_inputs_give_the_same_context(service):
    again = replace(INPUTS, session=dict(INPUTS.session))
    assert procedures.context(service, INPUTS) is procedures.context(service, again)


def test_another_answer_day_or_service_gives_another_context(service):
    first = procedures.context(service, INPUTS)
    field = next(iter(service.fields))
    assert procedures.context(service, replace(INPUTS, answers={field: "x"})) is not first
    assert procedures.context(service, replace(INPUTS, today="2026-11-23")) is not first
    assert procedures.context(replace(service, version="other"), INPUTS) is not first


def test_a_settled_context_works_an_expression_out_once(counted):
    known = Context({"n": 2}).settled()
    assert [evaluate("n + 1", known) for _ in range(3)] == [3, 3, 3]
    assert counted == ["n + 1"]


def test_a_settled_context_fails_each_time_alike_and_tries_once(counted):
    known = Context({"n": None}).settled()
    for _ in range(2):
        with pytest.raises(ExpressionFailed):
            evaluate("n.born > 1", known)
    assert counted == ["n.born > 1"]


def test_what_is_added_to_a_context_is_worked_out_anew():
    known = Context({"n": 2}).settled()
    assert (evaluate("n", known), evaluate("n", known.but(n=5))) == (2, 5)
