"""How a dossier and a task may move: state machines as data, and the clock that stops; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from types import MappingProxyType
from typing import Literal

from onedoor.cases.errors import NotPossible, OneSupplementOnly
from onedoor.kernel.clock import Calendar, Limit

WAITING, SENDING, WORKING, SUPPLEMENT = "waiting", "sending", "working", "supplement"
DONE, REFUSED, STOPPED, DROPPED, SKIPPED, WITHDRAWN = "done", "refused", "stopped", "dropped", "skipped", "withdrawn"
PARTLY = "partly"

ENDED = frozenset({DONE, REFUSED, STOPPED, DROPPED, SKIPPED, WITHDRAWN})
FULFILLED = frozenset({DONE, SKIPPED})
ACTIVE = frozenset({SENDING, WORKING, SUPPLEMENT})

Move = Literal["acknowledge", "done", "verify", "supplement", "answer", "refuse", "hand_over", "expire"]

# An outcome may arrive before the acknowledgement of the hand-over did: it implies one.
MOVES: Mapping[str, tuple[frozenset[str], str]] = MappingProxyType(
    {
        "acknowledge": (frozenset({SENDING}), WORKING),
        "done": (frozenset({SENDING, WORKING}), DONE),
        "verify": (frozenset({SENDING, WORKING}), WORKING),
        "supplement": (frozenset({SENDING, WORKING}), SUPPLEMENT),
        "answer": (frozenset({SUPPLEMENT}), WORKING),
        "refuse": (frozenset({SENDING, WORKING}), REFUSED),
        "hand_over": (frozenset({SENDING, WORKING}), SENDING),
        "expire": (frozenset({SUPPLEMENT}), STOPPED),
    }
)
WAYS_OUT = frozenset({"verify", "supplement", "refuse", "hand_over"})
"""Moves that a step makes only when its definition names them in ``may`` (``verify``: when it has the longer limit)."""


@dataclass(frozen=True, slots=True)
class StepAt:
    """A step and where it stands; ``asked`` counts supplements, ``round`` hand-overs to other authorities."""

    id: str
    after: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()
    state: str = WAITING
    asked: int = 0
    round: int = 0


@dataclass(frozen=True, slots=True)
class CaseAt:
    """All steps of a case in their order, and how often a supplement may be asked of each."""

    steps: tuple[StepAt, ...]
    supplements: int = 1

    def step(self, ref: str) -> StepAt:
        """Return the step called *ref*; raise `NotPossible`."""
        for step in self.steps:
            if step.id == ref:
                return step
        raise NotPossible

    def put(self, step: StepAt) -> "CaseAt":
        """Return the case with *step* in the place of its namesake."""
        return replace(self, steps=tuple(step if old.id == step.id else old for old in self.steps))

    @property
    def state(self) -> str:
        """Return where the whole case stands."""
        states = [step.state for step in self.steps]
        if WITHDRAWN in states:
            return WITHDRAWN
        if any(state not in ENDED for state in states):
            return SUPPLEMENT if SUPPLEMENT in states and not {SENDING, WORKING} & set(states) else WORKING
        if all(state in FULFILLED for state in states):
            return DONE
        if DONE in states:
            return PARTLY
        return REFUSED if REFUSED in states else STOPPED


def begin(steps: Iterable[StepAt], supplements: int = 1) -> CaseAt:
    """Return a new case: the steps that wait for nothing are being handed over."""
    return advance(CaseAt(tuple(steps), supplements))


def advance(case: CaseAt) -> CaseAt:
    """Return *case* with every waiting step started whose predecessors are done, or dropped where one cannot be."""
    while True:
        ended = {step.id for step in case.steps if step.state in ENDED}
        fulfilled = {step.id for step in case.steps if step.state in FULFILLED}
        moved = case
        for step in case.steps:
            if step.state == WAITING and step.after <= fulfilled:
                moved = moved.put(replace(step, state=SENDING))
            elif step.state == WAITING and step.after & (ended - fulfilled):
                moved = moved.put(replace(step, state=DROPPED))
        if moved == case:
            return case
        case = moved


def move(case: CaseAt, ref: str, kind: Move) -> CaseAt:
    """Return *case* after step *ref* moved; raise `NotPossible` or `OneSupplementOnly`."""
    step = case.step(ref)
    allowed_from, to = MOVES[kind]
    if step.state not in allowed_from or (kind in WAYS_OUT and kind not in step.may):
        raise NotPossible
    if kind == "supplement":
        if step.asked >= case.supplements:
            raise OneSupplementOnly(times=case.supplements)
        step = replace(step, asked=step.asked + 1)
    if kind == "hand_over":
        step = replace(step, round=step.round + 1)
    return advance(case.put(replace(step, state=to)))


def may_withdraw(case: CaseAt) -> bool:
    """Return whether the person may still withdraw: nothing was issued, and something is still under way."""
    return case.state not in ENDED | {PARTLY} and not any(step.state == DONE for step in case.steps)


def withdraw(case: CaseAt) -> CaseAt:
    """Return *case* withdrawn: every step that had not ended is; raise `NotPossible`."""
    if not may_withdraw(case):
        raise NotPossible
    return replace(
        case, steps=tuple(step if step.state in ENDED else replace(step, state=WITHDRAWN) for step in case.steps)
    )


def again(case: CaseAt, ref: str) -> CaseAt:
    """Return *case* with step *ref* handed over anew, which its authority had ended; raise `NotPossible`."""
    step = case.step(ref)
    if step.state not in ACTIVE:
        raise NotPossible
    return case.put(replace(step, state=SENDING, round=step.round + 1))


# A node's task: ``deciding`` is a decision recorded whose work (registers, signature) still goes on.
NEW, DECIDING, STUCK, HANDED_OVER = "new", "deciding", "stuck", "handed_over"
LOOKED_INTO = frozenset({NEW, DECIDING, STUCK, SUPPLEMENT})
"""States of a task in which its officer may look into registers for it."""
TaskMove = Literal[
    "accept", "stick", "done", "verify", "supplement", "answer", "refuse", "hand_over", "withdraw", "expire"
]
TASK_MOVES: Mapping[str, tuple[frozenset[str], str]] = MappingProxyType(
    {
        "accept": (frozenset({NEW, STUCK}), DECIDING),
        "stick": (frozenset({DECIDING}), STUCK),
        "done": (frozenset({DECIDING}), DONE),
        "verify": (frozenset({NEW}), NEW),
        "supplement": (frozenset({NEW}), SUPPLEMENT),
        "answer": (frozenset({SUPPLEMENT}), NEW),
        "refuse": (frozenset({NEW}), REFUSED),
        "hand_over": (frozenset({NEW}), HANDED_OVER),
        "withdraw": (frozenset({NEW, SUPPLEMENT}), WITHDRAWN),
        "expire": (frozenset({SUPPLEMENT}), STOPPED),
    }
)


def move_task(state: str, kind: TaskMove, may: frozenset[str] = WAYS_OUT) -> str:
    """Return the state of a task after *kind*; raise `NotPossible`."""
    allowed_from, to = TASK_MOVES[kind]
    if state not in allowed_from or (kind in WAYS_OUT and kind not in may):
        raise NotPossible
    return to


def task_may(state: str, may: Iterable[str], *, asked: int, times: int) -> frozenset[str]:
    """Return what an officer may do with a task now: of ``accept`` and the step's ways out."""
    ways = frozenset(may) - (frozenset({"supplement"}) if asked >= times else frozenset())
    return frozenset(kind for kind in {"accept"} | ways if state in TASK_MOVES[kind][0])


