"""Whether mark-up and style sheets keep to their standards, as far as a parser that follows them can tell."""

from functools import lru_cache

import html5lib
import tinycss2
from html5lib.constants import E

KEPT = 64
"""Files whose fault is kept: most are the same from one look to the next."""


@lru_cache(maxsize=KEPT)
def fault_of_markup(content: bytes) -> str:
    """Return the first parse error of a page by the rules of HTML (WHATWG), with its line; nothing where it has none.

    What an element may hold, and which attributes it may have, is not looked at.
    """
    parser = html5lib.HTMLParser()
    parser.parse(content, transport_encoding="utf-8")
    for (line, _column), code, facts in parser.errors:
        return f"{line}: {E.get(code, code) % facts}"
    return ""


@lru_cache(maxsize=KEPT)
def fault_of_styles(content: bytes) -> str:
    """Return the first syntax error of a style sheet (CSS Syntax 3), with its line; nothing where it has none."""
    rules, _encoding = tinycss2.parse_stylesheet_bytes(content, skip_comments=True, skip_whitespace=True)
    ahead = list(rules)
    for one in ahead:
        if one.type == "error":
            return f"{one.source_line}: {one.message}"
        if one.type == "qualified-rule":
            inside = tinycss2.parse_blocks_contents(one.content, skip_comments=True, skip_whitespace=True)
            ahead += [part for part in inside if part.type == "error"]
    return ""
