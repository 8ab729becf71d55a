import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from django.utils import translation

from onedoor.kernel import clock, settings
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.nation import versions
from onedoor.kernel.nation.layers import overlay
from onedoor.procedures import reading, service
from onedoor.procedures.answers import NameHasDigit
from onedoor.procedures.models import ServiceVersion
from onedoor.procedures.service import NoSuchService

TODAY = date(2026, 11, 22)
BIRTH = "vn.birth-linked"


def test_the_day_decides_the_version() -> None:
    assert service.in_force(BIRTH, date(2026, 8, 31)).code == "2.002621"
    assert service.in_force(BIRTH, date(2026, 9, 1)).code == "3.000722"
    with pytest.raises(NoSuchService):
        service.in_force(BIRTH, date(2024, 6, 30))


def test_a_version_is_found_by_its_name() -> None:
    assert service.get(BIRTH, "2024-07-01").code == "2.002621"
    with pytest.raises(NoSuchService, match="no public service"):
        service.get(BIRTH, "1999-01-01")


@pytest.mark.parametrize(
    ("query", "language"),
    [
        ("khai sinh", "vi"),
        ("KHAI SINH", "vi"),
        ("the bao hiem", "vi"),
        ("thuong tru", "en"),
        ("newborn", "en"),
        ("acte de naissance", "fr"),
        ("3.000722", "vi"),
    ],
)
def test_a_search_finds_with_and_without_accents_in_every_language(query: str, language: str) -> None:
    assert [found.service.id for found in service.search(query, language, TODAY)] == [BIRTH]


@pytest.mark.parametrize("query", ["", "   ", "xây nhà", "birth passport", "ket hon", "kết hôn"])
def test_a_search_for_what_is_not_there_finds_nothing(query: str) -> None:
    assert service.search(query, "vi", TODAY) == []


@pytest.mark.parametrize(
    ("query", "by"),
    [("bảo hiểm", ()), ("em be", ("em bé",)), ("3.000722", ("3.000722",)), ("thẻ newborn", ("newborn",))],
)
def test_a_search_tells_what_it_found_a_service_by_where_its_title_and_summary_do_not(
    query: str, by: tuple[str, ...]
) -> None:
    assert [found.by for found in service.search(query, "vi", TODAY)] == [by]


@pytest.mark.django_db
def test_a_case_keeps_the_definition_it_began_with() -> None:
    old = service.get(BIRTH, "2024-07-01")
    digest = service.pin(old)
    kept = service.pinned(BIRTH, "2024-07-01", digest)
    assert kept == old
    assert [page.id for page in kept.pages] == [page.id for page in old.pages]
    assert service.pinned(BIRTH, "2024-07-01").steps["birth"].within == "0wd"


@pytest.mark.django_db
def test_a_definition_is_kept_once_and_a_changed_one_beside_it() -> None:
    now = service.get(BIRTH, "2026-09-01")
    first = service.pin(now)
    assert service.pin(now) == first
    changed = reading.read(overlay(now.definition, {"clock": {"total": "4wd"}}))
    second = service.pin(changed)
    assert second != first
    assert ServiceVersion.objects.count() == 2
    assert service.pinned(BIRTH, "2026-09-01", first).clock.total == "3wd"
    assert service.pinned(BIRTH, "2026-09-01").clock.total == "4wd"


@pytest.mark.django_db
def test_an_agency_knows_what_its_files_define_or_defined_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = replace(settings.current(), nation=tmp_path / "versions")
    monkeypatch.setattr(settings, "current", lambda: here)
    monkeypatch.setattr(service, "settings", lambda: here)
    source = shutil.copytree(settings.REPOSITORY / "nations" / "testland", tmp_path / "files")
    first = versions.bring_in(here.nation, source, "Ada", running=False)
    old = service.services(date(2026, 3, 2))[0]
    digest = service.digest(old)
    (source / "templates" / "mark.typ").write_text("Another layout")
    versions.bring_in(here.nation, source, "Ada", running=True)
    assert service.digest(service.services(date(2026, 3, 2))[0]) != digest
    assert not service.knows(old.id, old.version, "0" * 64)
    assert service.knows(old.id, old.version, digest)
    result = next(iter(old.results.values()))
    assert service.template(digest, result) == here.nation / first.digest / result.template
    assert service.pinned(old.id, old.version, digest) == old


@pytest.mark.django_db
def test_a_case_goes_on_that_began_before_layouts_were_pinned() -> None:
    now = service.get(BIRTH, "2026-09-01")
    bare = replace(now, definition={key: part for key, part in now.definition.items() if key != "layouts"})
    assert service.knows(BIRTH, "2026-09-01", service.digest(bare))


@pytest.mark.django_db
def test_what_was_never_pinned_is_not_found() -> None:
    with pytest.raises(NoSuchService):
        service.pinned(BIRTH, "2026-09-01", "0" * 64)


def test_a_fault_is_said_in_every_language() -> None:
    said = service.words_of(NameHasDigit(wrong="Nhi3n"))
    assert said["vi"] == "Tên không được có chữ số. Hãy sửa “Nhi3n”."
    assert said["en"] == "A name cannot contain a digit. Change “Nhi3n”."
    assert said["fr"] == "Un nom ne contient pas de chiffre. Modifiez «\u202fNhi3n\u202f»."


def test_every_step_has_words_for_its_post() -> None:
    for step in service.get(BIRTH, "2026-09-01").steps.values():
        assert service.post_text(step)["vi"]


def test_every_text_of_the_engine_is_translated() -> None:
    own = [error for error in vars(service).values() if isinstance(error, type) and issubclass(error, OnedoorError)]
    errors = [error for error in own if error.__module__.startswith("onedoor.procedures")]
    for error in [*errors, *service.AnswerFault.__subclasses__()]:
        for language in ("vi", "fr"):
            with translation.override(language):
                assert translation.gettext(error.key()) != error.key(), error


def test_the_limits_of_the_linked_procedure_are_those_of_its_decree() -> None:
    for version in ("2024-07-01", "2026-09-01"):
        one = service.get(BIRTH, version).clock
        assert (one.total, one.verified, one.cutoff) == ("3wd", "5wd", "15:00")
        assert (one.hand_over, one.acknowledge, one.law) == ("10min", "2wh", "nd63.7")


def test_the_clock_of_this_nation_is_used() -> None:
    one = service.get(BIRTH, "2026-09-01")
    started = service.start(one, clock.now())
    assert service.due(one, "residence", started) > started
    assert service.whole_due(one, started) > started