def ways_out(may: Iterable[str], longer: str, *, verified: bool) -> frozenset[str]:
    """Return the ways out of a step that has a *longer* limit where its officer must verify, once."""
    return frozenset(may) | (frozenset({"verify"}) if longer and not verified else frozenset())


def due_extended(calendar: Calendar, due: datetime, limit: str, longer: str) -> datetime:
    """Return the new end once *longer* holds in the place of *limit*; what the clock stood still before stays given."""
    if not (limit.endswith("wd") and longer.endswith("wd")):
        return due + (calendar.due(due, Limit.parse(longer)) - calendar.due(due, Limit.parse(limit)))
    days = int(longer[:-2]) - int(limit[:-2])
    for _ in range(days):
        due = calendar.next_opening(due)
    return calendar.due(due, Limit(1, "wd")) if days > 0 else due


def due_after_stop(calendar: Calendar, limit: str, due: datetime, stopped: datetime, resumed: datetime) -> datetime:
    """Return the new end of *limit* (as ``2wd``) once the clock goes on: what was left at *stopped* is left again."""
    unit = limit.lstrip("0123456789")
    if resumed <= stopped:
        return due
    if unit in ("min", "h", "d"):
        return due + (resumed - stopped)
    if unit == "wh":
        minutes = max(calendar.working_minutes_between(stopped, due), 0)
        return calendar.due(resumed, Limit(ceil(minutes / 60), "wh")) if minutes else resumed
    return max(due, calendar.due(resumed, _days_left(calendar, stopped, due)))


def _days_left(calendar: Calendar, stopped: datetime, due: datetime) -> Limit:
    """Return the least working days, one at least, that reach from *stopped* to *due*."""
    days = 1
    while calendar.due(stopped, Limit(days, "wd")) < due:
        days += 1
    return Limit(days, "wd")


def early_minutes(calendar: Calendar, done: datetime, due: datetime) -> int:
    """Return the working minutes left when it was done; negative when it was late."""
    minutes = calendar.working_minutes_between(done, due)
    return minutes or (0 if done <= due else -max(1, int((done - due) / timedelta(minutes=1))))
