"""Runs what a page of `docs/` says: its files are written, its commands played, what it shows is compared.

A page is run from its top to its end in one scratch folder. A block counts when the comment before it says so:

- ``<!-- file: path -->`` before a fenced block: its text is written there; ``<!-- add: path -->`` adds it at the end;
- ``<!-- run -->`` before a ``console`` block: each line after ``$`` is a command, the lines below are what it says.
  ``<!-- run: 2 -->`` expects that exit code. A line ``…`` stands for any lines; a block without shown lines shows none;
- ``<!-- start: words -->`` before such a block: its command goes on in the background once it has said *words*.
"""

import os
import re
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

BLOCK = re.compile(
    r"^<!-- (?P<kind>run|start|file|add)(?:: (?P<what>[^>]+?))? -->\n+```(?P<form>\w*)[^\n]*\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
FENCE = re.compile(r"^(?P<in> *)```(?P<form>\w*)[^\n]*\n(?P<text>.*?)^(?P=in)```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"\n\n((?: {4}|\t)[^\n]+)")
FILES = ("csv", "ini", "python", "typst", "yaml")
"""The forms of blocks that show a file: every other block is one of commands."""
MARK = re.compile(r" *<!-- (run(: \d+)?|start: .+|not run: (?P<why>.+)) -->")
ANY = "…"


@dataclass
class Block:
    """One block that counts, with the line of the page where it stands."""

    kind: str
    what: str
    text: str
    line: int


@dataclass
class Command:
    """One command of a block and the lines it is shown to say; ``None`` when nothing is shown."""

    words: str
    shown: list[str] = field(default_factory=list)


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of *page* that count, in their order."""
    text = page.read_text("utf-8")
    for found in BLOCK.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield Block(found["kind"], (found["what"] or "").strip(), found["text"], line)


@dataclass
class Fence:
    """A block of commands, whether it counts or not: its form, the line before it, and its commands."""

    form: str
    before: str
    text: str


def fences(page: Path) -> Iterator[Fence]:
    """Yield every block of *page* that shows no file, one inside a list too."""
    text = page.read_text("utf-8")
    for found in FENCE.finditer(text):
        if found["form"] not in FILES:
            before = ("\n" + text[: found.start()]).rstrip("\n").rpartition("\n")[2]
            yield Fence(found["form"], before, textwrap.dedent(found["in"] + found["text"].lstrip(" ")))


def unmarked(page: Path) -> list[str]:
    """Return what stands before each block of *page* that no comment marks, and each line that is code by its indent.

    ``<!-- not run: why -->`` says why a block is not run. A block of commands is of the form ``console``.
    """
    wrong = [one.before for one in fences(page) if one.form != "console" or not MARK.fullmatch(one.before)]
    return wrong + INDENTED.findall(FENCE.sub("", page.read_text("utf-8")))


def reasons(page: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield why each block that is not run is not, with its commands."""
    for one in fences(page):
        if (mark := MARK.fullmatch(one.before)) and mark["why"]:
            yield mark["why"], [command.words for command in commands(one.text.replace("\\\n", " "))]


def commands(text: str) -> Iterator[Command]:
    """Yield the commands of a ``console`` block, each with what is shown below it."""
    last: Command | None = None
    for line in text.splitlines():
        if line.startswith("$ "):
            if last:
                yield last
            last = Command(line[2:])
        elif last:
            last.shown.append(line)
    if last:
        yield last


def play(page: Path, folder: Path) -> None:
    """Play *page* in *folder*; fail with the line of the page that is not as it says."""
    with ExitStack() as started:
        _play(page, folder, started)


def _play(page: Path, folder: Path, started: ExitStack) -> None:
    for block in blocks(page):
        where = f"{page.name}:{block.line}"
        if block.kind == "start":
            for command in commands(block.text):
                started.enter_context(_started(command, folder, where, block.what))
        elif block.kind != "run":
            path = folder / block.what
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a" if block.kind == "add" else "w", encoding="utf-8") as file:
                file.write(block.text)
        else:
            for command in commands(block.text):
                _run(command, folder, where, int(block.what or 0))


@contextmanager
def _started(command: Command, folder: Path, where: str, words: str) -> Iterator[None]:
    """Start *command* and go on once it has said *words*; end it, with all that it started."""
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(["bash", "-c", f"exec {command.words}"], cwd=folder, env=environment(folder),
                                   stdout=said, stderr=subprocess.STDOUT)  # fmt: skip
        try:
            until = time.monotonic() + 60
            while words not in (text := os.pread(said.fileno(), 10**6, 0).decode()):
                assert process.poll() is None, f"{where}: $ {command.words}\n{text}"
                assert time.monotonic() < until, f"{where}: $ {command.words}\nhas not said “{words}” but\n{text}"
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(30)


def _run(command: Command, folder: Path, where: str, expected: int) -> None:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command.words], cwd=folder, env=environment(folder), text=True, timeout=300,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    said = f"{where}: $ {command.words}\n{done.stdout}"
    assert done.returncode == expected, f"left with {done.returncode}: {said}"
    if command.shown:
        assert fits(command.shown, done.stdout.splitlines()), said + "\nbut the page shows\n" + "\n".join(command.shown)


def environment(folder: Path) -> dict[str, str]:
    """Return an environment in which this Python's programs come first and no setting of the tests holds."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("ONEDOOR_", "DJANGO_"))}
    tools = str(Path(sys.executable).parent)
    source = folder / "src"
    return (
        own
        | {"LC_ALL": "C.UTF-8"}
        | {"PATH": f"{tools}:{own['PATH']}"}
        | ({"PYTHONPATH": str(source)} if source.is_dir() else {})
    )


def fits(shown: list[str], said: list[str]) -> bool:
    """Return whether *said* is what is *shown*, where ``…`` stands for any lines."""
    if not shown:
        return not said
    if shown[0].strip() == ANY:
        return any(fits(shown[1:], said[number:]) for number in range(len(said) + 1))
    return bool(said) and said[0].rstrip() == shown[0].rstrip() and fits(shown[1:], said[1:])
