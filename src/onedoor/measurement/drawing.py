"""Vega-Lite drawn by vl-convert as SVG and PNG, in a process of its own and kept by content.

What draws takes 90 MB and half a second to begin: the portal asks for a picture once and holds none of that.
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import Any

import structlog

from onedoor.kernel import settings
from onedoor.kernel.durable import write_whole

Spec = Mapping[str, Any]
VEGA_LITE = "5.21"
SCALE = 2
MOST = 2000
"""Pictures that are kept; the oldest go."""
LONGEST = 60
"""Seconds that drawing may take."""
AT_ONCE = 2
"""Pages that draw or wait for it; others go without their pictures, so that drawing never takes all of the portal."""
NOT_DRAWN = {"width", "height", "class", "role", "pointer-events"}
"""Attributes that a page does not need: sizes come from the style sheet, words from what stands beside the picture."""
SHAPES = {"rect", "image"}
"""Elements whose width and height are drawn."""
NOTHING = ("", "M0,0h0v0h0Z")
log = structlog.get_logger("onedoor.measurement")
_places = BoundedSemaphore(AT_ONCE)
_lock = Lock()


def kept() -> Path:
    """Return the folder of what is worked out or drawn once."""
    return settings.current().state / "figures"


def svgs(specs: Sequence[Spec]) -> list[str | None]:
    """Return the picture of each of *specs*; None for one that cannot be drawn now."""
    return [None if one is None else one.decode() for one in _kept("svg", [json.dumps(spec) for spec in specs])]


def png(svg: str) -> bytes | None:
    """Return *svg* as a PNG of twice its size; None when it cannot be drawn now."""
    return _kept("png", [svg])[0]


def _kept(kind: str, asked: Sequence[str]) -> list[bytes | None]:
    folder = kept()
    files = [folder / f"{hashlib.sha256(one.encode()).hexdigest()}.{kind}" for one in asked]
    missing = {file: one for file, one in zip(files, asked, strict=True) if not file.is_file()}
    if missing and _places.acquire(blocking=False):
        try:
            with _lock:
                _draw(kind, {file: one for file, one in missing.items() if not file.is_file()})
        finally:
            _places.release()
    return [file.read_bytes() if file.is_file() else None for file in files]


def _draw(kind: str, missing: Mapping[Path, str]) -> None:
    if not missing:
        return
    folder = next(iter(missing)).parent
    job = json.dumps({str(file): one for file, one in missing.items()})
    try:
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(  # noqa: S603 - this program itself; what to draw goes in by its input
            [sys.executable, "-m", __name__, kind],
            input=job.encode(),
            check=True,
            timeout=LONGEST,
            env={},
            capture_output=True,
        )
    except (subprocess.SubprocessError, OSError) as error:
        log.warning("pictures cannot be drawn", kind=kind, count=len(missing), why=type(error).__name__)
    _tidy(folder)


def _tidy(folder: Path) -> None:
    """Remove the oldest pictures beyond those that are kept."""
    files = [file for kind in ("svg", "png") for file in folder.glob(f"*.{kind}")]
    if len(files) > MOST:
        for file in sorted(files, key=lambda one: one.stat().st_mtime)[: len(files) - MOST]:
            file.unlink(missing_ok=True)


def draw(kind: str, job: Mapping[str, str]) -> None:
    """Draw each picture of *job*, by the file it goes to: Vega-Lite as ``svg``, or SVG as ``png``."""
    import vl_convert

    for name, one in job.items():
        if kind == "svg":
            made = plain(vl_convert.vegalite_to_svg(json.loads(one), vl_version=VEGA_LITE)).encode()
        else:
            made = vl_convert.svg_to_png(one, scale=SCALE)
        write_whole(Path(name), made)


def plain(svg: str) -> str:
    """Return *svg* without what a page does not need: its size, words for readers of screens, empty groups."""
    from lxml import etree

    root = etree.fromstring(svg.encode())
    for one in list(root.iter("{*}*"))[::-1]:  # what is within comes before what it is in
        kind = etree.QName(one).localname
        if (kind == "path" and one.get("d") in NOTHING) or (kind == "g" and not len(one)):
            one.getparent().remove(one)  # type: ignore[union-attr]  # the root is neither
        for name in [name for name in one.attrib if str(name) in NOT_DRAWN or str(name).startswith("aria-")]:
            if kind not in SHAPES or name not in ("width", "height"):
                del one.attrib[name]
    return etree.tostring(root, encoding="unicode")


if __name__ == "__main__":
    draw(sys.argv[1], json.load(sys.stdin))
