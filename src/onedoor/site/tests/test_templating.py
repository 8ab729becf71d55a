"""Templates are compiled once for each language, with the words of that language in them."""

import pytest
from django.utils.safestring import SafeString
from django.utils.translation import override
from jinja2 import DictLoader
from markupsafe import Markup

from onedoor.site import addresses
from onedoor.site.form_token import form_token
from onedoor.site.jinja import environment

SOURCES = {
    "word": '{{ _("Sign in") }}|{% if yes %}{{ _("Sign out") if yes else "" }}{% endif %}|{{ _(word) }}',
    "filled": '{{ _("%(n)s minute", n="<3>") }}{% trans n=n %}{{ n }} & more{% endtrans %}',
    "between": '<b>{{ _("Home") }}</b>{{ colon() }}{{ listed(["a", "b"]) }}',
    "child": '{% extends "word" %}',
    "shown": "{% macro told(x) %}[{{ x }}]{% endmacro %}{{ value }} {{ told(value) }}",
}


@pytest.fixture
def pages():
    return environment(loader=DictLoader(SOURCES), autoescape=True)


def rendered(pages, name, language, **values):
    with override(language):
        return pages.get_template(name).render(values)


def test_each_language_has_its_own_words(pages):
    told = {code: rendered(pages, "word", code, yes=True, word="Sign in") for code in ("vi", "en", "fr")}
    assert told["en"] == "Sign in|Sign out|Sign in"
    assert len(set(told.values())) == 3
    for words in told.values():
        assert words.split("|")[0] == words.split("|")[2]


def test_signs_between_two_texts_stand_as_the_language_sets_them(pages):
    assert rendered(pages, "between", "en") == "<b>Home</b>: a; b"
    assert rendered(pages, "between", "fr") == "<b>Accueil</b>\u202f: a\u202f; b"


def test_a_template_that_extends_stays_in_its_language(pages):
    assert rendered(pages, "child", "vi", yes=True, word="") == rendered(pages, "word", "vi", yes=True, word="")


def test_what_fills_a_text_is_put_in_when_it_is_shown_and_escaped(pages):
    assert rendered(pages, "filled", "en", n="<b>") == "&lt;3&gt; minute&lt;b&gt; & more"


class Word(str):
    __slots__ = ()


class Bold:
    def __html__(self) -> str:
        return "<b>&</b>"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("<i>&\"'", "&lt;i&gt;&amp;&#34;&#39;"),
        (Word("<i>"), "&lt;i&gt;"),
        (Markup("<i>"), "<i>"),
        (SafeString("<i>"), "<i>"),
        (Bold(), "<b>&</b>"),
        (3, "3"),
        (None, "None"),
        (["<i>"], "[&#39;&lt;i&gt;&#39;]"),
    ],
)
def test_whatever_is_shown_is_escaped_once_and_markup_stays(pages, value: object, shown: str):
    assert rendered(pages, "shown", "en", value=value) == f"{shown} [{shown}]"


def test_a_template_is_compiled_once_for_a_language(pages):
    with override("fr"):
        assert pages.get_template("word") is pages.get_template("word")


@pytest.mark.django_db
def test_an_address_is_that_of_the_present_language():
    with override("fr"):
        assert addresses.of("identity:sign-in") == "/fr/sign-in"
    with override("vi"):
        assert addresses.of("identity:sign-in") == "/vi/sign-in"


def test_functions_and_macros_are_called_with_what_the_template_gives_them(pages):
    pages.loader.mapping["calls"] = (
        "{% macro bold(text, tag='b') %}<{{ tag }}>{{ text }}</{{ tag }}>{% endmacro %}"
        "{% macro box() %}[{{ caller() }}]{% endmacro %}"
        "{% import 'other' as other %}{{ bold('<', tag='i') }}{{ other.twice(3) }}"
        "{% for n in (1, 2) %}{{ loop.cycle('a', 'b') }}{{ other.twice(n) }}{% endfor %}"
        "{% call box() %}{{ lang() }}{% endcall %}{{ pick({'vi': 'mẹ', 'en': 'mother'}) }}"
    )
    pages.loader.mapping["other"] = "{% macro twice(n) %}{{ n * 2 }}{% endmacro %}"
    assert rendered(pages, "calls", "en") == "<i>&lt;</i>6a2b4[en]mother"
    assert rendered(pages, "calls", "vi") == "<i>&lt;</i>6a2b4[vi]mẹ"


def test_all_forms_of_a_page_carry_one_token(rf):
    request = rf.get("/")
    field = form_token(request)["csrf_input"]
    assert field.__html__() is field.__html__()
    assert request.META["CSRF_COOKIE"]


def test_a_page_without_a_form_makes_no_token(rf):
    request = rf.get("/")
    form_token(request)
    assert "CSRF_COOKIE" not in request.META


class Lines(list):
    def __init__(self, *lines):
        super().__init__(lines)
        self.written = {}


def test_what_nobody_changes_is_written_once_in_each_language_and_way(pages):
    each = "{% for line in lines %}{{ mark }}{{ line }} {{ lang() }};{% endfor %}"
    macro = "{% macro told(lines, mark='') %}" + each + "{% endmacro %}"
    pages.loader.mapping["list"] = macro + "{{ written(told, lines, mark=mark) }}"
    lines = Lines("<b>")
    for language, mark in (("en", "-"), ("fr", "-"), ("en", "+")):
        for _ in range(2):
            assert rendered(pages, "list", language, lines=lines, mark=mark) == f"{mark}&lt;b&gt; {language};"
            lines[1:] = ["changed, which nobody may do"]
        del lines[1:]
    assert len(lines.written) == 3
