"""Every measurement that runs by itself still measures: what it is about changes, and nothing else would tell."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("module", "counts"),
    [
        ("agencies", ()),
        ("exchange", ()),
        ("figures", ()),
        ("gate", ()),
        ("ledger", (20_000,)),
        ("registers", ()),
        ("whoreads", (20_000,)),
    ],
)
def test_a_measurement_gives_its_ratios(module: str, counts: tuple[int, ...], tmp_path: Path) -> None:
    command = [sys.executable, "-m", f"bench.{module}", str(tmp_path / "state"), *map(str, counts)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=800, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    ratios = json.loads(done.stdout)
    assert ratios
    assert all(one["ours"] > 0 and one["anchor"] > 0 for one in ratios), ratios
