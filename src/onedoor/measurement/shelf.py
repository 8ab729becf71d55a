"""The figures at hand: every table of an index in the world's folder, recomputed once and again when a file changes."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock

import structlog

from onedoor.kernel import settings
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.nation.nation import shown
from onedoor.measurement import world as worlds
from onedoor.measurement.certainty import Interval, rank_intervals
from onedoor.measurement.errors import BadDefinition, NoFigures
from onedoor.measurement.measured import Measured, every
from onedoor.measurement.rules.intervals import Uncertain
from onedoor.measurement.tiles import Tile
from onedoor.measurement.tiles import read as read_tiles
from onedoor.measurement.world import Definition, World

WORLD = "world"
DRAWS, SEED = 20_000, 1
"""Draws of a rank interval and their seed: those of ``onedoor measure interval``."""
LOOK_EVERY = 1.0
"""Seconds from one look at the files to the next."""
Stamp = tuple[tuple[str, int, int], ...]
log = structlog.get_logger("onedoor.measurement")


@dataclass(frozen=True)
class Shelf:
    """All editions of one index that are at hand, the earliest first, and the files that could not be used."""

    world: World
    definition: Definition
    editions: Mapping[int, Measured]
    refused: Sequence[tuple[str, OnedoorError]]
    tiles: Mapping[str, Tile]
    digests: Mapping[Path, str]
    _intervals: dict[int, Mapping[str, Interval]] = field(default_factory=dict)
    _groups: dict[int, Mapping[str, Sequence[int]]] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """Return what stands for the definition, all tables and what was refused: other figures have another one."""
        told = [*sorted(self.digests.values()), *(name for name, _error in self.refused)]
        return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]

    def intervals(self, year: int) -> Mapping[str, Interval]:
        """Return the rank interval of every ranked country by its name; none of an index that is no weighted mean."""
        if year not in self._intervals:
            measured = self.editions[year]
            exact = measured.edition.root.exact
            self._intervals[year] = rank_intervals(measured, Uncertain(), DRAWS, SEED) if exact else {}
        return self._intervals[year]

    def groups(self, year: int) -> Mapping[str, Sequence[int]]:
        """Return the places of the members that each group had then, by its id; none of a group that has all ranked."""
        if year not in self._groups:
            measured, day = self.editions[year], self.definition.day(year)
            ranked = set(measured.ranked.tolist())
            members = ((one.id, one.members(day)) for one in self.world.groups.values())
            codes = list(enumerate(measured.table.codes))
            found = {id_: [place for place, code in codes if code in them] for id_, them in members}
            self._groups[year] = {id_: places for id_, places in found.items() if places and not ranked <= set(places)}
        return self._groups[year]


class _Shelves:
    """The shelves of the world's folder as its files were when they were last looked at."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.looked = -LOOK_EVERY
        self.stamp: Stamp | None = None
        self.found: Mapping[str, Shelf] = {}

    def now(self, folder: Path) -> Mapping[str, Shelf]:
        if time.monotonic() < self.looked + LOOK_EVERY:
            return self.found
        self.looked = time.monotonic()
        stamp = _stamp(folder)
        if stamp != self.stamp:
            with self.lock:
                if stamp != self.stamp:
                    self._look(folder, stamp)
        return self.found

    def _look(self, folder: Path, stamp: Stamp) -> None:
        try:
            self.found = _read(folder)
        except OnedoorError as error:  # what was read before still stands
            log.warning("the world cannot be read", folder=str(folder), why=str(error))
        self.stamp = stamp


_shelves = _Shelves()


def folder() -> Path:
    """Return the world's folder: beside the nation's own, or that of the installation."""
    beside = settings.current().nation.parent / WORLD
    return beside if beside.is_dir() else settings.REPOSITORY / "nations" / WORLD


def shelves() -> Mapping[str, Shelf]:
    """Return the shelf of each index that has figures, by its id."""
    return _shelves.now(folder())


def shelf(index: str) -> Shelf:
    """Return the shelf of *index*; raise `NoFigures`."""
    found = shelves().get(index)
    if found is None:
        raise NoFigures(index=index[:20])
    return found


def _stamp(folder: Path) -> Stamp:
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".csv", ".yaml"))
    return tuple((str(path), stat.st_mtime_ns, stat.st_size) for path in files for stat in [path.stat()])


def _read(folder: Path) -> dict[str, Shelf]:
    world, faults = worlds.check(folder)
    if world is None:
        raise BadDefinition(faults)
    tiles = read_tiles(folder / "tiles.csv")
    shelves = (_shelf(world, one, tiles) for one in world.indices.values())
    return {one.definition.id: one for one in shelves if one.editions}


def _common(folder: Path) -> list[Path]:
    """Return the files that figures of any index are read by: countries, where they stand on the map, groups."""
    return [folder / "countries.csv", folder / "tiles.csv", *sorted((folder / "groups").glob("*.yaml"))]


def _shelf(world: World, definition: Definition, tiles: Mapping[str, Tile]) -> Shelf:
    editions: dict[int, Measured] = {}
    refused: list[tuple[str, OnedoorError]] = []
    used = [world.path / "indices" / f"{definition.id}.yaml", *_common(world.path)]
    for file in sorted((world.path / "data").glob(f"{definition.id}-*.csv")):
        try:
            editions |= {one.edition.edition: one for one in every(world, file, definition.id)}
            used.append(file)
        except OnedoorError as error:
            log.warning("a table cannot be used", file=shown(file), why=str(error))
            refused.append((file.name, error))
    digests = {file: hashlib.sha256(file.read_bytes()).hexdigest() for file in used}
    return Shelf(world, definition, dict(sorted(editions.items())), refused, tiles, digests)
