"""The check of a whole nation: every fault of every file, in one pass."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from onedoor.kernel.nation.documents import Document, Fault, parse
from onedoor.kernel.nation.file_kinds import FileKind, kinds
from onedoor.kernel.nation.nation import BadNation, Nation, is_usable, load_base, read_document, shown
from onedoor.kernel.nation.schemas import nearest
from onedoor.kernel.said import said


def check(path: Path) -> list[Fault]:
    """Return all faults of the nation in the folder *path*, by file and line.

    It knows the kinds of the rooms whose ``domain`` was imported; a YAML file of no known kind is a fault.
    """
    with _nothing_swept():
        return _check(path)


def _check(path: Path) -> list[Fault]:
    nation, faults = load_base(path)
    if nation is None and not (path / "nation.yaml").is_file():
        return faults
    languages = nation.languages if nation else _languages(path)
    usable: list[tuple[FileKind, Document]] = []
    for kind in kinds():
        read = [read_document(file, kind, None if kind.name == "nation" else languages) for file in kind.paths(path)]
        faults += [fault for _, wrong in read for fault in wrong]
        documents = [document for document, wrong in read if is_usable(document, kind, wrong)]
        usable += [(kind, document) for document in documents]
        if nation and len(documents) == len(read):
            nation.remember(kind.name, documents)
    if nation:
        faults += [*nation.units.faults(), *nation.organisations.faults(nation.units, nation.languages)]
        faults += [fault for kind, document in usable for fault in _of(kind, document, nation)]
    return sorted({*faults, *_strays(path)})


@contextmanager
def _nothing_swept() -> Iterator[None]:
    """Let no garbage be looked for: everything read stays till the end, and each look at all of it costs more."""
    swept = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if swept:
            gc.enable()


def _of(kind: FileKind, document: Document, nation: Nation) -> Iterator[Fault]:
    """Yield what the check of *kind* finds; what leans on files too faulty to be read waits until those are mended."""
    with suppress(BadNation):
        yield from kind.check(document, nation)


def _languages(path: Path) -> Sequence[str]:
    """Return the languages of a nation whose other base data may be at fault."""
    data = parse(path / "nation.yaml", "")[0].data
    found = data.get("languages") if isinstance(data, dict) else None
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _strays(path: Path) -> Iterator[Fault]:
    known = {file for kind in kinds() for file in kind.paths(path)}
    folders: Sequence[str] = [kind.folder for kind in kinds()]
    for file in sorted(path.rglob("*.y*ml")):
        if file not in known:
            folder = file.relative_to(path).parts[0]
            yield Fault(
                shown(file),
                1,
                said("no kind of file stands here"),
                said("move it: {value}", value=nearest(folder, folders)),
            )
