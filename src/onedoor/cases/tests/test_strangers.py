"""What one person may learn of another: who types somebody's number learns nothing by it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse

from onedoor.cases import naming, service, verification
from onedoor.cases.errors import BadAnswers, TooManyNumbers
from onedoor.cases.models import Attempt, Dossier, Naming
from onedoor.cases.tests.conftest import MOTHER, NOW, Transport, person, work
from onedoor.cases.tests.story import BIRTH, SignIn, fill, handed_over, only
from onedoor.cases.views import DraftView
from onedoor.kernel import clock
from onedoor.kernel.actor import Actor
from onedoor.kernel.errors import BadInput
from onedoor.kernel.ids import uuid7
from onedoor.registers import service as registers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals", "transport")]
STRANGER, NAME, ADDRESS = "001190204810", "Võ Thị Bí Mật", "Số 7 ngõ Kín"
HUSBAND, NOBODYS = "037089204811", "001190204813"
WEDDING = {"number": "16/2024", "husband": HUSBAND, "wife": STRANGER, "registered_on": "2024-03-08", "place": "00199"}


@pytest.fixture
def stranger() -> None:
    """A woman who has just had a child, and nothing to do with anybody who signs in."""
    his = person(HUSBAND, "Ngô Kín", "1989-02-03", "M") | {"native_place": "37"}
    registers.load("population", [person(STRANGER, NAME, "1990-02-03", "F"), his])
    home = {"household": "H0000000009", "head": STRANGER, "unit": "00199", "address": ADDRESS}
    registers.load("residence", [home | {"members": [{"number": STRANGER, "relation": "head"}]}])
    notice = {
        "notice": "01901.GCS.00009.26",
        "mother": STRANGER,
        "born": "2026-12-05T06:40",
        "sex": "M",
        "weight_g": 3000,
        "place": {"facility": "Bệnh viện Kín", "unit": "00199"},
        "facility": "facility-01901",
        "child_name": "Võ Văn Kín",
        "used": False,
    }
    registers.load("birth-notices", [notice])


@pytest.mark.usefixtures("stranger")
def test_who_is_no_grandparent_learns_nothing_of_the_mother_they_name(sign_in: SignIn) -> None:
    grandmother = sign_in("grandmother")
    service.begin(BIRTH, grandmother)
    draft = service.answer(BIRTH, "who", {"relation": "grandparent", "mother_number": STRANGER}, grandmother)
    assert draft.barred
    shown = repr([(page.facts, page.questions, page.missing) for page in draft.pages]) + repr(draft.facts)
    shown += repr(service.review(BIRTH, grandmother)[1])
    for secret in (NAME, ADDRESS, "Bệnh viện Kín", "Võ Văn Kín", "H0000000009", "01901.GCS.00009.26"):
        assert secret not in shown
    assert draft.page("who").questions, "what bars can be corrected"


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long answers to namings in vain were held back; the tests do not wait."""
    found: list[float] = []
    monkeypatch.setattr(naming, "wait", found.append)
    return found


@pytest.fixture(autouse=True)
def at_once(waited: list[float]) -> None:
    """No test of this file waits."""


@pytest.mark.usefixtures("stranger")
@pytest.mark.parametrize(
    ("persona", "given", "weddings"),
    [
        ("grandmother", {"relation": "grandparent"}, [WEDDING]),
        ("father", {"relation": "father", "mother_name": "Võ Thị Khác"}, []),
    ],
)
def test_a_number_that_nobody_has_is_answered_as_one_of_a_stranger(
    transport: Transport, sign_in: SignIn, waited: list[float], persona: str, given: dict[str, str]
) -> None:
    actor, seen, asked = sign_in(persona), [], []
    for number in (STRANGER, NOBODYS):
        service.begin(BIRTH, actor)
        for page in ("who", "child"):  # what is checked after later pages is not told either
            service.answer(BIRTH, page, given | {"mother_number": number, "child_name": "Lê An"}, actor)
        transport.carried.clear()
        draft = service.answer(BIRTH, "who", given | {"mother_number": number}, actor)
        told = repr(replace(draft, id="", saved_at=NOW)) + repr(service.review(BIRTH, actor)[1])
        seen.append(told.replace(number, "NUMBER"))
        asked.append({call.service.rpartition("/")[2] for call in transport.carried})
        assert len(draft.barred) == 1
        assert not draft.missing
        service.discard(BIRTH, actor)
    assert seen[0] == seen[1]
    assert asked[0] | asked[1] <= {"population", "marriages"}, "nothing more is read of a stranger"
    assert 2 <= Attempt.objects.filter(kind=naming.KIND).count() == len(waited)
    assert all(0 < one <= naming.EVEN for one in waited)


@pytest.mark.usefixtures("stranger")
def test_numbers_named_at_the_same_time_are_counted_one_by_one(sign_in: SignIn) -> None:
    sign_in("grandmother")
    client = Client()
    client.post(reverse("identity:sign-in"), {"persona": "grandmother"})
    client.post(reverse("cases:start", args=[BIRTH]))
    given = {"relation": "grandparent", "mother_number": STRANGER}
    client.post(reverse("cases:page", args=[BIRTH, "who"]), {"relation": "grandparent"})

    def name(_number: int) -> int:
        other = Client()
        other.cookies = client.cookies
        try:
            return other.post(reverse("cases:page", args=[BIRTH, "who"]), given).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(12) as together:
        answers = list(together.map(name, range(24)))
    assert answers.count(302) == naming.MOST
    assert answers.count(403) == 24 - naming.MOST
    assert Attempt.objects.filter(kind=naming.KIND).count() == naming.MOST


