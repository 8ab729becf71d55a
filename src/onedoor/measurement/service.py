"""The door of the room: the only module that other rooms import."""

from onedoor.measurement.certainty import Certainty, Interval, certainty, rank_intervals, rounds, sensitivity
from onedoor.measurement.comparing import Development, Peers, development, history, peers
from onedoor.measurement.goal import Goal, Way, solve
from onedoor.measurement.measured import Measured, Row, every, measure
from onedoor.measurement.world import World, check, world

__all__ = [
    "Certainty",
    "Development",
    "Goal",
    "Interval",
    "Measured",
    "Peers",
    "Row",
    "Way",
    "World",
    "certainty",
    "check",
    "development",
    "every",
    "history",
    "measure",
    "peers",
    "rank_intervals",
    "rounds",
    "sensitivity",
    "solve",
    "world",
]
