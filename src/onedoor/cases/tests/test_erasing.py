"""A person is erased after their case: nothing of theirs opens or is found, everything that proves acts still does."""

from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import translation

from onedoor.cases import dossiers, service
from onedoor.cases.models import Dossier, Party, Transition
from onedoor.cases.tests.conftest import MOTHER, work
from onedoor.cases.tests.story import SignIn, only, submit
from onedoor.identity import service as identity
from onedoor.identity.models import Account
from onedoor.kernel import clock
from onedoor.kernel.ledger import Leaf, ProofFile
from onedoor.kernel.settings import current
from onedoor.notices.models import Notice
from onedoor.privacy.models import ReadPerson, ReadRecord
from onedoor.privacy.records import BLIND
from onedoor.registers import erasing as registers_erasing
from onedoor.registers.errors import RecordHeldForGood
from onedoor.store import copies, details, erasure, keys, keystore, ledger, resealing
from onedoor.store.details import AMENDED
from onedoor.store.erasure import NobodyToErase, StillHeld, erase
from onedoor.store.keys import Erased

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals", "transport")]


@pytest.fixture
def no_register(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this database be the portal's, which holds no register."""
    monkeypatch.setattr(erasure, "_holds", [one for one in erasure._holds if one is not registers_erasing.holds])


def ended(sign_in: SignIn) -> str:
    """Return the code of a case of the mother that was refused, with words to her."""
    mother, registrar = map(sign_in, ("mother", "civil-status"))
    code = submit(mother).code
    work()
    service.refuse(only(registrar), "not_competent", "Cha mẹ không cư trú ở đây.", registrar)
    work()
    ledger.integrate()
    assert Dossier.objects.get(code=code).ended_at
    return code


def test_registers_and_open_cases_hold_a_person(sign_in: SignIn) -> None:
    code = submit(sign_in("mother")).code
    with pytest.raises(StillHeld) as refused:
        erase(MOTHER)
    kinds = {type(one).__name__ for one in refused.value.reasons}
    assert {"RecordHeldForGood", "CaseOpen"} <= kinds
    assert RecordHeldForGood in map(type, refused.value.reasons)
    said = refused.value.text()
    assert f"\n- The case {code} has not ended.\n" in said
    assert MOTHER not in said
    assert not erasure.Erasure.objects.exists()


@pytest.mark.usefixtures("no_register")
def test_an_erased_person_is_neither_read_nor_found_and_proofs_stand(sign_in: SignIn) -> None:
    code = ended(sign_in)
    account = Dossier.objects.get(code=code).account
    before = ledger.leaves(0, ledger.check())
    proofs = [proof_of(leaf) for leaf in before]
    expires = copies.record(keystore.folder() / "persons.sqlite", "a copy", clock.now() - timedelta(days=9))
    told = erase(MOTHER, request="request-7")
    assert told.complete_on == expires.date() == (clock.now() + timedelta(days=21)).date()
    assert not Party.objects.filter(person=dossiers.mark(MOTHER)).exists()
    assert not ReadPerson.objects.filter(person=keys.blind(BLIND, MOTHER)).exists()
    assert not Account.objects.filter(number_mark__isnull=False, pk=account).exists()
    assert not Notice.objects.filter(account=account).exists()
    with pytest.raises(Erased, match=rf"erased on {told.erased_at.date()}.*complete on {told.complete_on}"):
        Dossier.objects.get(code=code).read()
    ledger.integrate()
    assert [leaf.content() for leaf in ledger.leaves(0, len(before))] == [leaf.content() for leaf in before]
    for leaf, proof in zip(before, proofs, strict=True):
        assert stands(proof), leaf.kind
    assert not list(details.findings())
    change_a_record_that_says_less()
    with pytest.raises(NobodyToErase):
        erase(MOTHER)
    folder = current().state / "ledger" / "published"
    assert MOTHER not in erasure.published_in(folder).read_text()
    assert erasure.repeat(folder) == 0


@pytest.mark.usefixtures("no_register")
def test_blind_indexes_that_came_back_with_a_restore_go_when_the_erasure_is_repeated(sign_in: SignIn) -> None:
    ended(sign_in)
    with transaction.atomic():
        before = transaction.savepoint()
        erase(MOTHER)
        transaction.savepoint_rollback(before)  # the keys, which lie elsewhere, stay destroyed
    assert erasure.Erasure.objects.count() == 0
    assert Party.objects.filter(person=dossiers.mark(MOTHER)).exists()
    assert ReadPerson.objects.filter(person=keys.blind(BLIND, MOTHER)).exists()
    assert erase(MOTHER).keys == 0
    assert not Party.objects.filter(person=dossiers.mark(MOTHER)).exists()
    assert not ReadPerson.objects.filter(person=keys.blind(BLIND, MOTHER)).exists()
    assert not Account.objects.filter(number_mark=identity.mark(MOTHER)).exists()
    ledger.integrate()
    assert not list(details.findings())
    with pytest.raises(NobodyToErase):
        erase(MOTHER)


def test_keys_that_came_back_with_a_restore_are_destroyed_again(tmp_path: Path) -> None:
    key = keys.key_for("came back")
    erasure.published_in(tmp_path).write_text(f"{key.id.hex()} 2026-11-30T09:00:00+00:00 2026-12-24\n")
    assert erasure.repeat(tmp_path) == 1
    with pytest.raises(Erased, match=r"erased on 2026-11-30.* complete on 2026-12-24"):
        keys.key_of(key.id)


def change_a_record_that_says_less() -> None:
    """Change rows past the programs of which the erasure left a digest; each is found."""
    shorter = {str(one.entry) for one in ReadRecord.objects.exclude(erased={})}
    assert shorter
    with connection.cursor() as cursor:
        cursor.execute("UPDATE privacy_readrecord SET purpose = 'x' WHERE erased <> '{}'")
    assert {(one.what, one.entry) for one in details.findings()} == {(details.ALTERED, entry) for entry in shorter}


def proof_of(leaf: Leaf) -> ProofFile:
    index, _, path = ledger.prove(leaf.id)
    return ProofFile(leaf.content(), index, tuple(path), ledger.checkpoint())


def stands(proof: ProofFile) -> bool:
    """Return that a proof still holds, from its file and the public key alone."""
    leaf, checkpoint = ProofFile.parse(proof.text()).verify(ledger.verifier())
    return proof.entry == leaf.content() and proof.index < checkpoint.size


@pytest.mark.usefixtures("no_register")
def test_the_pages_say_since_when_it_is_erased_and_who_comes_back_begins_anew(sign_in: SignIn, client: Client) -> None:
    code = ended(sign_in)
    father, registrar = sign_in("father"), sign_in("civil-status")
    told = erase(MOTHER)
    for language, said in (("en", "erased on"), ("vi", "đã bị xóa ngày"), ("fr", "effacées le")):
        with translation.override(language):
            assert f"{said} {told.erased_at.date()}" in service.dossiers(father)[0].about
    with pytest.raises(Erased):
        service.view(code, father)
    (task,) = service.inbox(registrar, tab="done").lines
    with pytest.raises(Erased):
        service.task(task.id, registrar)
    assert not service.inbox(registrar, tab="done", query="Nhiên").lines
    assert service.dossiers(sign_in("mother")) == ()
    assert Account.objects.get(persona="mother").who()["number"] == MOTHER


@pytest.mark.usefixtures("no_register")
def test_who_is_killed_in_the_middle_ends_it_later(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    code = ended(sign_in)
    with monkeypatch.context() as stopped:
        stopped.setattr(erasure.keys, "destroy_ids", lambda *_: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            erase(MOTHER)
    Dossier.objects.get(code=code).read()
    erasure.finish()
    with pytest.raises(Erased):
        Dossier.objects.get(code=code).read()
    forge_an_amendment()


def forge_an_amendment() -> None:
    """Change a row, and say past the programs that it was amended: that counts for nothing."""
    row = Transition.objects.order_by("id").first()
    Transition.objects.filter(pk=row.pk).update(state="done")
    digest = sha256(details.of("cases.transition", row.entry) or b"").digest()
    forged = details.Amendment(amended=row.entry, digest=digest, why="erased", mark=b"x" * 32, entry=row.entry)
    forged.save(force_insert=True)
    assert (details.ALTERED, "cases.transition") in {(one.what, one.kind) for one in details.findings()}


def test_rotated_keys_of_persons_leave_the_trail_sound(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resealing, "GRACE", timedelta(0))
    code = ended(sign_in)
    father = sign_in("mother")
    before = service.view(code, father)
    words = [line.text for line in before.history]
    with clock.freeze(clock.now() + timedelta(days=1)):
        done = resealing.rotate_persons()
    assert done.destroyed == done.persons > 0
    after = service.view(code, father)
    assert [line.text for line in after.history] == words
    assert after.answers == before.answers
    ledger.integrate()
    assert {one.what for one in details.findings()} == {AMENDED}
    assert ledger.check()
