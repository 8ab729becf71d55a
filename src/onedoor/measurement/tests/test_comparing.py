"""A country beside itself and beside others."""

from fractions import Fraction

from onedoor.measurement import service
from onedoor.measurement.measured import Measured


def test_parts_and_rounding_add_up_to_the_change(editions: dict[int, Measured]) -> None:
    for country in ("VN", "Denmark", "Somalia"):
        found = service.development(editions[2016], editions[2018], country)
        change = Fraction(found.after.published_value) - Fraction(found.before.published_value)
        assert sum(part.value + part.weight for part in found.parts) + found.rounding == change
        assert abs(found.rounding) < Fraction(1, 5000)


def test_what_moved_viet_nam_from_2016_to_2018(editions: dict[int, Measured]) -> None:
    found = service.development(editions[2016], editions[2018], "Viet Nam")
    assert (found.before.rank, found.after.rank) == (89, 88)
    assert max(found.parts, key=lambda part: part.value).part == "osi"


def test_peers_are_near_and_those_above_are_above(of_2018: Measured) -> None:
    found = service.peers(of_2018, "Viet Nam", 3)
    assert len(found.nearest) == 3
    assert "Viet Nam" not in {row.country for row in found.nearest}
    assert "Singapore" in {row.country for row in found.above}
    assert "Thailand" not in {row.country for row in found.above}
    assert not found.at_frontier
    assert found.best["osi"].country == "Denmark"
    assert service.peers(of_2018, "Denmark").at_frontier
