"""The memory of a whole nation: PSS of every process, shared pages counted once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.measure import Ratio
from onedoor.site.up import status

FLOOR_GIB, GOAL_GIB = 1.5, 1.0
MIB = 1024.0


def measure(var: Path) -> tuple[list[Ratio], Mapping[str, Any]]:
    """Return the PSS in GiB as a ratio to one GiB, and the MiB of each process by name."""
    record: Mapping[str, Any] = status.status(var)
    gib = record["pss_mib"] / MIB
    goal = "goal 1.0 kept" if gib <= GOAL_GIB else "goal 1.0 not kept"
    each = {name: round(one["pss_mib"], 1) for name, one in record["processes"].items()}
    return [Ratio("PSS of all processes", gib, 1.0, "GiB", gib, gib, gib, FLOOR_GIB, note=goal)], {"pss_mib": each}
