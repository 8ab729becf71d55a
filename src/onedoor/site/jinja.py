"""The Jinja2 environment of every page: texts, addresses, dates, the chrome around the page."""

from collections.abc import Hashable, Iterable
from functools import lru_cache
from typing import Any, Protocol

import segno
from django.templatetags.static import static
from django.utils.translation import gettext
from django.utils.translation import ngettext as translated
from jinja2 import StrictUndefined
from jinja2.runtime import Macro
from markupsafe import Markup

from onedoor.kernel import nation
from onedoor.kernel.text import Text, colon, pick, semicolons
from onedoor.site import addresses, chrome, dates
from onedoor.site.templating import Pages, escaped

KEPT = ("date", "moment", "time", "limit", "size", "number")
"""What is written the same way again and again: the last few thousand of each are kept."""


class Written(Protocol):
    """What nobody changes, with how pages wrote it before."""

    written: dict[Hashable, str]


def environment(**options: Any) -> Pages:  # noqa: ANN401 (as Django gives them)
    """Return the environment Django's Jinja2 backend renders pages with."""
    options["undefined"] = StrictUndefined
    env = Pages(extensions=["jinja2.ext.i18n"], trim_blocks=True, lstrip_blocks=True, **options)
    env.policies["ext.i18n.trimmed"] = True
    env.bound = of_language
    env.install_gettext_callables(gettext, translated, newstyle=True)  # type: ignore[attr-defined]
    env.globals.update(
        url=url,
        static=lru_cache(static),
        lang=dates.language,
        pick=picked,
        listed=listed,
        colon=lambda: colon(dates.language()),
        native=native,
        qr=qr,
        chrome=chrome.of,
        flag=flag,
    )
    env.globals.update(
        {name: getattr(dates, name) for name in ("date", "moment", "time", "weekday", "limit", "size", "number")}
    )
    return env


def of_language(language: str) -> dict[str, Any]:
    """Return the globals that are asked most, for the pages of one *language*."""

    def picked(text: Text | str) -> str:
        return text if isinstance(text, str) else pick(text, language)

    @lru_cache(maxsize=4096)
    def form(singular: str, plural: str, count: float) -> str:
        return translated(singular, plural, count)

    def plural(singular: str, several: str, count: float, **values: object) -> Markup:
        safe = {name: escaped(value) for name, value in values.items()}
        return Markup(form(singular, several, count) % safe)  # noqa: S704 (the engine's own words)

    def listed(texts: Iterable[Text | str]) -> str:
        return semicolons(map(picked, texts), language)

    def here(name: str, *args: object) -> str:
        return addresses.within(language, name, *map(str, args))

    def written(macro: Macro, lines: Written, **how: Hashable) -> str:
        key = language, macro.name, *how.items()
        if key not in lines.written:
            lines.written[key] = macro(lines, **how)
        return lines.written[key]

    kept = {name: lru_cache(maxsize=4096)(getattr(dates, name)) for name in KEPT}
    return {
        "lang": lambda: language,
        "pick": picked,
        "listed": listed,
        "colon": lambda: colon(language),
        "url": here,
        "ngettext": plural,
        "written": written,
        **kept,
    }


def url(name: str, *args: object) -> str:
    """Return the address of a named route."""
    return addresses.of(name, *map(str, args))


def picked(text: Text | str) -> str:
    """Return a text of the nation in the page's language; a plain string stays."""
    return text if isinstance(text, str) else pick(text, dates.language())


def listed(texts: Iterable[Text | str]) -> str:
    """Return texts of the nation one after another in the page's language."""
    return semicolons(map(picked, texts), dates.language())


def native(text: object) -> Markup:
    """Return *text*, a name in the nation's own language, marked so where the page speaks another."""
    home = nation.current().languages[0]
    safe = escaped(text)
    return Markup(safe if dates.language() == home else f'<span lang="{home}">{safe}</span>')  # noqa: S704 (made safe)


def qr(text: str, label: str) -> Markup:
    """Return the QR code of *text* as an image that says *label*."""
    return _qr(text, label)


@lru_cache(maxsize=256)
def _qr(text: str, label: str) -> Markup:
    rows = [bytes(row) for row in segno.make(text, error="m", micro=False).matrix]
    path = "".join(f"M{x} {y}.5h1" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
    return Markup(
        '<svg class="qr" role="img" aria-label="{0}" shape-rendering="crispEdges" viewBox="0 0 {1} {1}">'
        '<path stroke="#000" d="{2}"/></svg>'
    ).format(label, len(rows), path)


def flag() -> Markup:
    """Return the nation's flag as SVG, or nothing where the nation gives none."""
    return nation.current().once(_flag)


def _flag(country: nation.Nation) -> Markup:
    path = country.path / "flag.svg"
    return Markup(path.read_text(encoding="utf-8").strip()) if path.exists() else Markup("")  # noqa: S704 (the nation's own file)
