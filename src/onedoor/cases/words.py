"""Answers and facts in words, in every language of the nation."""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.utils.translation import get_language, gettext, gettext_noop, override

from onedoor.cases.context import everywhere
from onedoor.cases.errors import WordsNeeded
from onedoor.kernel import nation
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.text import Text, pick
from onedoor.procedures import service as procedures
from onedoor.procedures.service import Context, Fact, Field, Service, TooLong

DAY = 10
LONGEST = 10_000
"""Letters of what a person or an officer writes to the other."""
ARTICLE = re.compile(r"(?P<law>\S+) (?P<article>\d+)(?:\((?P<clause>\d+)\))?")
YES, NO = gettext_noop("Yes"), gettext_noop("No")


def written(text: str) -> str:
    """Return what somebody wrote for another to read; raise `WordsNeeded` or `TooLong`."""
    if not text.strip():
        raise WordsNeeded(what="text")
    if len(text) > LONGEST:
        raise TooLong(most=LONGEST)
    return text.strip()


def in_all(key: str, **facts: object) -> Text:
    """Return the engine's text *key* in every language of the nation."""
    said = {}
    for language in nation.current().languages:
        with override(language):
            said[language] = gettext(key).format(**facts) if facts else gettext(key)
    return said


def say(kind: str, value: Any, code_list: str = "") -> Text:  # noqa: ANN401 - any answer
    """Return *value* of a question or fact of *kind* in words; empty for nothing."""
    languages = nation.current().languages
    if value is None or value == "":
        return everywhere("", languages)
    if isinstance(value, bool):
        return in_all(YES) if value else in_all(NO)
    if kind == "code" and code_list:
        return nation.current().list(code_list).item(str(value)).name
    if kind == "date":
        year, month, day = str(value)[:DAY].split("-")
        return everywhere(f"{day}/{month}/{year}", languages)
    return everywhere(str(value), languages)


def answer(field: Field, context: Context, files: Mapping[str, str]) -> Text:
    """Return the answer to *field* in words; a file by its name."""
    value = context["form"][field.id]
    if field.kind == "file":
        return everywhere(files.get(field.id, ""), nation.current().languages)
    if (said := procedures.said(field, context)) is not None:
        return everywhere(said, nation.current().languages)
    chosen = [choice.label for choice in procedures.choices(field, context) if choice.value == value]
    return chosen[0] if chosen else say(field.kind, value, field.list)


def fact(fact: Fact, context: Context) -> Text:
    """Return a known fact in words."""
    return say(fact.kind, context["fact"][fact.id], fact.list)


def keep(error: OnedoorError) -> str:
    """Return what an error says, in every language, as one text to keep."""
    return json.dumps(procedures.words_of(error), ensure_ascii=False)


def kept(text: str) -> str:
    """Return a kept text in the reader's language."""
    found: Text = json.loads(text) if text else {}
    return pick(found, get_language() or "")


def article(reference: str) -> str:
    """Return a law and its article, such as ``63/2024/NĐ-CP 4(5)``, as one says it."""
    return _article(reference, get_language())


@lru_cache(maxsize=1024)
def _article(reference: str, _language: str | None) -> str:
    found = ARTICLE.fullmatch(reference)
    if not found:
        return reference
    if found["clause"]:
        return gettext("article {article}({clause}) of {law}").format(**found.groupdict())
    return gettext("article {article} of {law}").format(**found.groupdict())


def ground(service: Service, step: str, ground_id: str) -> tuple[Text, str]:
    """Return a ground of refusal with its article in words, and the law's number."""
    found = next(one for one in service.steps[step].refuse if one.id == ground_id)
    law = service.law[found.law]
    article = procedures.law_text(law)
    return {language: f"{words} – {article[language]}" for language, words in found.text.items()}, law.number
