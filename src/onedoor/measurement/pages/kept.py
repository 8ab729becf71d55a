"""What a page says, rendered once for each question and language and kept while the figures stay as they are."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

MOST = 128
"""Pages that are kept, at most some 60 KB each."""


@dataclass(frozen=True, slots=True)
class Page:
    """What stands between head and foot of a page; ``whole`` unless a picture or an answer was not ready."""

    title: str
    body: SafeString
    whole: bool = True


_pages: OrderedDict[Hashable, Page] = OrderedDict()
_lock = Lock()


def page(request: HttpRequest, template: str, key: Hashable, context: Callable[[], Mapping[str, Any]]) -> HttpResponse:
    """Answer *request* with *template* filled from *context*, which is asked only when nothing is kept for *key*.

    The context has a ``title``, and ``whole`` false where the page must be made anew next time.
    """
    full = (template, get_language(), key)
    with _lock:
        known = _pages.get(full)
        if known is not None:
            _pages.move_to_end(full)
    if known is None:
        known = _made(template, context())
        if known.whole:
            with _lock:
                _pages[full] = known
                while len(_pages) > MOST:
                    _pages.popitem(last=False)
    return render(request, "measurement/page.html", {"title": known.title, "body": known.body})


def _made(template: str, context: Mapping[str, Any]) -> Page:
    body = mark_safe(render_to_string(template, dict(context)))  # noqa: S308 - a template of ours, made safe there
    return Page(str(context["title"]), body, bool(context.get("whole", True)))
