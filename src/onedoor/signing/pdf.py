"""Typst templates turned into PDF/A-3b with their data inside and a QR code to the page that verifies them."""

import io
import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Final

import segno
import typst

from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.said import said

DATA_NAME = "data.json"

_STANDARD: Final = "a-3b"
_MAIN = """
#let data = json(bytes(sys.inputs.data))
#set document(title: data.at("title", default: ""), author: data.at("agency", default: (:)).at("name", default: ""))
#set text(lang: sys.inputs.lang)
#include "{template}"
#for file in json(bytes(sys.inputs.files)) {{
  pdf.attach(file.name, bytes(file.content), relationship: file.relation, mime-type: file.type, description: file.name)
}}
"""
_WHERE: Final = re.compile(r"┌─ (.+):(\d+):\d+$", re.MULTILINE)
_TYPES = {".json": "application/json", ".xml": "application/xml", ".csv": "text/csv", ".pdf": "application/pdf"}


class TemplateBroken(OnedoorError):
    """The document template {template} does not fit its data: {why}. Correct the template or the data."""

    def __init__(self, file: Path, line: int, why: str) -> None:
        self.file, self.line, self.why = file, line, why
        super().__init__(template=f"{file.name}:{line}", why=why)


def render(
    template: Path,
    data: Mapping[str, Any],
    attachments: Mapping[str, bytes] | None = None,
    *,
    lang: str,
    moment: datetime | None = None,
) -> bytes:
    """Return *template* filled with *data* as a PDF/A-3b file in language *lang*, dated *moment* (now).

    The template reads `sys.inputs.data` (JSON) and `sys.inputs.qr` (an SVG of `data["verify_url"]`, or nothing), and
    files of the folder above its own (its nation), which is the root of its paths.
    *data* is embedded as `data.json` with the relationship Data, *attachments* as supplements. Fonts are those in
    `fonts/` beside the template and those of the typst wheel, never the computer's own. Raises `TemplateBroken`.
    """
    given = json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True)
    files = [_file(DATA_NAME, given.encode(), "data")]
    files += [_file(name, content, "supplement") for name, content in (attachments or {}).items()]
    inputs = {
        "data": unicodedata.normalize("NFC", given),
        "files": json.dumps(files),
        "lang": lang,
        "qr": qr(str(data["verify_url"])) if data.get("verify_url") else "",
    }
    return _press(template.parent.resolve()).print(template.name, inputs, moment or datetime.now(UTC))


def data_of(pdf: bytes) -> dict[str, Any]:
    """Return the data that `render` put into *pdf*; raise `ValueError` when there are none to be read."""
    from pyhanko.pdf_utils.misc import PdfError
    from pyhanko.pdf_utils.reader import PdfFileReader

    try:
        names = PdfFileReader(io.BytesIO(pdf)).root["/Names"]["/EmbeddedFiles"]["/Names"]
        files = {str(names[at]): names[at + 1] for at in range(0, len(names), 2)}
        data = json.loads(files[DATA_NAME]["/EF"]["/F"].data)
    except (PdfError, LookupError, TypeError, AttributeError) as broken:
        raise ValueError(f"no {DATA_NAME} can be read") from broken
    if not isinstance(data, dict):
        raise ValueError(f"{DATA_NAME} is no object")
    return data


def qr(url: str) -> str:
    """Return the QR code of *url* as SVG, one unit a module, black on nothing, without a quiet zone."""
    made = io.BytesIO()
    segno.make_qr(url, error="m").save(made, kind="svg", xmldecl=False, svgclass=None, lineclass=None, border=0)
    return made.getvalue().decode()


class _Press:
    """A typst compiler kept warm for the templates of one folder; one document at a time."""

    def __init__(self, folder: Path) -> None:
        own = [str(folder / "fonts")] if (folder / "fonts").is_dir() else []
        fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=own)
        self._folder = folder
        self._compiler = typst.Compiler(root=str(folder.parent), font_paths=fonts)
        self._lock = Lock()

    def print(self, name: str, inputs: dict[str, str], moment: datetime) -> bytes:
        main = _MAIN.format(template=f"/{self._folder.name}/{name}").encode()
        try:
            with self._lock:
                made = self._compiler.compile(
                    input=main,
                    sys_inputs=inputs,
                    format="pdf",
                    pdf_standards=[_STANDARD],
                    timestamp=int(moment.timestamp()),
                )
        except typst.TypstError as broken:
            raise TemplateBroken(*_place(self._folder / name, broken.diagnostic), broken.message) from None
        if not isinstance(made, bytes):
            raise TemplateBroken(self._folder / name, 1, said("it makes no single file"))
        return made


def _place(template: Path, diagnostic: str) -> tuple[Path, int]:
    """Return the file and the line that typst names first: the template, or what it includes."""
    found = _WHERE.search(diagnostic)
    file = Path(found[1]).resolve() if found else template
    return (file, int(found[2])) if found and file.is_file() else (template, 1)


@lru_cache(maxsize=32)
def _press(folder: Path) -> _Press:
    return _Press(folder)


def _file(name: str, content: bytes, relation: str) -> dict[str, object]:
    kind = _TYPES.get(Path(name).suffix.lower(), "application/octet-stream")
    return {"name": name, "content": _typst_bytes(content), "relation": relation, "type": kind}


def _typst_bytes(content: bytes) -> str | list[int]:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return list(content)
