"""The picture of the house: its levels from the contract, its rooms, and who imports whom, read from the imports."""

import configparser
import textwrap
from html import escape
from importlib import import_module

import grimp

from tests.reference import COMMAND, ROOT

WIDTH, HEIGHT, GAP, EDGE, LINE = 960, 72, 26, 16, 14
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#3c4a49;text-anchor:middle}"
    ".n{font-weight:700;font-size:14px;fill:#0b3d3a}"
    ".i{fill:#8a3f12;font-size:11px}rect{rx:6;fill:#fff;stroke:#0b3d3a}.l{fill:#eef3f2;stroke:none}"
    ".u rect{fill:#f6f7f7;stroke:#9aa5a4;stroke-dasharray:4 3}.u .n{fill:#6b7675}"
)


def levels() -> list[list[str]]:
    """Return the rooms of each level of the contract, the highest first; unbuilt ones keep their parentheses."""
    contract = configparser.ConfigParser()
    contract.read(ROOT / ".importlinter")
    lines = contract["importlinter:contract:house"]["layers"].strip().splitlines()
    return [[room.strip() for room in line.split("|")] for line in lines]


def imports() -> dict[str, set[str]]:
    """Return which rooms each room imports, by the imports of its modules other than tests."""
    graph = grimp.build_graph("onedoor", cache_dir=None)
    found: dict[str, set[str]] = {}
    for module in graph.modules:
        ours = module.split(".")[1:]
        for other in graph.find_modules_directly_imported_by(module) if ours and "tests" not in ours else ():
            theirs = other.split(".")[1:]
            if theirs and theirs[0] != ours[0]:
                found.setdefault(ours[0], set()).add(theirs[0])
    return found


def svg() -> str:
    """Return the picture; ``docs/images/rooms.svg`` is it."""
    rows, known = levels(), imports()
    order = [room.strip("()") for row in rows for room in row]
    parts: list[str] = []
    for number, row in enumerate(rows):
        top = EDGE + number * (HEIGHT + GAP)
        parts.append(f'<rect class="l" x="4" y="{top - 8}" width="{WIDTH - 8}" height="{HEIGHT + 16}"/>')
        width = (WIDTH - EDGE * (len(row) + 1)) / len(row)
        for place, room in enumerate(row):
            below = sorted(known.get(room, ()), key=order.index)
            parts.append(_box(room, EDGE + place * (width + EDGE), top, width, below))
    height = EDGE + len(rows) * (HEIGHT + GAP) - GAP + EDGE
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
            f"<!-- Written by `{COMMAND}` from the imports; change the code, not this picture. -->",
            "<title>The rooms of onedoor by level, and what each imports from below</title>",
            f"<style>{STYLE}</style>",
            *parts,
            "</svg>\n",
        ]
    )


def _box(room: str, left: float, top: float, width: float, below: list[str]) -> str:
    built = not room.startswith("(")
    about = (import_module(f"onedoor.{room}").__doc__ or "").strip() if built else "not built yet"
    lines = textwrap.wrap(about, max(12, int(width / 6.4)))[:3]
    texts = [("n", room.strip("()")), *(("", line) for line in lines)]
    if below:
        texts.append(("i", f"▾ {', '.join(below)}"))
    shown = "".join(
        f'<text class="{kind}" x="{left + width / 2:.0f}" y="{top + 17 + LINE * number}">{escape(text)}</text>'
        for number, (kind, text) in enumerate(texts)
    )
    box = f'<rect x="{left:.0f}" y="{top}" width="{width:.0f}" height="{HEIGHT}"/>'
    group = "<g>" if built else '<g class="u">'
    return f"{group}{box}{shown}</g>"
