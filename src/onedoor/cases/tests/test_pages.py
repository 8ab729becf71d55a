"""The pages of a case, walked through as people and officers do, in three languages, without JavaScript."""

from collections.abc import Mapping
from typing import Any

import lxml.html
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import translation

from onedoor.cases.models import Act, Task
from onedoor.cases.tests.conftest import HOUSEHOLD, Transport, work
from onedoor.cases.tests.story import ANSWERS
from onedoor.kernel import nation

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals", "transport")]
APPLY = "services/vn.birth-linked/apply"
AGAIN = "//form[@id='again']"
MIDNIGHT = {"mother": "001196204817", "born": "2026-12-06T05:10", "sex": "M", "weight_g": "3300"}
MOST_PAGES = 12


@pytest.fixture(autouse=True)
def own_language(transport: Transport) -> None:
    """Keep the page's language while the other agency's answer is made in the same thread."""
    carry = transport.carry

    def apart(call: Any) -> Any:
        with translation.override(translation.get_language()):
            return carry(call)

    transport.carry = apart


class Visitor:
    """A person or officer with a browser that speaks one language."""

    def __init__(self, persona: str = "", language: str = "en") -> None:
        self.client, self.language, self.url, self.status = Client(), language, "", 0
        if persona:
            self.client.post(f"/{language}/sign-in", {"persona": persona})

    def get(self, path: str) -> lxml.html.HtmlElement:
        return self._page(self.client.get(path if path.startswith("/") else f"/{self.language}/{path}", follow=True))

    def send(self, tree: lxml.html.HtmlElement, values: Mapping[str, Any], form: str = "//main//form[@method='post']"):
        element = tree.xpath(form)[0]
        data = {name: value or "" for name, value in element.form_values()} | dict(values)
        return self._page(self.client.post(element.get("action") or self.url, data, follow=True))

    def _page(self, response: Any) -> lxml.html.HtmlElement:
        self.status = response.status_code
        chain = getattr(response, "redirect_chain", [])
        self.url = chain[-1][0] if chain else response.request["PATH_INFO"]
        text = response.content.decode()
        assert "%(" not in text
        assert "style=" not in text
        tree = lxml.html.document_fromstring(text)
        assert tree.get("lang") == self.language
        assert len(tree.xpath("//h1")) == 1, self.url
        ids = tree.xpath("//@id")
        assert len(ids) == len(set(ids)), self.url
        assert not [
            ref for ref in tree.xpath("//*/@aria-describedby|//*/@aria-labelledby") if set(ref.split()) - set(ids)
        ]
        return tree


def text(tree: lxml.html.HtmlElement) -> str:
    return " ".join(tree.xpath("//main")[0].text_content().split())


def answers(tree: lxml.html.HtmlElement, **other: str) -> dict[str, str]:
    element = tree.xpath("//main//form[@method='post']")[0]
    given = {}
    for name in set(element.fields.keys()) - {"csrfmiddlewaretoken", "key"}:
        field = element.inputs[name]
        options = [value for value in getattr(field, "value_options", []) if value]
        wanted = {**ANSWERS, **other}.get(name, "")
        value = options[0] if options and wanted not in options else wanted
        if value:
            given[name] = value
    return given


def walk(visitor: Visitor, until: str = "/review", **other: str) -> lxml.html.HtmlElement:
    tree = visitor.send(visitor.get(APPLY), {})
    for _ in range(MOST_PAGES):
        if visitor.url.endswith(until):
            return tree
        tree = visitor.send(tree, answers(tree, **other))
        assert visitor.status == 200, text(tree)
    raise AssertionError(visitor.url)


def submitted(visitor: Visitor) -> str:
    tree = walk(visitor)
    visitor.send(tree, answers(tree))
    assert visitor.url.endswith("/receipt")
    work()
    return visitor.url.split("/")[-2]


