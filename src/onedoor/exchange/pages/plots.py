"""Plots of a gateway's work as SVG: colours and typeface are tokens of the style sheet, as light, dark and print want.

A few bars and lines need no drawing process; each comes twice, for a screen and for a phone, and a table says the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDE, NARROW = 620, 318
"""Widths of a picture on a screen and on a phone, in pixels of its own letters."""
HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 190, 46, 44, 10, 26
FULL = 0.9
FEWEST = 6
"""Bars of a plot are never wider than if there were so many."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a plot: what stands at its end, its values (nothing where there is none), its colour."""

    name: str
    values: Sequence[float | None]
    colour: str


def bars(counts: Sequence[int], faults: Sequence[int], ticks: Sequence[str], written: Sequence[str]) -> Markup:
    """Return bars of *counts*, what of them are *faults* below in another colour; *written* are 0 and the most."""
    most = max([*counts, 1])
    return Markup("").join(_bars(width, counts, faults, ticks, most, written) for width in (WIDE, NARROW))


def lines(several: Sequence[Line], ticks: Sequence[str], most: float, written: Sequence[str]) -> Markup:
    """Return lines over time up to *most*; *written* are 0 and the most."""
    return Markup("").join(_lines(width, several, ticks, most, written) for width in (WIDE, NARROW))


def share(part: float, warns: bool = True) -> Markup:
    """Return a bar of which *part* (0 to 1) is filled; one that *warns* has another colour when little is left."""
    filled = round(max(0.0, min(1.0, part)) * 300, 1)
    return Markup(
        '<svg class="plot share" viewBox="0 0 300 14" aria-hidden="true" focusable="false">'
        '<rect width="300" height="14" rx="3" fill="var(--wash-2)"/>'
        '<rect width="{}" height="14" rx="3" fill="{}"/></svg>'
    ).format(filled, "var(--bad)" if warns and part > FULL else "var(--action)")


def _bars(
    width: int, counts: Sequence[int], faults: Sequence[int], ticks: Sequence[str], most: int, written: Sequence[str]
) -> Markup:
    room = (width - LEFT - RIGHT) / max(len(counts), 1)
    wide = min(room * 0.8, (width - LEFT - RIGHT) / FEWEST)
    drawn = []
    for place, (count, fault) in enumerate(zip(counts, faults, strict=True)):
        left = LEFT + room * place + (room - wide) / 2
        for number, colour in ((count, "var(--action)"), (fault, "var(--bad)")):
            if number:
                high = max(1.5, _inner() * number / most)
                drawn.append(_rect(left, HEIGHT - BOTTOM - high, wide, high, colour))
    return _framed(width, Markup("").join(drawn), ticks, written)


def _lines(width: int, several: Sequence[Line], ticks: Sequence[str], most: float, written: Sequence[str]) -> Markup:
    drawn, ends = [], list[float]()
    for line in several:
        steps = len(line.values) - 1 or 1
        last = -1
        for run in _runs(line.values):
            points = [(LEFT + (width - LEFT - RIGHT) * at / steps, _high(line.values[at] or 0, most)) for at in run]
            drawn.append(_run(points, line.colour))
            last = run[-1]
        if last >= 0:
            wanted = _high(line.values[last] or 0, most)
            high = min([wanted, *(end - 14 for end in ends)]) if ends else wanted
            ends.append(high)
            drawn.append(
                Markup('<text class="v" x="{:.1f}" y="{:.1f}">{}</text>').format(width - RIGHT + 6, high + 4, line.name)
            )
    return _framed(width, Markup("").join(drawn), ticks, written)


def _run(points: Sequence[tuple[float, float]], colour: str) -> Markup:
    if len(points) == 1:
        return Markup('<circle cx="{:.1f}" cy="{:.1f}" r="3" fill="{}"/>').format(*points[0], colour)
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return Markup('<polyline points="{}" fill="none" stroke="{}" stroke-width="2"/>').format(path, colour)


def _runs(values: Sequence[float | None]) -> list[list[int]]:
    """Return the places of *values* that follow one another without a gap."""
    runs: list[list[int]] = []
    for place, value in enumerate(values):
        if value is None:
            continue
        if runs and runs[-1][-1] == place - 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs


def _inner() -> int:
    return HEIGHT - TOP - BOTTOM


def _high(value: float, most: float) -> float:
    return HEIGHT - BOTTOM - _inner() * min(1.0, value / most)


def _rect(x: float, y: float, width: float, height: float, colour: str) -> Markup:
    found = Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" fill="{}"/>')
    return found.format(x, y, width, height, colour)


def _framed(width: int, drawn: Markup, ticks: Sequence[str], written: Sequence[str]) -> Markup:
    """Return *drawn* with its axes: the least and the most at the left, the first and the last moment below."""
    kind = "wide" if width == WIDE else "narrow"
    low, high = HEIGHT - BOTTOM, TOP
    axes = Markup("").join(
        Markup('<path d="M{} {}H{}" stroke="var(--line)"/><text x="{}" y="{}" text-anchor="end">{}</text>').format(
            LEFT, at, width - RIGHT, LEFT - 8, at + 4, text
        )
        for at, text in ((low, written[0]), (high, written[1]))
    )
    places = ((LEFT, "start"), (width - RIGHT, "end"))
    below = Markup("").join(
        Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(x, HEIGHT - 6, anchor, text)
        for (x, anchor), text in zip(places, (ticks[0], ticks[-1]), strict=True)
    )
    return Markup(
        '<svg class="plot plot--{}" viewBox="0 0 {} {}" aria-hidden="true" focusable="false">{}{}{}</svg>'
    ).format(kind, width, HEIGHT, axes, drawn, below)
