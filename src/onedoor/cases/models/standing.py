"""Where a dossier with its steps, or a task, stands: what its newest entry in the ledger covers of it."""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime

from onedoor.cases.models.dossier import Dossier, Step
from onedoor.cases.models.task import Task

OF_A_DOSSIER = (
    *("code", "service", "version", "digest", "state", "limit"),
    *("submitted_at", "counted_from", "due", "ended_at"),
)
OF_A_STEP = (
    *("ref", "position", "agency", "state", "round", "asked", "limit", "ground"),
    *("started_at", "due", "stopped_at", "answer_by", "done_at"),
)
OF_A_TASK = (
    *("case", "step", "round", "origin", "agency", "post", "service", "version", "digest", "state", "asked"),
    *("received_at", "due", "stopped_at", "decided_at", "decided_by"),
)
"""The columns that change by a transition or an act alone.

The others count tries, say what ails, who works on it, or are sealed.
"""


def of_dossier(dossier: Dossier) -> str:
    """Return the SHA-256, in hex, of where *dossier* and its steps stand."""
    steps = sorted(dossier.steps.all(), key=lambda step: step.position)
    return _digest([_said(dossier, OF_A_DOSSIER), *(_said(step, OF_A_STEP) for step in steps)])


def of_task(task: Task) -> str:
    """Return the SHA-256, in hex, of where *task* stands."""
    return _digest([_said(task, OF_A_TASK)])


def _said(row: Dossier | Step | Task, columns: Iterable[str]) -> list[str]:
    return [_text(getattr(row, column)) for column in columns]


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return "" if value is None else str(value)


def _digest(said: list[list[str]]) -> str:
    return hashlib.sha256(json.dumps(said, separators=(",", ":")).encode()).hexdigest()
