"""Who read my data after a whole birth: each of the family sees all that is theirs, and nobody another's act."""

import pytest
from django.test import Client

from onedoor.cases import service
from onedoor.cases.tests.conftest import FATHER, GRANDMOTHER, MOTHER, work
from onedoor.cases.tests.story import SignIn, only, submit
from onedoor.cases.tests.test_pages import own_language as own_language
from onedoor.privacy.asking import OwnReads, reads
from onedoor.privacy.models import ReadPerson, ReadRecord
from onedoor.privacy.own import Wanted
from onedoor.privacy.records import BLIND
from onedoor.store import keys

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals", "transport")]


def recorded(number: str) -> set[str]:
    """Return the records that hold something of a person's own, as the database has them."""
    rows = ReadPerson.objects.filter(person=keys.blind(BLIND, number)).exclude(fields=[])
    return {str(row.record_id) for row in rows}


def test_each_of_the_family_sees_every_read_of_their_own_data_and_the_case_only_where_it_is_theirs(
    sign_in: SignIn,
) -> None:
    mother, father, grandmother, registrar = map(sign_in, ("mother", "father", "grandmother", "civil-status"))
    code = submit(mother).code
    work()
    service.accept(only(registrar), registrar)
    work()
    shown: dict[str, OwnReads] = {}
    for number, actor in ((MOTHER, mother), (FATHER, father), (GRANDMOTHER, grandmother)):
        expected = recorded(number)
        shown[number] = reads(actor, Wanted(most=200))
        assert {one.view.record for one in shown[number].reads} == expected
        assert all(one.view.purpose_text and one.view.basis_text for one in shown[number].reads)
        assert not shown[number].silent
    assert {one.case for one in shown[MOTHER].reads if one.view.case} == {code}
    assert {one.case for one in shown[FATHER].reads if one.view.case} == {code}, "the dossier names the father"
    assert {one.case for one in shown[GRANDMOTHER].reads} == {""}
    assert not any(one.own for one in shown[GRANDMOTHER].reads)
    fields = {name for one in shown[FATHER].reads for name in one.view.fields if one.view.register == "births"}
    assert "father" in fields
    assert "mother" not in fields


def test_a_relative_learns_neither_the_case_nor_who_asked_and_cannot_try_it_out(sign_in: SignIn) -> None:
    mother, grandmother = sign_in("mother"), sign_in("grandmother")
    code = submit(mother).code
    visitor = Client()
    visitor.post("/en/sign-in", {"persona": "grandmother"})
    page, table, told = (visitor.get(f"/en/reads{kind}").content.decode() for kind in ("", ".csv", ".json"))
    assert "a case that is not yours" in page
    users = set(ReadRecord.objects.filter(case=code).values_list("user", flat=True))
    assert users
    assert not [one for one in (code, *users) if one in page + table + told]
    assert not reads(grandmother, Wanted(case=code)).reads
    assert reads(mother, Wanted(case=code)).reads