@pytest.mark.parametrize("language", ["vi", "en", "fr"])
def test_a_birth_is_declared_and_followed_in_each_language(language: str):
    mother = Visitor("mother", language)
    tree = walk(mother)
    assert "Lê Trần An Nhiên" in text(tree)
    tree = mother.send(tree, answers(tree))
    code = mother.url.split("/")[-2]
    assert code in text(tree)
    assert tree.xpath("//*[@class='qr']")
    assert tree.xpath("//ol[starts-with(@class, 'clock')]/li")
    work()
    for page in ("cases/", f"cases/{code}", f"cases/{code}/reads", f"cases/{code}/withdraw", "inbox"):
        assert code in text(mother.get(page)) or page == "cases/", page
        assert mother.status == 200


def test_the_start_names_the_registers_before_any_is_asked(transport: Transport):
    tree = Visitor("mother").get(APPLY)
    assert "National Population Database" in text(tree)
    assert not transport.carried


def test_known_facts_stand_on_the_page_with_their_source():
    mother = Visitor("mother")
    tree = walk(mother, "/child")
    assert tree.xpath("//ul[@class='facts']//span[@class='src']")
    assert not tree.xpath("//input[@name='sex']")


def test_an_error_is_said_on_top_and_at_the_field():
    mother = Visitor("mother")
    tree = walk(mother, "/child")
    tree = mother.send(tree, {"child_name": "Trần An Nhi3n"})
    assert mother.status == 422
    assert tree.findtext(".//title").startswith("Error:")
    (link,) = tree.xpath("//div[@role='alert']//a/@href")
    (field,) = tree.xpath(f"//*[@id='{link[1:]}']")
    assert (field.get("value"), field.get("aria-invalid")) == ("Trần An Nhi3n", "true")


def test_a_fact_can_be_said_to_be_wrong_and_right_again():
    mother = Visitor("mother")
    tree = walk(mother, "/child")
    (fact, *_rest) = tree.xpath("//button[@form='dispute']/@value")
    for name, wrong in (("wrong", True), ("wrong", True), ("right", False), ("right", False)):
        tree = mother.send(tree, {name: fact}, "//form[@id='dispute']")
        assert ("You say: not right" in text(tree)) == wrong, "said twice it is the same"
        (said,) = tree.xpath(f"//button[@form='dispute' and @value='{fact}']/@name")
        assert said == ("right" if wrong else "wrong")


def test_a_draft_is_saved_listed_and_thrown_away():
    mother = Visitor("mother")
    tree = walk(mother, "/child")
    tree = mother.send(tree, {"child_name": "Lê An Nhiên", "save": "1"})
    assert "Draft saved" in text(tree)
    assert "Draft" in text(mother.get("cases/"))
    tree = mother.get(f"{APPLY}/saved")
    assert "You have no cases yet" in text(mother.send(tree, {}))


def test_without_the_declaration_nothing_is_submitted():
    mother = Visitor("mother")
    tree = mother.send(walk(mother), {})
    assert mother.status == 422
    (link,) = tree.xpath("//div[@role='alert']//a/@href")
    assert tree.xpath(f"//*[@id='{link[1:]}']/@type") == ["checkbox"]
    assert "You have no cases yet" not in text(mother.get("cases/"))


def test_submitting_twice_is_one_case():
    mother = Visitor("mother")
    tree = walk(mother)
    review = mother.url
    mother.send(tree, answers(tree))
    first, mother.url = mother.url, review
    mother.send(tree, answers(tree))
    assert mother.url == first


def test_nobody_sees_the_case_of_somebody_else():
    code = submitted(Visitor("mother"))
    stranger = Visitor("grandmother")
    for page in ("", "/receipt", "/reads", "/withdraw", "/results/birth-certificate"):
        stranger.get(f"cases/{code}{page}")
        assert stranger.status == 404


def test_a_case_that_nobody_signed_in_for_asks_who_comes():
    anybody = Visitor()
    anybody.get("cases/2612-7K4M-Q8")
    assert anybody.url.startswith("/en/sign-in?next=")


def test_withdrawing_is_confirmed_in_the_page():
    mother = Visitor("mother")
    code = submitted(mother)
    tree = mother.send(mother.get(f"cases/{code}/withdraw"), {})
    assert "Withdrawn" in text(tree)


def desk(officer: Visitor) -> lxml.html.HtmlElement:
    tree = officer.get("desk/")
    (link, *_rest) = tree.xpath("//main//a[contains(@href, '#dossier')]/@href")
    return officer.get(link.split("#")[0])


