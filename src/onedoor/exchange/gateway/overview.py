"""What an operator's page shows of a gateway: traffic, durations, faults, batches, what ends when, room for the log."""

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from onedoor.exchange.gateway import local as files
from onedoor.exchange.gateway import records, summaries
from onedoor.exchange.gateway.faults import bad_request
from onedoor.exchange.gateway.summaries import Cell, Key, Summary
from onedoor.signing import ends

if TYPE_CHECKING:
    from onedoor.exchange.gateway.core import Core

HOUR, DAY = 3600, 86400
STEPS = {HOUR: summaries.PERIOD, DAY: HOUR, 7 * DAY: 6 * HOUR, 31 * DAY: DAY}
"""Seconds that can be looked back on, and the steps they are told in."""
SHARES = (0.5, 0.95, 0.99)
MOST = 500
"""Rows of one table; further ones are put together."""
BATCHES = (1, 4, 16, 64, 256)
"""Upper ends of the classes of batches, in messages."""


def period(query: str) -> int:
    """Return the seconds that the *query* of a request looks back on; raise `Fault`."""
    given = parse_qs(query).get("period", [str(DAY)])[0]
    if not given.isascii() or not given.isdigit() or int(given) not in STEPS:
        raise bad_request(f"A period is {', '.join(map(str, STEPS))} seconds")
    return int(given)


def told(core: "Core", client: str, back: int) -> dict[str, Any]:
    """Return the last *back* seconds: of all messages and the gateway, or with a *client* of its messages alone."""
    operations, now, step = core.operations, int(time.time()), STEPS[back]
    start = now - back - (now - back) % step + step
    found = [*summaries.read(operations.folder, start, now), *operations.current()] if operations else []
    if client:
        found = [_own(one, client) for one in found]
    steps = summaries.merged((one for one in found if one.start >= start), step)
    whole = summaries.merged(steps.values(), 2**40).get(0, Summary(0))
    shown = {
        "gateway": core.id,
        "now": now,
        "start": start,
        "step": step,
        "period": back,
        "series": [_point(steps.get(at, Summary(at))) for at in range(start, now + 1, step)],
        "services": _rows(whole.cells, lambda key: (key[0], key[2])),
        "clients": _rows(whole.cells, lambda key: (key[0], _other(key))),
        "faults": _faults(whole.cells.values()),
    }
    return shown if client else shown | _of_gateway(core, whole)


def _of_gateway(core: "Core", whole: Summary) -> dict[str, Any]:
    """Return what is not of messages but of the gateway itself."""
    operations, current = core.operations, core.current()
    names = (files.OUTER, files.INNER, "signing")
    days = dict(ends.days_left(core.local.folder / f"{name}.pem" for name in names))
    return {
        "began": operations.began if operations else 0,
        "days": operations.days if operations else 0,
        "dropped": operations.dropped if operations else 0,
        "batches": _batches(whole.batches),
        "certificates": [{"name": name, "days": round(left, 2)} for name, left in days.items()],
        "configuration": {"serial": current.serial, "ends": int(current.ends)} if current else None,
        "partners": [{"instance": one.instance, "ends": int(one.ends)} for one in current.partners] if current else [],
        "log": _space(core),
        "unstamped": round(core.stamping.longest, 1) if core.stamping else 0.0,
    }


def _point(one: Summary) -> dict[str, Any]:
    return {"start": one.start, **_figures(one.cells.values())}


def _figures(cells: Iterable[Cell]) -> dict[str, Any]:
    whole = Cell()
    for cell in cells:
        whole.merge(cell)
    times = {f"p{round(100 * share)}": _rounded(whole.percentile(share)) for share in SHARES}
    sizes = {"asked": whole.asked, "answered": whole.answered}
    return {"count": whole.count, "faults": whole.faults.total(), "errors": whole.errors, **sizes, **times}


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else float(f"{milliseconds:.2g}")


def _rows(cells: Mapping[Key, Cell], named: Callable[[Key], tuple[str, str]]) -> list[dict[str, Any]]:
    """Return a row of figures for each side and name, those with most messages first."""
    found: dict[tuple[str, str], list[Cell]] = {}
    for key, cell in cells.items():
        found.setdefault(named(key), []).append(cell)
    rows = [{"side": side, "name": name, **_figures(held)} for (side, name), held in found.items()]
    return sorted(rows, key=lambda row: (-row["count"], row["side"], row["name"]))[:MOST]


def _other(key: Key) -> str:
    """Return the member at the other end: that of the service for what was asked here, of the client for the rest."""
    side, client, service = key
    return "/".join((service if side == records.CLIENT else client).split("/")[:3])


def _faults(cells: Iterable[Cell]) -> list[dict[str, Any]]:
    whole: Counter[str] = Counter()
    for cell in cells:
        whole += cell.faults
    return [{"type": type_, "count": count} for type_, count in whole.most_common(MOST)]


def _batches(sizes: Counter[int]) -> list[dict[str, int]]:
    """Return how many batches hold at most so many messages and more than the class before, and their messages."""
    rows, before = [], 0
    for most in BATCHES:
        held = {size: count for size, count in sizes.items() if before < size <= most}
        messages = sum(size * count for size, count in held.items())
        rows.append({"most": most, "count": sum(held.values()), "messages": messages})
        before = most
    return rows


def _own(one: Summary, client: str) -> Summary:
    def is_own(key: Key) -> bool:
        side, asking, service = key
        return (asking if side == records.CLIENT else service.rpartition("/")[0]) == client

    return Summary(one.start, {key: cell for key, cell in one.cells.items() if is_own(key)})


def _space(core: "Core") -> dict[str, Any]:
    """Return the bytes that log and records take, those of the disk, and whether the log can be written."""
    disk = shutil.disk_usage(core.local.log)
    kept = core.operations.folder if core.operations else core.local.log
    taken = {"taken": _taken(core.local.log), "records": _taken(kept)}
    return {**taken, "free": disk.free, "total": disk.total, "writable": core.log.failed is None}


def _taken(folder: Path) -> int:
    taken = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # files are compressed and removed meanwhile
            taken += path.stat().st_blocks * 512 if path.is_file() else 0
    return taken
