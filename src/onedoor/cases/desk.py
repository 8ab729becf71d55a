"""The officers' desk of a node: the tasks of their agency and post, and what they may do with them."""

import hashlib
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from math import ceil
from uuid import UUID

from django.db import transaction

from onedoor.cases import directory, held, journal, rules
from onedoor.cases.context import matches
from onedoor.cases.errors import NoSuchTask, NotPossible, OtherAgency
from onedoor.cases.events import FileOpened
from onedoor.cases.models import Act, FilePart, IssuedResult, Task
from onedoor.cases.sheet import Sheet, line_of, ways_out
from onedoor.cases.views import InboxView, LookView, ResultFile, TaskLine, TaskView, WaysView
from onedoor.kernel import clock, nation
from onedoor.kernel.actor import Actor
from onedoor.privacy.service import permit_held, permitting_held
from onedoor.procedures.service import pinned
from onedoor.store.rows import Joined, Rows, Statement, fetch_both
from onedoor.store.sealed import KeyDestroyed

OPEN = (rules.NEW, rules.DECIDING, rules.STUCK)
TABS: dict[str, tuple[str, ...]] = {
    "open": OPEN,
    "taken": OPEN,
    "waiting": (rules.SUPPLEMENT,),
    "handed_over": (rules.HANDED_OVER,),
    "done": (rules.DONE, rules.REFUSED, rules.WITHDRAWN, rules.STOPPED),
}
PER_PAGE = 20
MOST_SEARCHED = 500
ANYBODY = "%"
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
MIDWIFE = ".midwife"
STATES = """
SELECT json_agg(json_build_array(state, mine, every, late, today)) FROM (
    SELECT state, taken_by = %s AS mine, count(*) AS every, count(*) FILTER (WHERE due < %s) AS late,
        count(*) FILTER (WHERE due >= %s AND due < %s) AS today
    FROM cases_task WHERE agency = %s AND post = %s GROUP BY 1, 2
) AS counted
"""
BY_ID, LOCKED = (Rows(Task, f"id = %s AND agency <> ''{lock}") for lock in ("", " FOR UPDATE"))
WHOLE = Joined(
    Rows(Task, once=["head", "payload", "work"]),
    Rows(Act),
    Rows(IssuedResult, without=["body", "file"]),
    source="cases_task LEFT JOIN cases_act ON cases_act.task_id = cases_task.id"
    " LEFT JOIN cases_issued ON cases_issued.task_id = cases_task.id"
    " WHERE cases_task.id = %s AND cases_task.agency <> ''",
    order="cases_act.moment, cases_act.id",
)
LINES = Rows(
    Task,
    "agency = %s AND post = %s AND state = ANY(%s) AND taken_by LIKE %s AND due >= %s AND due < %s "
    "ORDER BY due, id LIMIT %s OFFSET %s",
    without=["payload", "work"],
)


def issues_notices(actor: Actor) -> bool:
    """Return whether the actor's post issues birth notices; it has no other work at a desk."""
    return actor.post.endswith(MIDWIFE)


def post_of(actor: Actor) -> str:
    """Return the post within the agency, such as ``civil-status``."""
    return actor.post.rpartition(".")[2]


def full_post(actor: Actor) -> str:
    """Return the post with its agency, such as ``commune-00199.civil-status``."""
    return f"{actor.agency}.{post_of(actor)}"


def inbox(actor: Actor, *, tab: str = "open", query: str = "", due: str = "", page: int = 1) -> InboxView:
    """Return the tasks of the actor's agency and post; *query* is a code or names, *due* is ``late`` or ``today``.

    Nobody's name is in it but those of the tasks that were found by one, each on record as a read of theirs.
    """
    now = clock.now()
    tonight = nation.current().calendar.local(now).replace(hour=23, minute=59, second=59, microsecond=999999)
    tab = tab if tab in TABS else "open"
    own = (actor.agency, post_of(actor), list(TABS[tab]), actor.person if tab == "taken" else ANYBODY)
    chosen = (*own, *{"late": (FIRST, now), "today": (now, tonight)}.get(due, (FIRST, LAST)))
    start = (max(page, 1) - 1) * PER_PAGE
    ((counts,),), lines = fetch_both(
        (STATES, (actor.person, now, now, tonight, actor.agency, post_of(actor))),
        1,
        LINES.asked(*chosen, *((MOST_SEARCHED, 0) if query else (PER_PAGE, start))),
    )
    counted, rows, named = _Counted(counts or ()), LINES.made(lines), set[UUID]()
    if query:
        rows, named = _search(rows, query)
    total = len(rows) if query else counted.of(tab, due)
    pages = max(ceil(total / PER_PAGE), 1)
    page = min(max(page, 1), pages)
    if query:
        rows = rows[(page - 1) * PER_PAGE : page * PER_PAGE]
    elif start != (page - 1) * PER_PAGE:  # a page after the last one was asked for
        rows = LINES.all(*chosen, PER_PAGE, (page - 1) * PER_PAGE)
    return InboxView(
        tab=tab,
        tabs={name: counted.of(name) for name in TABS},
        lines=_lines(rows, named, actor),
        total=total,
        page=page,
        pages=pages,
        late=counted.of("open", "late"),
        due_today=counted.of("open", "today"),
        moment=now,
    )