def decide(officer: Visitor, **values: str) -> lxml.html.HtmlElement:
    preview = officer.send(desk(officer), values, "//form[@class='act']")
    assert officer.status == 200, text(preview)
    return officer.send(preview, {"confirm": "1"})


@pytest.mark.parametrize("language", ["vi", "en", "fr"])
def test_an_officer_accepts_and_anybody_verifies_the_result(language: str):
    mother = Visitor("mother")
    code = submitted(mother)
    registrar = Visitor("civil-status", language)
    decide(registrar, decision="accept")
    work()
    tree = mother.get(f"cases/{code}")
    (file,) = tree.xpath("//a[contains(@href, '/results/') and not(contains(@href, 'about'))]/@href")
    pdf = mother.client.get(file)
    assert pdf.content.startswith(b"%PDF")
    about = mother.get(file + "/about")
    (verify,) = {a for a in about.xpath("//a/@href") if "/verify/" in a}
    path = "/" + language + "/verify/" + verify.rpartition("/")[2]
    anybody = Visitor(language=language)
    page = anybody.get(path)
    assert "Trần Thu Hà" not in text(page)
    assert "An Nhiên" not in text(page)
    verdicts = [compared(anybody, path, content) for content in (pdf.content, pdf.content + b" ", b"another")]
    assert verdicts in (["same", "differs", "differs"], ["same", "differs", "not-ours"])
    good, bad = (verified(anybody, path, content) for content in (pdf.content, pdf.content + b" "))
    agency = nation.current().agencies["commune-00199"].name[language]
    assert agency in text(good.xpath("//*[@data-verdict]")[0])
    assert good.xpath("//*[contains(@class, 'tag--ok')]")
    assert not bad.xpath("//*[contains(@class, 'tag--ok')]"), "no green tag below a red box"


def verified(visitor: Visitor, path: str, content: bytes):
    return visitor._page(visitor.client.post(path, {"file": SimpleUploadedFile("result.pdf", content)}))


def compared(visitor: Visitor, path: str, content: bytes) -> str:
    (verdict,) = verified(visitor, path, content).xpath("//*[@data-verdict]/@data-verdict")
    return str(verdict)


def test_a_supplement_is_asked_answered_and_seen():
    mother, registrar = Visitor("mother"), Visitor("civil-status")
    code = submitted(mother)
    decide(registrar, decision="supplement", supplement_text="Which hospital was it?")
    work()
    assert "Which hospital was it?" in text(mother.get(f"cases/{code}"))
    tree = mother.get(f"cases/{code}/supplement")
    for text_ in ("", "too long " * 2000):
        tree = mother.send(tree, {"text": text_})
        assert (mother.status, len(tree.xpath("//div[@role='alert']//a"))) == (422, 1)
    mother.send(tree, {"text": "Sen Hospital."})
    work()
    assert "Sen Hospital." in text(desk(registrar))


def test_the_officer_opens_what_the_applicant_sent_and_nobody_else_does():
    mother, registrar = Visitor("mother"), Visitor("civil-status")
    code = submitted(mother)
    decide(registrar, decision="supplement", supplement_text="Please send the paper.")
    work()
    tree = mother.get(f"cases/{code}/supplement")
    (key,) = tree.xpath("//input[@name='key']/@value")
    paper = SimpleUploadedFile("giấy chứng sinh.jpg", b"\xff\xd8 a picture", "image/jpeg")
    mother.client.post(mother.url, {"key": key, "text": "Here it is.", "file": paper})
    work()
    (address,) = desk(registrar).xpath("//a[@download]/@href")
    sent = registrar.client.get(address)
    assert (sent.content, sent["Content-Type"]) == (b"\xff\xd8 a picture", "image/jpeg")
    assert sent["Content-Disposition"].startswith("attachment; filename*=utf-8''gi%E1%BA%A5y")
    for other, status in (("residence", 403), ("mother", 403), ("", 302)):
        assert Visitor(other).client.get(address).status_code == status
    assert registrar.client.get(address.rpartition("/")[0] + "/another").status_code == 404
    assert Act.objects.filter(kind="file").count() == 1
    assert "File opened" in text(desk(registrar))
    Task.objects.update(state="done")
    assert registrar.client.get(address).status_code == 409


