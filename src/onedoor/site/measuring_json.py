"""What ``onedoor measure --json`` says: decimals as texts, None where there is nothing."""

import dataclasses
from collections.abc import Sequence
from decimal import Decimal

from onedoor.measurement.rules.sensitivity import Factor
from onedoor.measurement.service import Certainty, Goal, Measured, Row, Way


def plain_row(row: Row) -> dict[str, object]:
    """Return *row* for JSON."""
    return {
        "country": row.country,
        "value": _text(row.value),
        "published_value": _text(row.published_value),
        "rank": row.rank,
        "published_rank": row.published_rank,
        "agrees": row.agrees,
    }


def plain_goal(measured: Measured, goal: Goal) -> dict[str, object]:
    """Return *goal* for JSON."""
    return {
        "country": goal.country,
        "edition": measured.edition.edition,
        "group": goal.group.id if goal.group else None,
        "place": goal.place,
        "now": goal.now,
        "value": str(goal.value),
        "needed": str(goal.needed),
        "reached": goal.reached,
        "field": "moving" if goal.year else "fixed",
        "year": goal.year,
        "ways": [_plain_way(way) for way in goal.alone],
        "together": _plain_way(goal.together) if goal.together else None,
        "blocked": [dataclasses.asdict(one) for one in goal.blocked],
    }


def plain_interval(measured: Measured, found: Certainty, moved: Sequence[Factor] | None) -> dict[str, object]:
    """Return an interval for JSON."""
    said: dict[str, object] = {
        "country": found.country,
        "edition": measured.edition.edition,
        "draws": found.draws,
        "seed": found.seed,
        "rank": found.rank,
        "published_rank": found.published_rank,
        **dataclasses.asdict(found.interval),
        "published_lies": lies(found),
        "alone": {source: dataclasses.asdict(one) for source, one in found.alone.items()},
    }
    if moved is not None:
        said["sensitivity"] = [
            {"factor": one.kind, "part": one.part}
            | {key: f"{getattr(one, key):.4f}" for key in ("first", "total", "error")}
            for one in moved
        ]
    return said


def lies(found: Certainty) -> str | None:
    """Return where the published rank lies: ``inside`` the interval, ``better`` or ``worse``."""
    if found.published_rank is None:
        return None
    if found.interval.low <= found.published_rank <= found.interval.high:
        return "inside"
    return "better" if found.published_rank < found.interval.low else "worse"


def _plain_way(way: Way) -> dict[str, object]:
    return {
        "changes": [
            {
                "part": one.part,
                "from": str(one.before),
                "to": str(one.after),
                "change": str(one.after - one.before),
                "features": one.features,
                "of": one.of,
            }
            for one in way.parts
        ],
        "value": str(way.value),
        "rank": way.rank,
        "low": _text(way.low),
        "high": _text(way.high),
        "chance": None if way.chance is None else f"{way.chance:.3f}",
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)
