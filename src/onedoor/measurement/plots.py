"""The plots as Vega-Lite: pure data in, a specification out; every word and number comes written as people read it.

Colours are tokens of the style sheet, so that a picture within a page follows its theme; `in_light` fills them in.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

Spec = Mapping[str, Any]
Layer = dict[str, Any]
WIDE, NARROW = 620, 318
"""Widths of a picture on a screen and on a phone, in pixels of its own letters."""
MARGIN, PADDING = 60, 8
"""What of it an axis takes, and what stays free without one."""
BAND, LINE, LONGEST = 54, 17, 28
"""Height of one bar with a line of words above it, of another line, and letters of a line on a phone."""
BAR = 18
"""How far above the end of its row the middle of a bar is."""
LIGHT = {
    "--face": "Liberation Sans, Arial, sans-serif",
    "--paper": "#fff",
    "--ink": "#14211f",
    "--ink-2": "#475956",
    "--line": "#cfdad7",
    "--line-strong": "#6b7f7b",
    "--action": "#0b5c55",
    "--gold": "#ffcd00",
    "--bad": "#a81410",
    "--band-0": "#fff",
    "--band-1": "#e3ecea",
    "--band-2": "#a9cfc8",
    "--band-3": "#2f7a71",
    "--band-4": "#083f3b",
    "--on-band-0": "#475956",
    "--on-band-1": "#14211f",
    "--on-band-2": "#14211f",
    "--on-band-3": "#fff",
    "--on-band-4": "#fff",
}
"""The tokens that plots use, as the light theme has them; the typeface is one that comes with vl-convert."""
INK, QUIET, GRID, STRONG, ACTION, GOLD, BAD = (
    f"var({one})" for one in ("--ink", "--ink-2", "--line", "--line-strong", "--action", "--gold", "--bad")
)
CONFIG = {
    "background": None,
    "font": "var(--face)",
    "aria": False,
    "view": {"stroke": None},
    "text": {"fontSize": 13, "color": QUIET},
    "axis": {
        "labelColor": QUIET,
        "labelFontSize": 13,
        "gridColor": GRID,
        "domain": False,
        "ticks": False,
        "title": None,
        "labelAngle": 0,
        "labelPadding": 8,
        "labelLimit": 0,
    },
}


@dataclass(frozen=True, slots=True)
class Point:
    """A rank in one edition, and its interval where there is one."""

    label: str
    rank: int
    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a waterfall from one value to another, said in words; or the ``whole`` where it begins or ends."""

    label: str
    said: str
    start: float
    end: float
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar with its solid part, and between which ends its own may lie."""

    label: str
    said: str
    whole: float
    solid: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Square:
    """A country on the map: where, its letters, the band of its value (0: none), and how it is set off."""

    column: int
    row: int
    letters: str
    band: int
    member: bool
    own: bool


def history(points: Sequence[Point], width: int) -> Spec:
    """Return ranks over editions, the best above, each with its interval as a broad band."""
    values = [{"x": one.label, "rank": one.rank, "low": one.low, "high": one.high} for one in points]
    ends = [end for one in points for end in (one.rank, one.low, one.high) if end is not None]
    span = max(4, max(ends) - min(ends))
    scale = {"domain": [max(1, min(ends) - span // 4), max(ends) + span // 4], "reverse": True, "nice": False}
    y = {"field": "rank", "type": "quantitative", "scale": scale, "axis": {"tickMinStep": 1, "tickCount": 5}}
    x = {"field": "x", "type": "ordinal", "axis": {"grid": False, "labelOverlap": True}}
    whisker = {"type": "rule", "strokeWidth": 12, "strokeCap": "round", "opacity": 0.28, "color": ACTION}
    dot = {"type": "point", "filled": True, "size": 110, "fill": GOLD, "stroke": ACTION, "strokeWidth": 2.5}
    said = {"type": "text", "align": "left", "dx": 12, "dy": -10, "fontSize": 14, "fontWeight": 600, "color": INK}
    layers: list[Layer] = [
        {"mark": whisker, "encoding": {"x": x, "y": y | {"field": "low"}, "y2": {"field": "high"}}},
        {"mark": {"type": "line", "color": ACTION, "strokeWidth": 2}, "encoding": {"x": x, "y": y}},
        {"mark": dot | {"opacity": 1}, "encoding": {"x": x, "y": y}},
        {"mark": said, "encoding": {"x": x, "y": y, "text": {"field": "rank"}}},
    ]
    return _spec(width - MARGIN, 260 if width == NARROW else 300, values, layers)


def waterfall(steps: Sequence[Step], width: int) -> Spec:
    """Return how parts carry a value from where it began to where it ends, one below the other."""
    labels, lines = _labels([one.label for one in steps], width)
    height = BAND + LINE * (lines - 1)
    under = height / 2 - BAR
    values = [
        {"row": row, "label": label, "said": one.said, "start": one.start, "end": one.end, "kind": _kind(one)}
        for row, (one, label) in enumerate(zip(steps, labels, strict=True))
    ]
    ends = [end for one in steps for end in (one.start, one.end)]
    span = max(ends) - min(ends) or 0.01
    x = {
        "type": "quantitative",
        "scale": {"domain": [min(ends) - 0.03 * span, max(ends) + 0.04 * span], "nice": False},
        "axis": None,
    }
    colour = {
        "field": "kind",
        "scale": {"domain": ["up", "down", "whole"], "range": [ACTION, BAD, INK]},
        "legend": None,
    }
    bar = {"type": "bar", "height": 14, "yOffset": under, "minBandSize": 14}
    dot = {"type": "point", "filled": True, "size": 120, "fill": GOLD, "stroke": INK, "strokeWidth": 2, "opacity": 1}
    link = {"type": "rule", "color": STRONG, "strokeDash": [3, 3]}
    level = {"x": x | {"field": "end"}, "y": _row(), "y2": {"field": "next"}}
    moved = {"filter": "datum.kind != 'whole'"}
    layers: list[Layer] = [
        {"transform": [{"filter": f"datum.row < {len(steps) - 1}"}, {"calculate": "datum.row + 1", "as": "next"}],
         "mark": link | {"yOffset": under, "y2Offset": under}, "encoding": level},
        {"transform": [moved], "mark": bar,
         "encoding": {"x": x | {"field": "start"}, "x2": {"field": "end"}, "y": _row(), "color": colour}},
        {"transform": [{"filter": "datum.kind == 'whole'"}], "mark": dot | {"yOffset": under},
         "encoding": {"x": x | {"field": "end"}, "y": _row()}},
        *_words(width, under, lines),
    ]  # fmt: skip
    return _spec(width - PADDING, height * len(steps), values, layers)


def bars(found: Sequence[Bar], width: int) -> Spec:
    """Return parts of 1 as bars: the whole light, its solid part dark, and a line from end to end of what it may be."""
    labels, lines = _labels([one.label for one in found], width)
    height = BAND + LINE * (lines - 1)
    under = height / 2 - BAR
    names = ("said", "whole", "solid", "low", "high")
    values = [
        {"row": row, "label": label} | {name: getattr(one, name) for name in names}
        for row, (one, label) in enumerate(zip(found, labels, strict=True))
    ]
    most = max(1.0, *(one.high for one in found))
    x = {"type": "quantitative", "scale": {"domain": [0, most], "nice": False}, "axis": None}
    bar = {"type": "bar", "height": 14, "yOffset": under, "color": ACTION}
    layers: list[Layer] = [
        {"mark": bar | {"opacity": 0.28}, "encoding": {"x": x | {"field": "whole"}, "y": _row()}},
        {"mark": bar, "encoding": {"x": x | {"field": "solid"}, "y": _row()}},
        {"mark": {"type": "rule", "color": INK, "strokeWidth": 1.5, "yOffset": under},
         "encoding": {"x": x | {"field": "low"}, "x2": {"field": "high"}, "y": _row()}},
        *_words(width, under, lines),
    ]  # fmt: skip
    return _spec(width - PADDING, height * len(found), values, layers)


def tiles(squares: Iterable[Square], legend: Sequence[tuple[int, str]], size: int = 34) -> Spec:
    """Return the tile map with its *legend* (band and words) below it."""
    values: list[dict[str, Any]] = [
        {"x": one.column, "y": one.row, "letters": one.letters, "band": one.band, "member": one.member, "own": one.own}
        for one in squares
    ]
    columns, rows = max(one["x"] for one in values) + 1, max(one["y"] for one in values) + 1
    for number, (band, said) in enumerate(legend):
        at = {"x": number * (columns / len(legend)), "y": rows + 0.6, "member": False, "own": False}
        values.append(at | {"letters": "", "band": band, "said": said})
    place = {
        name: {"field": name, "type": "quantitative", "scale": {"domain": ends, "nice": False}, "axis": None}
        for name, ends in (("x", [-0.5, columns - 0.5]), ("y", [rows + 1, -0.5]))
    }
    bands = [0, 1, 2, 3, 4]
    fill = {"field": "band", "type": "nominal", "legend": None}
    square = {"type": "square", "size": (size - 3) ** 2, "opacity": 1}
    layers: list[Layer] = [
        {"mark": square | {"stroke": GRID}, "encoding": place | {
            "fill": fill | {"scale": {"domain": bands, "range": [f"var(--band-{one})" for one in bands]}}}},
        {"transform": [{"filter": "datum.member"}], "mark": square | {"filled": False, "stroke": INK, "strokeWidth": 2},
         "encoding": place},
        {"transform": [{"filter": "datum.own"}], "mark": square | {"filled": False, "stroke": GOLD, "strokeWidth": 4},
         "encoding": place},
        {"mark": {"type": "text", "fontSize": 12}, "encoding": place | {"text": {"field": "letters"}, "color": fill | {
            "scale": {"domain": bands, "range": [f"var(--on-band-{one})" for one in bands]}}}},
        {"transform": [{"filter": "isValid(datum.said)"}],
         "mark": {"type": "text", "align": "left", "dx": size * 0.65, "color": INK},
         "encoding": place | {"text": {"field": "said"}}},
    ]  # fmt: skip
    return _spec(size * columns, int(size * (rows + 1.5)), values, layers)


def titled(spec: Spec, title: str, *below: str) -> Spec:
    """Return *spec* to be taken away: with its title above, and what stands *below* it in small letters."""
    heading = {"text": title, "subtitle": list(below), "anchor": "start", "color": INK, "subtitleColor": QUIET}
    sizes = {"fontSize": 17, "fontWeight": 600, "subtitleFontSize": 12, "subtitlePadding": 6, "offset": 18}
    return {**spec, "title": heading | sizes, "padding": 20, "background": "var(--paper)"}


def in_light(svg: str) -> str:
    """Return *svg* with the colours of the light theme in the place of tokens."""
    for token, colour in LIGHT.items():
        svg = svg.replace(f"var({token})", colour)
    return svg


def _spec(width: int, height: int, values: Sequence[Mapping[str, Any]], layers: Sequence[Layer]) -> Spec:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": width,
        "height": height,
        "padding": 4,
        "data": {"values": list(values)},
        "layer": list(layers),
        "config": CONFIG,
    }


def _row() -> Layer:
    """Return the place of a bar: its row, counted from above."""
    return {"field": "row", "type": "ordinal", "axis": None, "scale": {"paddingInner": 0, "paddingOuter": 0}}


def _words(width: int, under: float, lines: int) -> list[Layer]:
    """Return the words above each bar: what it is on the left, in so many *lines* at most, its figure on the right."""
    left = {"type": "text", "baseline": "bottom", "align": "left", "color": INK, "fontSize": 14, "lineHeight": LINE}
    right = left | {"align": "right", "fontWeight": 600, "yOffset": under - 11}
    halo = {"stroke": "var(--paper)", "strokeWidth": 5, "strokeJoin": "round"}
    said: list[tuple[Layer, Layer, int, str]] = [({}, right, width - PADDING, "said")]
    said += [
        (
            {"transform": [{"filter": f"datum.label.length == {one}"}]},
            left | {"yOffset": under - 11 - LINE * (one - 1)},
            0,
            "label",
        )
        for one in range(1, lines + 1)
    ]
    return [
        {**some, "mark": mark | behind, "encoding": {"x": {"value": x}, "y": _row(), "text": {"field": name}}}
        for some, mark, x, name in said
        for behind in (halo, {})
    ]


def _labels(labels: Sequence[str], width: int) -> tuple[list[list[str]], int]:
    """Return the lines of each of the *labels*, several on a phone where one does not do, and how many are the most."""
    lines = [wrap(one, LONGEST if width == NARROW else 10 * LONGEST) for one in labels]
    return lines, max(map(len, lines))


def _kind(step: Step) -> str:
    return "whole" if step.whole else "up" if step.end >= step.start else "down"
