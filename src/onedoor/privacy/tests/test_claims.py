"""What is entered of a read binds every claim, and tells each person those that are theirs."""

from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onedoor.kernel.ledger import LedgerError
from onedoor.kernel.ledger.disclosures import Shown, digest
from onedoor.privacy.claims import Details
from onedoor.privacy.rules import Reader

MOTHER, FATHER = b"\1" * 32, b"\2" * 32
CASE, ACCOUNT = "2611-7K4M-Q8", "account-of-the-mother"
SALT = b"s" * 32


def details(form: int = 2, case: str = CASE, user: str = ACCOUNT, salt: bytes = SALT) -> Details:
    reader = Reader("VN/GOV/G22/PORTAL", user, "birth-form", "nd63-2024.4.5", case)
    persons = {MOTHER: ["number", "wife"], FATHER: ["number", "husband"]}
    return Details("r", "m", reader, "marriages", "read", ["number", "husband", "wife"], "", persons, "", salt, form)


def told(person: bytes, **asking: str) -> dict[str, object]:
    shown = details().told_to(person, **{"case": "", "account": "", **asking})
    assert shown
    return dict(Shown.parse(shown).claims)


def test_a_digest_is_that_of_rfc_9901() -> None:
    shown = b"WyI2SWo3dE0tYTVpVlBHYm9TNXRtdlZBIiwgImVtYWlsIiwgImpvaG5kb2VAZXhhbXBsZS5jb20iXQ"
    assert digest(shown) == "JzYjH4svliH0R3PyEMfeZu6Jt69u5qehZo7F7EPYlSE"


@pytest.mark.parametrize(
    ("form", "entered"),
    [
        (1, "d114ecc44d458d6d2a2b9bf54a2031529ec832dad338d83715571a4654976140"),
        (2, "df3fc881ac26aaacf01a34824ebcac46192043f4b668cb1305612690255210c8"),
        (3, "be37a9dfd87b38cb7e909672bf1792a522c4d0f9b6956dfe114e6c400789dc95"),
    ],
)
def test_what_was_entered_before_is_written_out_the_same_for_ever(form: int, entered: str) -> None:
    assert sha256(replace(details(form), hidden_until="2027-02-28", kept=[MOTHER]).content()).hexdigest() == entered


@given(st.binary(min_size=32, max_size=32), st.sampled_from([1, 2]), st.text(max_size=20), st.text(max_size=20))
def test_what_is_entered_binds_every_detail(salt: bytes, form: int, case: str, other: str) -> None:
    assert (details(form, case, salt=salt).content() == details(form, other, salt=salt).content()) == (case == other)
    assert details(form, case, salt=salt).content() != details(form, case, salt=salt + b"x").content()


def test_each_person_is_told_their_own_fields_and_nothing_of_the_other() -> None:
    mother, father = told(MOTHER), told(FATHER)
    assert mother["person"] == {"mark": MOTHER.hex(), "fields": ["number", "wife"]}
    assert father["person"] == {"mark": FATHER.hex(), "fields": ["number", "husband"]}
    assert mother["purpose"] == father["purpose"] == "birth-form"
    assert not {"case", "user", "fields"} & {*mother, *father}


def test_the_case_and_who_asked_are_told_to_those_they_belong_to() -> None:
    assert told(MOTHER, case=CASE)["case"] == CASE
    assert told(MOTHER, account=ACCOUNT)["user"] == ACCOUNT
    assert not {"case", "user"} & {*told(FATHER, case="2611-0000-00", account="another")}


@pytest.mark.parametrize(("erased", "other"), [(MOTHER, FATHER), (FATHER, MOTHER)])
def test_of_whom_is_erased_a_digest_is_left_and_the_other_is_told_the_same(erased: bytes, other: bytes) -> None:
    before = details()
    place, kept = before.kept_of(erased)
    after = replace(before, persons={other: before.persons[other]}, erased={place: kept})
    assert after.content() == before.content()
    assert after.told_to(other, case=CASE, account="") == before.told_to(other, case=CASE, account="")
    assert erased.hex().encode() not in after.told()
    place, kept = after.kept_of(other)
    nobody = replace(after, persons={}, erased={**after.erased, place: kept})
    assert nobody.content() == before.content()


def test_how_many_persons_it_is_about_is_not_told() -> None:
    alone = Details("r", "m", details().reader, "marriages", "read", ["number"], "", {MOTHER: None}, "", SALT)
    assert len(alone.content().splitlines()) == len(details().content().splitlines())


def test_every_part_that_is_told_is_under_the_same_commitment() -> None:
    entered = sha256(details().content()).digest()
    for part in (details().told(), details().told_to(MOTHER, case=CASE, account=""), details().content()):
        assert sha256(Shown.parse(part or b"").entered).digest() == entered


@pytest.mark.parametrize(
    "change", [b"\nWyJhIiwiYiIsImMiXQ\n", b"\n\xff\n", b"\n" + b"W" * 70 + b"\n", b"\nNQ\n", b"\nbnVsbA\n"]
)
def test_a_claim_that_was_not_entered_is_not_believed(change: bytes) -> None:
    with pytest.raises(LedgerError):
        Shown.parse(details().content() + change)


def test_the_first_form_is_told_whole_or_not_at_all() -> None:
    reader = Reader("VN/GOV/G22/PORTAL", ACCOUNT, "birth-form", "nd63-2024.4.5", CASE)
    alone = Details("r", "m", reader, "population", "read", ["born"], "", {MOTHER: None}, "", SALT, 1)
    assert alone.told_to(MOTHER, case=CASE, account="") == alone.content()
    assert alone.told_to(MOTHER, case="", account="") is None
    assert details(1).told_to(MOTHER, case=CASE, account="") is None
