"""Ids, texts, errors and access rules."""

import os
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onedoor.kernel import access, errors, ids, text
from onedoor.kernel.actor import NOBODY, Actor
from onedoor.kernel.errors import NotAllowed, OnedoorError, SignInNeeded

CODES = st.datetimes(timezones=st.just(UTC), min_value=datetime.fromisoformat("2024-01-01")).map(ids.case_code)
PERSON = Actor("a1", level=1)
OFFICER = Actor("a2", post="commune-00199.civil-status", agency="commune-00199", level=2)


def test_uuids_of_version_7_are_in_the_order_of_time():
    made = []
    for _ in range(5):
        made.append(ids.uuid7())
        time.sleep(0.002)
    assert made == sorted(made)
    assert {one.version for one in made} == {7}
    assert {one.variant for one in made} == {"specified in RFC 4122"}
    assert abs((made[0].int >> 80) / 1000 - time.time()) < 60


def test_uuids_of_one_millisecond_are_in_the_order_of_time(monkeypatch):
    start = 1_795_600_000_000_000_000
    made = []
    for nanoseconds in range(0, 1_000_000, 50_000):
        monkeypatch.setattr("onedoor.kernel.ids.time.time_ns", lambda now=start + nanoseconds: now)
        made.append(ids.uuid7())
    assert made == sorted(made)
    assert {one.version for one in made} == {7}
    assert {one.variant for one in made} == {"specified in RFC 4122"}
    assert {one.int >> 80 for one in made} == {start // 1_000_000}


def test_uuids_differ_in_threads_and_after_a_fork():
    with ThreadPoolExecutor(8) as pool:
        made = [
            one for some in pool.map(lambda _: [ids.uuid7().int % 2**62 for _ in range(500)], range(16)) for one in some
        ]
    assert len(set(made)) == len(made)
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        os.write(write, b"\n".join(b"%d" % (ids.uuid7().int % 2**62) for _ in range(100)))
        os._exit(0)
    os.waitpid(child, 0)
    theirs = {int(one) for one in os.read(read, 65536).split(b"\n")}
    os.close(read)
    os.close(write)
    assert len(theirs) == 100
    assert theirs.isdisjoint(ids.uuid7().int % 2**62 for _ in range(600))


@given(CODES)
def test_a_code_is_read_as_people_type_it(code):
    assert ids.read_case_code(code) == code
    assert ids.read_case_code(f"  {code.lower().replace('-', ' ')} ") == code
    assert ids.read_case_code(code.replace("0", "O").replace("1", "l").replace("5", "s")) == code


@given(CODES, st.data())
def test_every_single_wrong_sign_is_found(code, data):
    plain = code.replace("-", "")
    place = data.draw(st.integers(0, len(plain) - 1))
    for sign in ids.ALPHABET:
        if sign != plain[place]:
            with pytest.raises(ids.BadCaseCode):
                ids.read_case_code(plain[:place] + sign + plain[place + 1 :])


@given(CODES)
def test_every_swap_of_two_signs_is_found(code):
    plain = code.replace("-", "")
    for one in range(len(plain)):
        for two in range(one + 1, len(plain)):
            signs = list(plain)
            signs[one], signs[two] = signs[two], signs[one]
            if signs != list(plain):
                with pytest.raises(ids.BadCaseCode):
                    ids.read_case_code("".join(signs))


@given(st.text(max_size=30))
def test_whatever_is_typed_is_read_or_refused_gently(typed):
    with suppress(ids.BadCaseCode):
        assert ids.read_case_code(ids.read_case_code(typed)) == ids.read_case_code(typed)


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("Nguyễn  Thị Đào", "nguyen thi dao"),
        ("ĐẮK LẮK", "dak lak"),
        ("Thừa Thiên Huế", "thua thien hue"),
        ("ờ ợ ở ỡ ớ", "o o o o o"),
        ("Noël à Orléans", "noel a orleans"),
        ("  ", ""),
    ],
)
def test_folding_drops_accents_case_and_spaces(written, folded):
    assert text.fold(written) == folded


@given(st.text())
def test_folding_twice_changes_nothing(written):
    assert text.fold(text.fold(written)) == text.fold(written)


@given(st.text(alphabet="aăâđeêioôơuưyAĂÂĐEÊIOÔƠUƯY \u0300\u0301\u0303\u0309\u0323"))
def test_composed_and_decomposed_letters_fold_alike(written):
    forms = {text.fold(unicodedata.normalize(form, written)) for form in ("NFC", "NFD", "NFKC", "NFKD")}
    assert len(forms) == 1
    assert text.fold(written.upper()) == text.fold(written.lower()) == forms.pop()


def test_a_text_is_picked_in_the_language_or_the_first_there_is():
    assert text.pick({"vi": "Láng", "en": "Lang"}, "en") == "Lang"
    assert text.pick({"vi": "Láng", "en": "Lang"}, "fr") == "Láng"
    assert text.pick({}, "fr") == ""


class Lost(errors.NotFound):
    """We lost {what}
    on the way.
    """


def test_an_error_is_its_docstring_filled_with_facts():
    assert str(Lost(what="a letter")) == "We lost a letter on the way."
    assert Lost(what="a letter").text({Lost.key(): "Perdu : {what}."}.get) == "Perdu : a letter."
    assert str(Lost()) == "We lost … on the way."


def test_an_error_has_the_status_of_its_nearest_ancestor():
    assert errors.status_of(Lost()) == 404
    assert errors.status_of(OnedoorError()) == 500
    assert errors.status_of(ids.BadCaseCode(code="x")) == 400


@pytest.mark.parametrize(
    ("rule", "actor", "gateway", "error"),
    [
        (access.PUBLIC, NOBODY, False, None),
        (access.PERSON, NOBODY, False, SignInNeeded),
        (access.PERSON, PERSON, False, None),
        (access.PERSON, OFFICER, False, NotAllowed),
        (access.IDENTIFIED, PERSON, False, NotAllowed),
        (access.OFFICER, PERSON, False, NotAllowed),
        (access.OFFICER, OFFICER, False, None),
        (access.OFFICER, NOBODY, False, SignInNeeded),
        (access.GATEWAY, OFFICER, False, NotAllowed),
        (access.GATEWAY, NOBODY, True, None),
    ],
)
def test_a_rule_lets_in_whom_it_names(rule, actor, gateway, error):
    if error:
        with pytest.raises(error):
            rule.check(actor, gateway=gateway)
    else:
        rule.check(actor, gateway=gateway)


def test_a_view_carries_its_rule():
    @access.access(access.OFFICER)
    def desk() -> None: ...

    assert desk.access == access.OFFICER
