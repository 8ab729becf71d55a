"""Agreement of two assessors: its share, what is beyond chance, where they differ."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from onedoor.measurement.rules.agreement import agreement, differences, settled

PAIRS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)


def sheets(pairs: list[tuple[bool, bool]]) -> tuple[dict[str, bool], dict[str, bool]]:
    first = {f"X-{n:03}": one for n, (one, _) in enumerate(pairs)}
    return first, {f"X-{n:03}": other for n, (_, other) in enumerate(pairs)}


def test_kappa_is_what_textbooks_compute() -> None:
    """Of 50 answers both say yes to 20, both no to 15, one alone yes to 5, the other alone to 10: kappa 0.4."""
    pairs = [(True, True)] * 20 + [(False, False)] * 15 + [(True, False)] * 5 + [(False, True)] * 10
    found = agreement(*sheets(pairs))
    assert (found.share, found.kappa) == (Fraction(7, 10), Fraction(2, 5))


def test_there_is_no_kappa_where_chance_alone_agrees() -> None:
    assert agreement(*sheets([(True, True)] * 9)).kappa is None
    assert agreement(*sheets([(True, True), (False, True)])).kappa == 0


@given(PAIRS)
def test_agreement_is_the_same_from_both_sides_and_whole_only_without_differences(pairs) -> None:
    first, second = sheets(pairs)
    found, turned = agreement(first, second), agreement(second, first)
    assert found == turned
    assert found.all - found.same == len(differences(first, second))
    assert found.kappa is None or -1 <= found.kappa <= 1
    assert (found.kappa == 1) == (found.kappa is not None and not differences(first, second))


@given(PAIRS, st.booleans())
def test_only_differences_are_decided(pairs, decided: bool) -> None:
    first, second = sheets(pairs)
    apart = differences(first, second)
    result = settled(first, second, dict.fromkeys(apart, decided))
    assert list(result) == list(first)
    assert all(result[code] == (decided if code in apart else first[code]) for code in first)
