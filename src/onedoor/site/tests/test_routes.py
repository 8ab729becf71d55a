"""Pages found by the first part of their address are those that Django finds by trying one route after another."""

import re

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, URLResolver, include, path, re_path
from django.urls.resolvers import LocalePrefixPattern
from django.utils.translation import override

from onedoor.site import urls
from onedoor.site.routes import Pages

SAMPLES = {"int": "7", "slug": "some-thing", "str": "something", "uuid": "01a22b3c-4f32-7745-9bb8-b760f8c9b39a"}


def view(request: HttpRequest, **parts: str) -> HttpResponse:
    return HttpResponse()


def other(request: HttpRequest, **parts: str) -> HttpResponse:
    return HttpResponse()


def plain(pages: Pages) -> URLResolver:
    return URLResolver(LocalePrefixPattern(), pages.url_patterns)  # type: ignore[arg-type]


def addresses(routes, before=""):
    for route in routes:
        written = before + str(route.pattern)
        if isinstance(route, URLResolver):
            yield from addresses(route.url_patterns, written)
        else:
            yield re.sub(r"<(?:(\w+):)?\w+>", lambda found: SAMPLES.get(found[1] or "str", "something"), written)


def said(found):
    return found.func, found.args, found.kwargs, found.view_name, found.namespaces, found.route


def test_every_page_is_found_as_django_finds_it():
    (pages,) = [one for one in urls.urlpatterns if isinstance(one, Pages)]
    with override("vi"):
        asked = ["vi/" + one for one in addresses(pages.url_patterns)]
        assert len(asked) > 50
        for one in asked:
            assert said(pages.resolve(one)) == said(plain(pages).resolve(one)), one


@pytest.mark.parametrize("asked", ["vi/casesx", "vi/cases/one/two/three", "vi/unheard-of", "vi", "en/cases/", "x"])
def test_what_is_no_page_is_not_found(asked):
    (pages,) = [one for one in urls.urlpatterns if isinstance(one, Pages)]
    with override("vi"), pytest.raises(Resolver404):
        pages.resolve(asked)


def test_a_route_that_names_no_first_part_is_tried_where_it_stands():
    room = [path("things/new", view), path("<slug:kind>/new", other), path("list.<slug:kind>", other)]
    later = [path("things/<int:number>", view), re_path(r"^th[a-z]+/9$", other)]
    pages = Pages([path("", include((room, "room"))), path("", include((later, "later")))])
    with override("vi"):
        for one in ("things/new", "others/new", "list.csv", "list.csv/new", "things/9", "there/9"):
            try:
                expected = said(plain(pages).resolve("vi/" + one))
            except Resolver404:
                with pytest.raises(Resolver404):
                    pages.resolve("vi/" + one)
            else:
                assert said(pages.resolve("vi/" + one)) == expected, one


@pytest.mark.parametrize(
    ("asked", "page"),
    [
        ("/vi/cases", "/vi/cases/"),
        ("/fr/desk?tab=done&q=a%20b", "/fr/desk/?tab=done&q=a%20b"),
        ("/en/services/birth-registration/", "/en/services/birth-registration"),
    ],
)
def test_who_leaves_out_a_slash_or_adds_one_is_led_to_the_page(client, asked, page):
    for found in (client.get(asked), client.head(asked)):
        assert (found.status_code, found["Location"]) == (301, page)


@pytest.mark.parametrize("asked", ["/vi/unheard-of", "/vi/unheard-of/", "/exchange/unheard-of", "/vi//cases"])
def test_who_asks_for_no_page_is_led_nowhere(client, asked):
    assert client.get(asked).status_code == 404
    assert client.post("/vi/cases").status_code == 404


def test_what_a_room_gives_all_its_views_reaches_them():
    pages = Pages([path("", include(([path("things", view)], "room")), {"kind": "small"})])
    with override("vi"):
        assert pages.resolve("vi/things").kwargs == {"kind": "small"}
        assert said(pages.resolve("vi/things")) == said(plain(pages).resolve("vi/things"))
