"""A second nation is not started where a first one runs."""

from pathlib import Path

import pytest

from tests.nation.running import Running, alive, free_base
from tests.nation.test_start import assert_told, processes_of, up, var, ways

__all__ = ["var"]
pytestmark = [pytest.mark.nation, pytest.mark.timeout(400)]


@ways
def test_a_second_nation_beside_the_first_is_refused_and_harms_nothing(
    nation: Running, var: Path, way: tuple[str, ...]
) -> None:
    before = nation.pids()
    done = up(nation.var, base=free_base(), way=way)
    assert_told(done, "already runs", str(nation.record()["pid"]), "--var DIR")
    assert_told(up(var, base=nation.base, way=way), str(nation.base), "--port ")
    assert not processes_of(var)
    assert nation.pids() == before
    assert all(map(alive, before.values()))
