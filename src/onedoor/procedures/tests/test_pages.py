"""The catalogue's pages: nobody signs in for them, and they link only to what is there."""

import lxml.html
import pytest
from django.test import Client

SERVICE = "services/vn.birth-linked"
LANGUAGES = ["vi", "en", "fr"]


def page(client: Client, path: str, status: int = 200) -> lxml.html.HtmlElement:
    answer = client.get(path)
    assert answer.status_code == status
    return lxml.html.document_fromstring(answer.content.decode())


def text(tree: lxml.html.HtmlElement) -> str:
    return " ".join(tree.xpath("//main")[0].text_content().split())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", ["", "services/", "services/?q=xyzzy", SERVICE])
def test_every_page_speaks_its_language_and_links_to_the_others(client: Client, language: str, path: str):
    tree = page(client, f"/{language}/{path}")
    assert tree.get("lang") == language
    links = tree.xpath("//nav[@class='lang']//a/@href")
    assert links == [f"/{code}/{path}" for code in LANGUAGES]
    assert len(tree.xpath("//h1")) == 1


@pytest.mark.parametrize(
    ("language", "query"), [("vi", "khai sinh"), ("vi", "khai  SINH"), ("en", "baby"), ("fr", "bebe")]
)
def test_a_search_finds_the_service_with_or_without_accents(client: Client, language: str, query: str):
    tree = page(client, f"/{language}/services?q={query}")
    assert tree.xpath(f"//main//a[@href='/{language}/{SERVICE}']")


@pytest.mark.parametrize(("language", "says"), [("vi", "Khớp với: BHYT"), ("en", "Found by: BHYT")])
def test_a_search_says_why_it_found_what_does_not_show_it(client: Client, language: str, says: str):
    assert says in text(page(client, f"/{language}/services?q=bhyt"))


def test_a_search_without_an_answer_says_what_to_try(client: Client):
    tree = page(client, "/en/services/?q=<b>xyzzy")
    assert "We found no service for “<b>xyzzy”" in text(tree)


def test_a_service_says_its_limit_its_law_and_what_is_not_asked(client: Client):
    found = text(page(client, f"/vi/{SERVICE}"))
    for words in ("3 ngày làm việc", "63/2024/NĐ-CP", "Giấy chứng nhận kết hôn", "3.000722", "15:00"):
        assert words in found


@pytest.mark.django_db(transaction=True)  # a file's answer ends what the thread has open to a database
def test_no_page_has_a_dead_link(client: Client):
    seen, todo = set(), ["/vi/", "/en/", "/fr/"]
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        answer = client.get(path)
        if path.endswith("/exchange-services") and answer.status_code == 503:
            continue  # it asks the portal's gateway, and there is none here
        assert answer.status_code in (200, 302), path
        if answer.streaming:
            answer.close()
        elif answer.status_code == 200:
            tree = lxml.html.document_fromstring(answer.content.decode())
            links = tree.xpath("//a/@href|//link/@href|//use/@href")
            todo += [link.partition("#")[0] for link in links if link.startswith("/") and "?" not in link]  # no choices
    assert len(seen) > 12


def test_an_unknown_service_is_not_found_in_the_readers_language(client: Client):
    tree = page(client, "/fr/services/vn.unknown", 404)
    assert "Nous n’avons pas trouvé cette page" in text(tree)
