from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from onedoor.privacy.rules import (
    Basis,
    Grant,
    Purpose,
    Question,
    Reader,
    decide,
    desk_rights,
    may_call,
)

TEXT = {"en": "x"}
DAY = date(2026, 11, 2)
PORTAL = "VN/GOV/G22/PORTAL"
FIELDS = ("number", "full_name", "born", "phone")
names = st.sampled_from([*FIELDS, "email", "secret"])


def purpose(**changes: object) -> Purpose:
    grants = (
        Grant(PORTAL, register="population", operations=frozenset({"read"}), fields=FIELDS),
        Grant(PORTAL, register="population", operations=frozenset({"write"}), fields=("number", "phone")),
        Grant(PORTAL, service="reads", provider="VN/GOV/G15/CIVIL-STATUS", operations=frozenset({"read"})),
    )
    given_ = {"id": "form", "text": TEXT, "basis": {"law.1": Basis("law.1", "1/2026", "1", TEXT)}, "grants": grants}
    return Purpose(**{**given_, **changes})


def reader(**changes: str) -> Reader:
    return Reader(**{"client": PORTAL, "user": "a-1", "purpose": "form", "basis": "law.1", "case": "c", **changes})


def ask(operation: str = "read", wanted: list[str] | None = None, register: str = "population", **changes: str):
    return decide({"form": purpose()}, Question(reader(**changes), register, operation, wanted), DAY)


def test_a_granted_purpose_opens_its_fields() -> None:
    assert ask().fields == FIELDS


@given(st.lists(names, max_size=6))
def test_a_read_never_opens_more_than_granted_or_wanted(wanted: list[str]) -> None:
    fields = set(ask(wanted=wanted).fields)
    assert fields <= set(FIELDS) & set(wanted)


@given(st.lists(names, min_size=1, max_size=6))
def test_a_write_of_any_other_field_is_refused_as_a_whole(wanted: list[str]) -> None:
    decision = ask("write", wanted)
    assert bool(decision.refused) == bool(set(wanted) - {"number", "phone"})
    assert not (decision.refused and decision.fields)


@given(
    st.sampled_from([PORTAL, "VN/GOV/G15/CIVIL-STATUS", ""]),
    st.sampled_from(["form", "other", ""]),
    st.sampled_from(["law.1", "law.2", ""]),
    st.sampled_from(["population", "births"]),
)
def test_everything_but_the_whole_grant_is_refused(client: str, purpose_id: str, basis: str, register: str) -> None:
    decision = ask(register=register, client=client, purpose=purpose_id, basis=basis)
    whole = (client, purpose_id, basis, register) == (PORTAL, "form", "law.1", "population")
    assert bool(decision.fields) == whole == (not decision.refused)


def test_clients_are_compared_without_case() -> None:
    assert ask(client=PORTAL.lower()).fields == FIELDS


def test_an_expired_right_stops_the_answer() -> None:
    rights = {"form": purpose(valid_until=date(2026, 11, 1))}
    assert decide(rights, Question(reader(), "population"), DAY).refused == "purpose-not-in-force"


def test_data_are_used_outside_a_case_only_where_the_purpose_says_so() -> None:
    assert ask(case="").refused == "no-case"
    rights = {"form": purpose(without_case=True)}
    assert decide(rights, Question(reader(case=""), "population"), DAY).fields == FIELDS


@given(st.sampled_from(["client", "user", "purpose", "basis", "case"]), st.sampled_from(["x" * 121, "a\0b", "a\nb"]))
def test_who_says_what_cannot_be_recorded_is_refused(name: str, said: str) -> None:
    assert ask(**{name: said}).refused == "malformed"


def test_a_grant_may_be_bound_to_a_basis() -> None:
    bound = purpose(
        basis={"law.1": Basis("law.1", "1", "", TEXT), "law.2": Basis("law.2", "2", "", TEXT)},
        grants=(
            Grant(PORTAL, register="births", operations=frozenset({"read"}), fields=("a",), basis=frozenset({"law.2"})),
        ),
    )
    assert decide({"form": bound}, Question(reader(), "births"), DAY).refused == "not-granted"
    assert decide({"form": bound}, Question(reader(basis="law.2"), "births"), DAY).fields == ("a",)


def test_a_service_is_open_only_at_its_provider_and_for_its_purpose() -> None:
    rights = {"form": purpose()}

    def may(provider: str, **changes: str) -> bool:
        return may_call(rights, reader(**changes), service="reads", provider=provider, day=DAY)

    assert may("VN/GOV/G15/CIVIL-STATUS")
    assert not may("VN/GOV/G01/POPULATION")
    assert not may("VN/GOV/G15/CIVIL-STATUS", basis="law.9")


BY_HAND = Grant(
    PORTAL, register="births", operations=frozenset({"read"}), fields=("child",), posts=frozenset({"clerk", "judge"})
)


@given(st.sampled_from(["town-1.clerk", "town-1.judge", "town-1.cook", "clerk.", "a-1", "", "clerk-2.clerks"]))
def test_a_grant_that_names_posts_is_for_them_alone(user: str) -> None:
    known = {"form": purpose(grants=(*purpose().grants, BY_HAND))}
    named = user.rpartition(".")[2] in BY_HAND.posts
    decision = decide(known, Question(reader(user=user), "births"), DAY)
    assert bool(decision.fields) == named
    assert [right.register for right in desk_rights(known, PORTAL, user, DAY)] == (["births"] if named else [])
    assert ask(user=user).fields == FIELDS, "what names no post is for everybody of the system"


def test_a_post_looks_up_by_hand_only_while_the_right_is_in_force_and_on_a_basis_of_the_grant() -> None:
    bases = {name: Basis(name, "1/2026", name, TEXT) for name in ("law.1", "law.2")}
    grants = (
        replace(BY_HAND, basis=frozenset({"law.2"})),
        replace(BY_HAND, basis=frozenset({"law.2"}), fields=("born",)),
        replace(BY_HAND, operations=frozenset({"write"}), fields=("mother",)),
    )
    known = {"form": purpose(grants=grants, basis=bases, valid_until=DAY)}
    (right,) = desk_rights(known, PORTAL, "town-1.clerk", DAY)
    assert (right.basis.id, right.fields) == ("law.2", ("child", "born"))
    assert not desk_rights(known, PORTAL, "town-1.clerk", DAY + timedelta(1))
    assert not desk_rights(known, "VN/GOV/G15/CIVIL-STATUS", "town-1.clerk", DAY)
