"""Where each country stands on the tile map: equal squares, so that the smallest is seen like the largest."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Tile:
    """A square of one of the panels of the map, counted from 1 at the upper left."""

    panel: int
    column: int
    row: int


def read(file: Path) -> Mapping[str, Tile]:
    """Return the tile of each country by its code; none where there is no such *file*."""
    if not file.is_file():
        return {}
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {row["code"]: Tile(int(row["panel"]), int(row["column"]), int(row["row"])) for row in rows}