def test_naming_those_one_may_name_is_not_counted(sign_in: SignIn) -> None:
    grandmother = sign_in("grandmother")
    service.begin(BIRTH, grandmother)
    for _ in range(naming.MOST + 1):
        own = {"relation": "grandparent", "mother_number": MOTHER}
        assert not service.answer(BIRTH, "who", own, grandmother).barred
    with pytest.raises(BadAnswers):
        service.answer(BIRTH, "who", {"relation": "grandparent", "mother_number": "12"}, grandmother)
    assert not Naming.objects.exists()


@pytest.mark.usefixtures("stranger")
def test_who_names_one_stranger_after_the_other_is_stopped_and_recorded(sign_in: SignIn) -> None:
    grandmother = sign_in("grandmother")
    service.begin(BIRTH, grandmother)
    stranger = {"relation": "grandparent", "mother_number": STRANGER}
    for _ in range(naming.MOST):
        service.answer(BIRTH, "who", stranger, grandmother)
    service.discard(BIRTH, grandmother)
    service.begin(BIRTH, grandmother)
    with pytest.raises(TooManyNumbers):
        service.answer(BIRTH, "who", stranger, grandmother)
    assert Attempt.objects.filter(kind=naming.KIND, by=grandmother.person).count() == naming.MOST
    with clock.freeze(NOW + timedelta(days=1, minutes=1)):
        own = service.answer(BIRTH, "who", stranger | {"mother_number": MOTHER}, grandmother)
    assert not own.barred


@pytest.mark.usefixtures("stranger")
def test_no_page_of_the_form_shows_it_either(sign_in: SignIn) -> None:
    sign_in("grandmother")
    client = Client()
    client.post(reverse("identity:sign-in"), {"persona": "grandmother"})
    client.post(reverse("cases:start", args=[BIRTH]))
    for _ in range(2):  # the number is asked once the relation is known
        client.post(reverse("cases:page", args=[BIRTH, "who"]), {"relation": "grandparent", "mother_number": STRANGER})
    seen = []
    for page in ("who", "child", "origin", "home", "clinic", "review"):
        name = reverse("cases:review", args=[BIRTH]) if page == "review" else reverse("cases:page", args=[BIRTH, page])
        response = client.get(name, follow=True)
        assert "sign-in" not in response.request["PATH_INFO"]
        text = response.content.decode()
        assert not [secret for secret in (NAME, ADDRESS, "Bệnh viện Kín") if secret in text], page
        seen += [page] if response.status_code == 200 else []
    assert {"who", "child", "review"} <= set(seen)


def test_an_officer_looks_into_no_register_once_the_task_is_decided(sign_in: SignIn) -> None:
    registrar = sign_in("civil-status")
    handed_over(sign_in("mother"))
    task = only(registrar)
    service.refuse(task, "not_competent", "Cha mẹ không cư trú ở đây.", registrar)
    work()
    with pytest.raises(service.NotPossible):
        service.look(task, "marriage", registrar)


@pytest.mark.parametrize("forged", ["a\0b", "x" * 5000, "\u202e"])
def test_a_forged_id_of_any_form_is_not_found_and_recorded(forged: str) -> None:
    with pytest.raises(service.NoSuchResult):
        service.issued(forged, "203.0.113.9")
    attempt = Attempt.objects.get()
    assert attempt.kind == "unknown-result"
    assert "203.0.113.9" not in attempt.by
    assert attempt.by


@pytest.fixture
def calm() -> Iterator[None]:
    verification._recorded.clear()
    yield
    verification._recorded.clear()


@pytest.mark.usefixtures("calm")
def test_a_flood_of_forged_ids_does_not_fill_the_ledger() -> None:
    for _ in range(verification.MOST_A_MINUTE + 20):
        with pytest.raises(service.NoSuchResult):
            service.issued(str(uuid7()), "203.0.113.9")
    assert Attempt.objects.count() <= verification.MOST_A_MINUTE


@pytest.mark.parametrize("key", ["", "a\0b", "x" * 5000])
def test_a_key_that_cannot_be_kept_submits_nothing(sign_in: SignIn, key: str) -> None:
    mother = sign_in("mother")
    fill(mother)
    with pytest.raises(BadInput):
        service.submit(BIRTH, key, mother)
    assert not Dossier.objects.exists()


@pytest.mark.parametrize(("persona", "address"), [("civil-status", "cases:desk"), ("mother", "notices:inbox")])
def test_a_page_number_that_no_machine_can_read_is_the_first_page(persona: str, address: str) -> None:
    client = Client()
    client.post(reverse("identity:sign-in"), {"persona": persona})
    assert client.get(reverse(address), {"page": "9" * 5000}).status_code == 200


@pytest.mark.usefixtures("stranger")
@pytest.mark.parametrize("again", [service.refresh, service.begin])
def test_asking_again_what_a_silent_register_left_open_counts_as_naming(
    transport: Transport, sign_in: SignIn, again: Callable[[str, Actor], DraftView]
) -> None:
    grandmother = sign_in("grandmother")
    for _ in range(naming.MOST):
        service.begin(BIRTH, grandmother)
        transport.silent = {"VN/GOV/G01/POPULATION"}
        draft = service.answer(BIRTH, "who", {"relation": "grandparent", "mother_number": STRANGER}, grandmother)
        assert not draft.barred
        transport.silent = set()
        assert again(BIRTH, grandmother).barred
        service.discard(BIRTH, grandmother)
    assert Attempt.objects.filter(kind=naming.KIND).count() == naming.MOST