def test_a_refusal_needs_an_article_and_words():
    mother, registrar = Visitor("mother"), Visitor("civil-status")
    code = submitted(mother)
    tree = desk(registrar)
    tree = registrar.send(tree, {"decision": "refuse"}, "//form[@class='act']")
    assert registrar.status == 422
    assert len(tree.xpath("//div[@role='alert']//a")) == 2
    too_long = {"decision": "supplement", "supplement_text": "too long " * 2000}
    tree = registrar.send(tree, too_long, "//form[@class='act']")
    assert (registrar.status, len(tree.xpath("//div[@role='alert']//a"))) == (422, 1)
    article = next(value for value in tree.xpath("//select[@id='article']/option/@value") if value)
    decide(registrar, decision="refuse", article=article, refuse_text="Please go to the other ward.")
    work()
    assert "Please go to the other ward." in text(mother.get(f"cases/{code}"))


def test_nothing_is_decided_before_it_was_looked_over():
    submitted(Visitor("mother"))
    registrar = Visitor("civil-status")
    registrar.send(desk(registrar), {"decision": "accept"}, "//form[@class='act']")
    assert Task.objects.get().state == "new"


ACT = "//form[@class='act']"
DECISIONS = [
    {"decision": "accept"},
    {"decision": "supplement", "supplement_text": "Please send the other page."},
    {"decision": "refuse", "article": "not_competent", "refuse_text": "Another commune does this."},
]


@pytest.mark.parametrize("decision", DECISIONS, ids=[one["decision"] for one in DECISIONS])
def test_a_decision_sent_twice_leads_to_what_was_decided(decision: dict[str, str]):
    submitted(Visitor("mother"))
    registrar = Visitor("civil-status")
    preview = registrar.send(desk(registrar), decision, ACT)
    for _click in range(2):
        registrar.send(preview, {"confirm": "1"})
        assert registrar.status == 200
        assert registrar.url.endswith(str(Task.objects.get().pk))
    assert [act.kind for act in Act.objects.all()].count(decision["decision"]) == 1


def test_a_decision_that_is_not_open_any_more_is_no_second_one():
    submitted(Visitor("mother"))
    registrar, other = Visitor("civil-status"), Visitor("civil-status")
    accepted = registrar.send(desk(registrar), DECISIONS[0], ACT)
    asked = other.send(desk(other), DECISIONS[1], ACT)
    registrar.send(accepted, {"confirm": "1"})
    other.send(asked, {"confirm": "1"})
    assert other.status == 422, "what was decided is not what this officer sends"
    assert [act.kind for act in Act.objects.all()].count("supplement") == 0


def test_an_officer_of_another_agency_is_refused():
    submitted(Visitor("mother"))
    registrar = Visitor("civil-status")
    desk(registrar)
    police = Visitor("residence")
    police.get(registrar.url)
    assert police.status == 403


def test_a_person_has_no_desk():
    mother = Visitor("mother")
    mother.get("desk/")
    assert mother.status == 403


def test_an_unknown_result_is_not_ours():
    anybody = Visitor()
    anybody.get("verify/0192aaaa-0000-7000-8000-000000000000")
    assert anybody.status == 404


@pytest.mark.parametrize("language", ["vi", "en", "fr"])
def test_a_midwife_issues_a_notice_that_the_form_finds(language: str):
    midwife = Visitor("midwife", language)
    tree = midwife.get("desk/birth-notice")
    done = midwife.send(tree, MIDNIGHT)
    (notice,) = [code.text_content() for code in done.xpath("//*[@class='code']")]
    assert notice.endswith(".26")
    assert ".GCS." in notice
    mother = Visitor("mother", language)
    assert notice in lxml.html.tostring(walk(mother, "/child"), encoding="unicode")


def test_a_notice_sent_twice_is_one_notice():
    midwife = Visitor("midwife")
    tree = midwife.get("desk/birth-notice")
    first, again = (midwife.send(tree, MIDNIGHT).xpath("//*[@class='code']")[0].text_content() for _ in range(2))
    assert first == again


