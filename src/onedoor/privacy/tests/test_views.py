"""Records in words: what several have in common is put into words once."""

import pytest

from onedoor.kernel import clock
from onedoor.kernel.ids import uuid7
from onedoor.privacy import views
from onedoor.privacy.models import ReadRecord


def record(*fields: str) -> ReadRecord:
    said = {
        "client": "VN/GOV/G01/PORTAL",
        "user": "somebody",
        "purpose": "own-case",
        "basis": "one",
        "operation": "read",
    }
    return ReadRecord(id=uuid7(), moment=clock.now(), register="cases/something", fields=list(fields), **said)


def test_what_several_records_have_in_common_is_put_into_words_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def called(what, names):
        asked.append((what, *names))
        return {"en": "A dossier"}, [{"en": name.title()} for name in names]

    monkeypatch.setattr(views, "_words", [called])
    words, records = views.InWords(), [record("child"), record("child"), record("child", "home")]
    found = [words.of(one) for one in records]
    assert [one.record for one in found] == [str(one.id) for one in records]
    assert [one.field_texts for one in found] == [({"en": "Child"},)] * 2 + [({"en": "Child"}, {"en": "Home"})]
    assert asked == [("cases/something", "child"), ("cases/something", "child", "home")]


@pytest.mark.parametrize(("language", "kept"), [("vi", {"vi"}), ("", {"vi", "en", "fr"}), ("xx", {"vi", "en", "fr"})])
def test_words_are_of_the_language_that_was_asked_for_alone(language: str, kept: set[str]) -> None:
    told = views.in_words(language).of(record("child"))
    texts = [told.agency_text, told.register_text, told.purpose_text, told.basis_text, *told.field_texts]
    assert [set(text) for text in texts] == [kept] * 5
