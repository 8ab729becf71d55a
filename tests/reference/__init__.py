"""What the reference pages must say, read from the code: ``make reference`` writes them, a test compares."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
COMMAND = "make reference"
GENERATED = f"<!-- Written by `{COMMAND}`; change the code, not this page. -->"
Page = Callable[[], str]


def pages() -> dict[str, Page]:
    """Return every generated file of `REFERENCE` with the function that writes it."""
    from onedoor.kernel import nation
    from onedoor.site import kinds
    from tests.reference import apis, code, nations, picture, routes

    kinds.load()
    return {
        "settings.md": code.settings,
        "commands.md": code.commands,
        "events.md": code.events,
        "errors.md": code.errors,
        "routes.md": routes.page,
        "files.md": nations.files,
        "apis.md": apis.page,
        "../images/rooms.svg": picture.svg,
        **{f"schemas/{name}": partial(str, text) for name, text in nation.published().items()},
        **{f"registers/{folder.name}.md": partial(nations.registers, folder) for folder in nations.FOLDERS},
        **{f"apis/{api.file}": partial(apis.text, api) for api in apis.documents()},
    }


def write() -> None:
    """Write every page and remove what no code stands behind any more."""
    found = pages()
    for folder in {(REFERENCE / name).parent for name in found}:
        folder.mkdir(parents=True, exist_ok=True)
    for name, page in found.items():
        (REFERENCE / name).write_text(page(), "utf-8")
    for path in left_over():
        path.unlink()


def left_over() -> list[Path]:
    """Return the files in the generated folders that no code stands behind."""
    known = {REFERENCE / name for name in pages()}
    return [path for name in ("schemas", "registers", "apis") for path in (REFERENCE / name).rglob("*.*")
            if path not in known]  # fmt: skip