def test_a_notice_says_what_is_missing():
    midwife = Visitor("midwife")
    tree = midwife.send(midwife.get("desk/birth-notice"), {"mother": "12", "born": "2099-01-01T00:00"})
    assert midwife.status == 422
    assert len(tree.xpath("//div[@role='alert']//a")) == 4
    midwife.send(tree, {**MIDNIGHT, "weight_g": "9" * 5000})
    assert midwife.status == 422


def test_only_midwives_issue_notices():
    registrar = Visitor("civil-status")
    registrar.get("desk/birth-notice")
    assert registrar.status == 403


def test_what_has_one_possible_answer_is_shown_with_its_source_not_asked():
    mother = Visitor("mother")
    tree = walk(mother, "/clinic")
    assert not tree.xpath("//*[@name='home' or @name='native_place']")
    assert "Số 12 ngõ 91 Chùa Láng" in text(tree)
    assert "From the residence database" in text(tree)
    tree = mother.send(tree, {"wrong": "home"}, "//form[@id='dispute']")
    assert "You say: not right" in text(tree)


def test_only_what_a_register_said_is_called_filled_in():
    mother = Visitor("mother")
    walk(mother, "/child")
    assert "Filled in from what the State knows" not in text(mother.get(f"{APPLY}/child"))
    walk(mother, "/receive")
    assert "Filled in from what the State knows" not in text(mother.get(f"{APPLY}/receive"))


def test_the_desk_says_codes_in_words_and_checks_only_what_it_knows():
    submitted(Visitor("mother"))
    tree = desk(Visitor("civil-status"))
    assert "Thành phố Hà Nội" in text(tree)
    assert HOUSEHOLD not in text(tree)
    assert "Declared within 60 days of the birth" in text(tree)
    assert not tree.xpath("//*[@id='dossier']//*[contains(@class, 'is-wait')]")


def test_the_desk_says_what_the_applicant_called_wrong():
    mother = Visitor("mother")
    mother.send(walk(mother, "/child"), {"wrong": "place"}, "//form[@id='dispute']")
    submitted(mother)
    assert "The applicant says: not right" in text(desk(Visitor("civil-status")))


def test_reads_are_grouped_by_who_read_and_why():
    mother = Visitor("mother")
    tree = mother.get(f"cases/{submitted(mother)}/reads")
    form, people, authority = tree.xpath("//main//section")
    assert "People who stand in this case looked" in people.text_content()
    assert "Following one’s own dossier" in people.text_content()
    assert "Dossier: Birth" in authority.text_content()
    assert "Handing a linked dossier over" in authority.text_content()
    assert "This site asked in your place" in text(tree)
    assert "article 4(5) of 63/2024/NĐ-CP" in form.text_content()


def test_a_grandmother_is_asked_who_the_mother_is_and_declares_for_her():
    grandmother = Visitor("grandmother")
    tree = grandmother.send(grandmother.get(APPLY), {})
    tree = grandmother.send(tree, {"relation": "grandparent"})
    assert grandmother.status == 200
    assert not tree.xpath("//div[@role='alert']")
    tree = grandmother.send(tree, {"mother_number": ""})
    assert grandmother.status == 422
    tree = grandmother.send(tree, {"mother_number": "001 196 204 817"})
    assert "Trần Thu Hà" in text(tree)
    tree = walk(grandmother, relation="grandparent", mother_number="001196204817")
    grandmother.send(tree, answers(tree))
    assert grandmother.url.endswith("/receipt")


def test_a_look_into_a_register_says_every_code_in_words():
    submitted(Visitor("mother"))
    registrar = Visitor("civil-status")
    found = text(registrar.send(desk(registrar), {}, "//form[input[@value='marriage']]"))
    assert "08/03/2024" in found
    assert "Lang Ward, Hanoi City" in found
    assert "00199" not in found


def test_an_api_tells_a_program_that_nobody_is_signed_in_instead_of_leading_it_to_a_page() -> None:
    answer = Client().get("/api/cases/2611-7K4M-Q8")
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
