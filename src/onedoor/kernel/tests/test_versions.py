"""A new version of a nation's files comes into force whole or not at all, and old ones stay."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from onedoor.kernel import clock, nation, settings
from onedoor.kernel.nation import BadNation, Fault, present, versions
from onedoor.kernel.nation.nation import shown
from onedoor.kernel.said import said

TESTLAND = settings.REPOSITORY / "nations" / "testland"
NAME = "name: {fr: Testlande, en: Testland}"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return files that a test may change."""
    return shutil.copytree(TESTLAND, tmp_path / "files")


@pytest.fixture
def folder(tmp_path: Path, source: Path) -> Path:
    """Return a folder of versions with the first one in force."""
    versions.bring_in(tmp_path / "versions", source, "Ada", running=False)
    return tmp_path / "versions"


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Let this process live in the nation of *folder*."""
    changed = replace(settings.current(), nation=folder)
    monkeypatch.setattr(settings, "current", lambda: changed)
    monkeypatch.setattr(present, "_last", {})
    return folder


def change(source: Path, file: str, there: str, instead: str) -> None:
    text = (source / file).read_text("utf-8")
    assert there in text
    (source / file).write_text(text.replace(there, instead, 1), "utf-8")


def rename(source: Path, name: str) -> None:
    file = source / "nation.yaml"
    lines = [f"name: {{en: {name}, fr: {name}}}" if line.startswith("name:") else line
             for line in file.read_text("utf-8").splitlines()]  # fmt: skip
    file.write_text("\n".join(lines) + "\n", "utf-8")


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_history_says_what_came_into_force_when_by_whom_and_from_where(folder: Path, source: Path) -> None:
    rename(source, "Elsewhere")
    second = versions.bring_in(folder, source, "Bob", running=True)
    first, last = versions.history(folder)
    assert last == second
    assert (first.by, last.by, last.origin) == ("Ada", "Bob", str(source))
    assert first.at <= last.at
    assert versions.digest_of(folder / last.digest) == last.digest == versions.digest_of(source)
    assert nation.in_force(folder) == folder / last.digest


def test_a_request_keeps_the_version_it_began_with_and_the_next_has_the_new_one(here: Path, source: Path) -> None:
    with nation.hold():
        rename(source, "Elsewhere")
        versions.bring_in(here, source, "Bob", running=True)
        assert nation.current().name["en"] == "Testland"
        with nation.hold():
            assert nation.current().name["en"] == "Testland"
    assert nation.current().name["en"] == "Elsewhere"
    assert [one.name["en"] for one in nation.kept(nation.current())] == ["Testland"]


def test_what_was_known_on_a_day_is_what_was_in_force_at_its_end(here: Path, source: Path) -> None:
    now, today = clock.now(), nation.current().today()
    for name, days in (("Elsewhere", 2), ("Nowhere", 4)):
        rename(source, name)
        with clock.freeze(now + timedelta(days=days)):
            versions.bring_in(here, source, "Bob", running=True)
    with clock.freeze(now + timedelta(days=9)):
        known = [nation.known_on(today + timedelta(days=n)).name["en"] for n in (-9, 0, 1, 2, 3, 4, 8, 9)]
    assert known == [*["Testland"] * 3, *["Elsewhere"] * 2, *["Nowhere"] * 3]


def test_going_back_is_a_new_line_in_the_history(folder: Path, source: Path) -> None:
    first = versions.history(folder)[0]
    rename(source, "Elsewhere")
    versions.bring_in(folder, source, "Bob", running=True)
    assert versions.go_back(folder, first.short, "Eve", running=True).digest == first.digest
    assert [one.by for one in versions.history(folder)] == ["Ada", "Bob", "Eve"]
    assert nation.in_force(folder).name == first.digest
    for wrong in ("", first.digest[:11], "0" * 64):
        with pytest.raises(versions.NoSuchVersion):
            versions.go_back(folder, wrong, "Eve", running=True)


def test_a_faulty_version_changes_nothing_and_every_fault_names_the_file_given(folder: Path, source: Path) -> None:
    before = everything(folder)
    change(source, "nation.yaml", NAME, "name: {fr: Testlande}\nnmae: 1")
    change(source, "agencies.yaml", "agencies:", "agencis:")
    with pytest.raises(BadNation) as refused:
        versions.bring_in(folder, source, "Bob", running=True)
    assert {fault.file for fault in refused.value.faults} == {f"{source}/nation.yaml", f"{source}/agencies.yaml"}
    assert len(refused.value.faults) >= 3
    assert everything(folder) == before
    with pytest.raises(BadNation):
        versions.bring_in(folder, source.with_name("nothing"), "Bob", running=True)


@pytest.mark.parametrize(
    ("file", "there", "instead", "wrong"),
    [
        ("nation.yaml", "zone: Pacific/Auckland", "zone: Europe/Paris", "“zone” cannot change"),
        ("agencies.yaml", "/PORTAL", "/GATE", "“members” cannot change"),
    ],
)
def test_what_processes_are_started_by_changes_only_while_none_runs(
    folder: Path, source: Path, file: str, there: str, instead: str, wrong: str
) -> None:
    for path in source.rglob("*.yaml"):
        if there in path.read_text("utf-8"):
            path.write_text(path.read_text("utf-8").replace(there, instead), "utf-8")
    with pytest.raises(BadNation) as refused:
        versions.bring_in(folder, source, "Bob", running=True)
    assert [fault.file for fault in refused.value.faults] == [str(source / file)]
    assert refused.value.faults[0].wrong.startswith(wrong)
    versions.bring_in(folder, source, "Bob", running=False)
    assert len(versions.history(folder)) == 2


STEPS = ((os, "fsync"), (os, "open"), (os, "mkdir"), (os, "replace"), (os, "rename"), (Path, "replace"),
         (shutil, "copyfile"), (shutil, "copy2"))  # fmt: skip
"""What of a load is seen on the disk happens next to one of these."""


def killed_at(step: int, load: Callable[[], object]) -> bool:
    """Run *load* in a child that kills itself at its *step*-th change of the disk; return whether it got that far."""
    child = os.fork()
    if not child:
        with suppress(BaseException):
            left = [step]
            for owner, name in STEPS:
                setattr(owner, name, _killing(getattr(owner, name), left))
            load()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def _killing(function: Callable[..., object], left: list[int]) -> Callable[..., object]:
    def run(*args: object, **kwargs: object) -> object:
        left[0] -= 1
        if left[0] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*args, **kwargs)

    return run


def test_a_load_that_is_killed_at_any_step_leaves_the_old_version_or_the_new(folder: Path, source: Path) -> None:
    old = versions.history(folder)[-1].digest
    rename(source, "Elsewhere")
    new, seen, step = versions.digest_of(source), [], 0
    while True:
        step += 1
        killed = killed_at(step, lambda: versions.bring_in(folder, source, "Bob", running=True))
        found = nation.in_force(folder)
        seen.append(found.name)
        assert versions.digest_of(found) == found.name
        if not killed:
            break
    assert step > 20
    assert nation.load(found.with_name(old)).name["en"] == "Testland"
    assert nation.load(found.with_name(new)).name["en"] == "Elsewhere"
    assert set(seen) == {old, new}
    assert seen == sorted(seen, key=lambda one: one == new)


@pytest.mark.parametrize("torn", [1, 40, -1])
def test_a_torn_line_never_came_into_force_and_is_cut_away_by_the_next(folder: Path, source: Path, torn: int) -> None:
    rename(source, "Elsewhere")
    second = versions.bring_in(folder, source, "Bob", running=True)
    history = folder / versions.HISTORY
    first, last = history.read_bytes().splitlines(keepends=True)
    history.write_bytes(first + last[:torn])
    assert nation.in_force(folder).name != second.digest
    assert versions.bring_in(folder, source, "Bob", running=True).digest == second.digest
    assert [one.digest for one in versions.history(folder)] == [versions.history(folder)[0].digest, second.digest]


def test_what_fails_its_trial_changes_nothing(folder: Path, source: Path) -> None:
    before = versions.history(folder)
    rename(source, "Elsewhere")

    def tried(country: nation.Nation) -> Iterator[Fault]:
        yield Fault(shown(country.path / "layout.typ"), 3, said("it cannot be set"), said("correct it"))

    with pytest.raises(BadNation) as refused:
        versions.bring_in(folder, source, "Bob", running=True, tried=tried)
    assert [str(fault) for fault in refused.value.faults] == [f"{source}/layout.typ:3: it cannot be set; correct it"]
    assert versions.history(folder) == before