class _Counted:
    """How many tasks of an agency and post stand in each state, by whether they are the actor's: all, late, today."""

    def __init__(self, rows: Iterable[tuple[str, bool, int, int, int]]) -> None:
        self.rows = list(rows)

    def of(self, tab: str, due: str = "") -> int:
        column = {"late": 3, "today": 4}.get(due, 2)
        rows = (row for row in self.rows if row[0] in TABS[tab] and (tab != "taken" or row[1]))
        return sum(int(row[column]) for row in rows)


def _search(rows: Iterable[Task], query: str) -> tuple[list[Task], set[UUID]]:
    """Return the tasks whose code or names hold the words of *query*, and the ids of those found by a name.

    Names are sealed: where the code does not match they are opened, and leave this process only with a match.
    """
    found, named = [], set[UUID]()
    for row in rows:
        code = row.case, row.case.replace("-", "")
        if matches(query, *code):
            found.append(row)
        elif matches(query, *code, *_names(row)):
            found.append(row)
            named.add(row.pk)
    return found, named


def _names(row: Task) -> tuple[str, ...]:
    """Return the names that stand in a task; none once its applicant was erased."""
    try:
        return row.names()
    except KeyDestroyed:
        return ()


def _lines(rows: Sequence[Task], named: Container[UUID], actor: Actor) -> tuple[TaskLine, ...]:
    """Return *rows* as lines; those *named* tell whom they are about, once that is on record."""
    whole = Task.objects.in_bulk([row.pk for row in rows if row.pk in named])
    reads = [Sheet(row).read(full_post(actor), (held.APPLICANT, held.ABOUT)) for row in whole.values()]
    if reads:
        permit_held(*reads)
    return tuple(line_of(row, actor, row.names() if row.pk in whole else ("", "")) for row in rows)


def find(task_id: str, actor: Actor, *, lock: bool = False) -> Task:
    """Return a task of the actor's agency and post; another's is refused, and recorded."""
    return _own((LOCKED if lock else BY_ID).all(_key(task_id)), actor)


def _key(task_id: str) -> UUID:
    try:
        return UUID(task_id)
    except ValueError:
        raise NoSuchTask from None


def _own(rows: Sequence[Task], actor: Actor) -> Task:
    if not rows:
        raise NoSuchTask
    row = rows[0]
    if row.agency != actor.agency or row.post != post_of(actor):
        with transaction.atomic():
            journal.attempt("task-of-another", f"{row.case}:{row.step}", actor)
        raise OtherAgency
    return row


def task(task_id: str, actor: Actor) -> TaskView:
    """Return a task, once this read of it is on record; raise `NoSuchTask`, or `OtherAgency` (recorded)."""
    with showing(task_id, actor) as view:
        return view


@contextmanager
def showing(task_id: str, actor: Actor) -> Iterator[TaskView]:
    """As `task`; the record becomes durable while the block shows it. Nothing may leave before the end of that."""
    found = WHOLE.all(_key(task_id))
    row = _own([task for task, *_ in found[:1]], actor)
    acts = {act.pk: act for _, act, _ in found if act}
    issued = {one.pk: one for *_, one in found if one}
    sheet = Sheet(row)
    with permitting_held(sheet.read(full_post(actor))):
        yield sheet.view(actor, [*acts.values()], [*issued.values()])


def whole_first(task_id: str) -> Statement | None:
    """Return what `showing` asks first, for `rows.first_asked`; nothing of what is no task's id."""
    try:
        return WHOLE.asked(UUID(task_id))
    except ValueError:
        return None


def ways(task_id: str, actor: Actor) -> WaysView:
    """Return what may be decided on a task, with nothing of what came with it."""
    row = find(task_id, actor)
    service = pinned(row.service, row.version, row.digest)
    step = service.steps[row.step]
    may = rules.task_may(row.state, ways_out(row, step), asked=row.asked, times=service.supplement.times)
    authorities = frozenset(agency for agency, _name in directory.same_kind(row.agency))
    return WaysView(may, frozenset(one.id for one in step.refuse), authorities)


def take(task_id: str, actor: Actor) -> None:
    """Say that the actor works on it."""
    Task.objects.filter(pk=find(task_id, actor).pk).update(taken_by=actor.person)


def file(task_id: str, field: str, actor: Actor) -> ResultFile:
    """Return a file that came with a task, once the opening is on record; the reason to open it ends with the task.

    Raise `NoSuchTask` when it is not there or not what was sent.
    """
    row = find(task_id, actor)
    if row.state not in rules.LOOKED_INTO:
        raise NotPossible
    sheet = Sheet(row)
    told = sheet.files().get(field)
    parts = FilePart.objects.filter(case=row.case, step=row.step, round=row.round, field=field)
    content = b"".join(part.read() for part in parts)
    if told is None or hashlib.sha256(content).hexdigest() != told["sha256"]:
        raise NoSuchTask
    permit_held(sheet.read(full_post(actor), [field if field in sheet.service.fields else held.SENT]))
    opened = FileOpened(by=actor, case=row.case, step=row.step, agency=row.agency, sha256=told["sha256"])
    with transaction.atomic():
        journal.act(find(task_id, actor, lock=True), "file", opened)
    return ResultFile(told["name"], content, told["sha256"])


def look(task_id: str, look_id: str, actor: Actor) -> LookView:
    """Look into a register of this system for this task, through the gate; the reason to look ends with the task."""
    row = find(task_id, actor)
    if row.state not in rules.LOOKED_INTO:
        raise NotPossible
    return Sheet(row).look(look_id, full_post(actor))
