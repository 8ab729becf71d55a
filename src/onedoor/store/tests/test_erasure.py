"""An erasure costs the same however many there were; whatever a kill left of one is ended by the next call."""

from collections.abc import Iterable
from typing import Any

import pytest

from onedoor.kernel.settings import current
from onedoor.store import erasure, keys, keystore
from onedoor.store.erasure import NobodyToErase, erase, published_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_store")]


def published() -> list[str]:
    return published_in(current().state / "ledger" / "published").read_text().splitlines()


def test_no_erasure_before_is_gone_through_again(monkeypatch: pytest.MonkeyPatch) -> None:
    destroy, destroyed = keys.destroy_ids, []

    def counted(ids: Iterable[bytes], *said: Any) -> bool:
        destroyed.append(list(ids))
        return destroy(destroyed[-1], *said)

    monkeypatch.setattr(erasure.keys, "destroy_ids", counted)
    ids = [keys.key_for(number).id for number in "abc"]
    for number in "abc":
        erase(number)
    assert destroyed == [[one] for one in ids]
    assert [line.split()[0] for line in published()] == [one.hex() for one in ids]


def test_nothing_tells_any_more_that_the_erased_person_had_a_key() -> None:
    keys.keys_for("ab")
    marks = [keys.mark_of(one) for one in "ab"]
    asked = "SELECT count(*) FROM person_key WHERE subject = ?"
    erase("a")
    assert [keystore.connected().execute(asked, [one]).fetchone()[0] for one in marks] == [0, 1]
    store = keystore.folder() / "persons.sqlite"
    assert [one in b"".join(file.read_bytes() for file in store.parent.glob("persons.sqlite*")) for one in marks] == [
        False,
        True,
    ]


def test_what_a_kill_left_is_ended_by_the_next_call_and_a_torn_line_is_written_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys.keys_for("ab")
    erase("a")
    with monkeypatch.context() as killed:
        killed.setattr(erasure, "_destroy", lambda *_: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            erase("b")
    assert keys.live("b")
    path = published_in(current().state / "ledger" / "published")
    path.write_text(path.read_text()[:-5])
    assert erasure.repeat(path.parent) == 0, "half a line names no key"
    with pytest.raises(NobodyToErase):
        erase("b")
    assert keys.live("b") is None
    assert len(published()) == erasure.Erasure.objects.count() == 2
    path.unlink()
    erasure.finish()
    assert len(published()) == 2
