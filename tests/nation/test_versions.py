"""A new version of the files comes into a running nation: what began keeps its own, what begins has the new."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from onedoor.kernel.nation import versions
from tests.nation.patient import PatientStory
from tests.nation.running import Running, onedoor

pytestmark = [pytest.mark.nation, pytest.mark.timeout(300)]
BIRTH = "services/birth-linked.yaml"
FORM = "services/vn.birth-linked/apply"
OLD_LIMIT, NEW_LIMIT = "within: 24h", "within: 8h"
OLD_TITLE, NEW_TITLE = "Bạn là ai với bé?", "Bạn là người thế nào với bé?"


@pytest.fixture
def source(nation: Running, tmp_path: Path) -> Iterator[Path]:
    """Give a copy of the nation's files; what was in force before is in force again afterwards."""
    first = history(nation)[-1]
    yield shutil.copytree(nation.folder, tmp_path / "files")
    if history(nation)[-1].digest != first.digest:
        assert load(nation, "--kept", first.short).returncode == 0


def history(nation: Running) -> list[versions.Version]:
    return versions.history(nation.var / "versions")


def load(nation: Running, *arguments: str) -> Any:
    return onedoor("nation", "load", *arguments, "--by", "Ada", "--var", str(nation.var))


def change(source: Path, *pairs: tuple[str, str]) -> None:
    text = (source / BIRTH).read_text("utf-8")
    for there, instead in pairs:
        assert there in text
        text = text.replace(there, instead, 1)
    (source / BIRTH).write_text(text, "utf-8")


def limits(nation: Running, case: str) -> dict[str, str]:
    query = 'SELECT s.ref, s."limit" FROM cases_step s JOIN cases_dossier d ON d.id = s.dossier_id WHERE d.code = %s'
    return dict(nation.rows("portal", query, case))


def declared(nation: Running, folder: Path) -> PatientStory:
    """Return a story up to its dossier: no officer has looked at it yet."""
    story = PatientStory(nation.places, folder)
    story.declare(*story.give_birth())
    return story


def first_page(nation: Running, persona: str) -> str:
    """Return the words of the first page of the persona's draft, begun now if there is none."""
    browser = nation.signed_in(persona)
    page = browser.get(nation.places.page(FORM)).found()
    return (browser.submit(page.main_form()).found() if page.address.endswith("/apply") else page).text()


def test_what_began_keeps_its_version_and_what_begins_has_the_new_one(
    nation: Running, source: Path, tmp_path: Path
) -> None:
    before = declared(nation, tmp_path / "results")
    assert OLD_TITLE in first_page(nation, "father")
    change(source, (OLD_LIMIT, NEW_LIMIT), (OLD_TITLE, NEW_TITLE))
    done = load(nation, str(source))
    assert done.returncode == 0, done.stdout + done.stderr
    assert history(nation)[-1].by == "Ada"
    assert nation.record()["nation"] == history(nation)[-1].digest

    assert OLD_TITLE in first_page(nation, "father")
    assert NEW_TITLE in first_page(nation, "mother")
    after = declared(nation, tmp_path / "results")
    for story, limit in ((before, "24h"), (after, "8h")):
        assert limits(nation, story.told.case)["birth"] == limit
        story.follow()
        story.collect(story.case())
        assert [one.signature for one in story.told.results] == ["valid"] * 3


def test_a_faulty_version_is_refused_with_every_fault_and_changes_nothing(nation: Running, source: Path) -> None:
    before = history(nation)
    change(source, (OLD_LIMIT, "within: 24x"), ("issues: birth", "isssues: birth"))
    done = load(nation, str(source))
    assert done.returncode == 2
    assert done.stdout.count(f"{source / BIRTH}:") == 2, done.stdout
    assert "2 faults: nothing was changed." in done.stdout
    assert history(nation) == before
    listed = onedoor("nation", "versions", "--var", str(nation.var)).stdout.splitlines()
    assert [line.split()[0] for line in listed] == [one.short for one in reversed(before)]
    assert "in force" in listed[0]
    assert not any("in force" in line for line in listed[1:])
