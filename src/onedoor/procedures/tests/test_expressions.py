from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onedoor.procedures import expressions
from onedoor.procedures.expressions import BadExpression, Context, ExpressionFailed, chosen, each, evaluate, holds

CONTEXT = Context({"a": {"b": None, "born": "2020-02-29"}, "today": "2026-02-28", "items": [{"n": 1}, {"n": 2}]})
days = st.dates(date(1900, 1, 1), date(2100, 1, 1))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("known(a.b)", False),
        ("known(a) && a.b == null", True),
        ("age(a.born, today) < 6", True),
        ("items.filter(i, i.n > 1).map(i, i.n)", [2]),
        ("add_months(a.born, 72)", "2026-02-28"),
        ("a.born < today", True),
        ("date_text('2026-11-19T06:40')", "19/11/2026 06:40"),
        ("items + [{'n': 3}]", [{"n": 1}, {"n": 2}, {"n": 3}]),
    ],
)
def test_expressions_say_what_they_say(expression: str, value: object) -> None:
    assert evaluate(expression, CONTEXT) == value


@pytest.mark.parametrize("expression", ["not known(a)", "60 days", "a.", "a = 1", "'open", ""])
def test_what_does_not_parse_is_refused(expression: str) -> None:
    with pytest.raises(BadExpression, match="is not an expression"):
        evaluate(expression, CONTEXT)


@pytest.mark.parametrize("expression", ["a.missing", "b", "a.b.c", "age(a.b, today)", "nothing(1)", "1 + 'x'", "1 / 0"])
def test_what_cannot_be_worked_out_says_so(expression: str) -> None:
    with pytest.raises(ExpressionFailed, match="could not be worked out"):
        evaluate(expression, CONTEXT)


def test_values_that_do_not_fit_together_are_named_in_words() -> None:
    with pytest.raises(ExpressionFailed, match="its values do not fit together"):
        evaluate("1 + 'x'", CONTEXT)


def test_a_failed_expression_does_not_tell_the_values_it_saw() -> None:
    with pytest.raises(ExpressionFailed) as failed:
        evaluate("age(secret, today)", CONTEXT.but(secret="001196204817"))
    assert "001196204817" not in str(failed.value)


def test_a_condition_that_is_no_condition_is_refused() -> None:
    with pytest.raises(ExpressionFailed, match="neither true nor false"):
        holds("a.born", CONTEXT)


def test_names_and_functions_of_an_expression_are_known() -> None:
    expression = "items.exists(i, i.n > a.b) && age(form.born, today) < 6 && 'a.x' != \"y.z\" && items.size() > 0"
    assert expressions.names_of(expression) == {"items", "a", "form", "today"}
    assert ("form", "born") in expressions.paths_of(expression)
    assert expressions.functions_of(expression) & {"age", "size"} == {"age", "size"}


@given(days, st.integers(0, 400))
def test_an_age_grows_on_the_birthday(born: date, months: int) -> None:
    later = expressions.add_months(born.isoformat(), months)
    assert expressions.age(born.isoformat(), later) in {
        months // 12,
        (months - 1) // 12 if born.day > 28 else months // 12,
    }


@given(days, st.integers(0, 1000), st.integers(0, 100))
def test_on_time_is_the_day_counted_from_the_next(born: date, after: int, limit: int) -> None:
    day = born + timedelta(days=after)
    assert expressions.on_time(born.isoformat(), day.isoformat(), limit) == (after <= limit)
    assert not expressions.on_time(day.isoformat(), (day - timedelta(days=1)).isoformat(), limit)


ITEMS = [{"used": False, "number": "1"}, {"used": True, "number": "2"}, {"used": False, "number": "3"}]
WORKED_OUT = [
    "item.number + date('2026-11-22T06:40')",
    "!item.used && !(item.number in taken.map(r, r.number))",
    "null",
]


@pytest.mark.parametrize("expression", WORKED_OUT)
def test_items_worked_out_together_are_what_each_is_alone(expression: str) -> None:
    context = Context({"taken": [{"number": "3"}]})
    alone = [evaluate(expression, context.but(item=item)) for item in ITEMS]
    assert each(expression, ITEMS, context) == each(expression, ITEMS, context.settled()) == alone
    assert each(expression, [], context) == []


def test_the_items_of_a_condition_are_chosen_and_a_condition_that_is_none_is_refused() -> None:
    context = Context({"taken": [{"number": "3"}]})
    assert [one["number"] for one in chosen(WORKED_OUT[1], ITEMS, context)] == ["1"]
    assert (chosen("true", ITEMS, context), chosen("false", ITEMS, context)) == (ITEMS, [])
    for wrong in ("item.number", "item.missing"):
        with pytest.raises(ExpressionFailed):
            chosen(wrong, ITEMS, context)
