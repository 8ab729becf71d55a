"""A provider's OpenAPI description: its endpoints, and its text without the address of the system behind it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.said import said

LARGEST = 4 * 2**20
"""Bytes of a description."""
DEEPEST, MOST_EVENTS = 64, 1_000_000
"""How deep a description is nested, and how many scalars, lists and maps one in YAML begins and ends."""
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_VALUES = ("enum", "const", "example", "examples")
"""What values stand below, of which a description says nothing."""
_PARAMETER = re.compile(r"\{[^{}/]*\}")
_SPECIAL = re.compile(r"[\\*]")


class DescriptionRefused(OnedoorError):
    """This description of a service cannot be used: {why}. Please give one in OpenAPI 3, as JSON or YAML."""


class Written(str):
    """A scalar of a YAML text, which stands there from *start* to *end*."""

    __slots__ = ("end", "start")

    start: int
    end: int


@dataclass(frozen=True)
class Description:
    """A description as text and as data."""

    text: str
    data: Mapping[str, Any]

    @property
    def json(self) -> bool:
        """Return whether it is written as JSON."""
        return _is_json(self.text)

    def endpoints(self) -> list[tuple[str, str]]:
        """Return method and path glob of each operation: a parameter of a path is one piece, whatever it holds."""
        paths = self.data.get("paths")
        return list(_operations(paths)) if isinstance(paths, dict) else []


def read(raw: bytes) -> Description:
    """Return the description in *raw*; raise `DescriptionRefused` for what is none, is too large or too deep."""
    if len(raw) > LARGEST:
        raise DescriptionRefused(why=said("it is longer than {most} bytes", most=LARGEST))
    try:
        text = raw.decode("utf-8-sig")
        data = json.loads(text) if _is_json(text) else _from_yaml(text)
    except (ValueError, RecursionError):
        raise DescriptionRefused(why=said("it is neither JSON nor YAML")) from None
    return held(data, text)


def held(data: object, text: str = "") -> Description:
    """Return the description that *data* is; raise `DescriptionRefused` for what is none."""
    if not isinstance(data, dict) or not str(data.get("openapi")).startswith("3."):
        raise DescriptionRefused(why=said("it does not say “openapi: 3.…”"))
    return Description(text, data)


@lru_cache(maxsize=8)
def anonymous(raw: bytes) -> bytes:
    """Return the description *raw* with its servers' addresses cut down to their paths; raise `DescriptionRefused`.

    An address with variables stays, as in X-Road.
    """
    found = read(raw)
    told = (one for one in _servers(found.data) if isinstance(one.get("url"), str))
    hidden = [one for one in told if _path(one["url"]) != one["url"]]
    if not hidden:
        return raw
    if found.json:
        for one in hidden:
            one["url"] = _path(one["url"])
        return json.dumps(found.data, ensure_ascii=False).encode()
    pieces: list[str] = []
    end = 0
    for url in sorted((one["url"] for one in hidden), key=lambda url: int(url.start)):
        pieces += found.text[end : url.start], json.dumps(_path(url))
        end = url.end
    return "".join([*pieces, found.text[end:]]).encode()


def _servers(data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the servers that a description names, wherever one may stand: for all of it, a path, a call, a link."""
    left: list[Any] = [data]
    while left:
        one = left.pop()
        below = one.items() if isinstance(one, dict) else enumerate(one if isinstance(one, list) else ())
        for name, value in below:
            if name not in _VALUES:
                left.append(value)
            if name in ("server", "servers"):
                named = value if isinstance(value, list) else [value]
                yield from (two for two in named if isinstance(two, dict))


def _path(url: str) -> str:
    if "{" in url and "}" in url:
        return url
    try:
        return urlsplit(url).path
    except ValueError:
        raise DescriptionRefused(why=said("the address of a server is none: {url}", url=url[:80])) from None


def _operations(paths: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for path, item in paths.items():
        if path.startswith("/") and isinstance(item, dict):
            glob = _PARAMETER.sub("*", _SPECIAL.sub(r"\\\g<0>", path))
            yield from ((method.upper(), glob) for method in METHODS if method in item)


def _is_json(text: str) -> bool:
    return text.lstrip().startswith("{")


def _from_yaml(text: str) -> Any:  # noqa: ANN401 - any YAML value
    """Return the first document in *text*, every scalar of it as `Written`; raise ValueError.

    It is built from the parser's events, so that depth and size are seen before they cost anything; an alias, which
    could repeat what it names without end, is not read.
    """
    import yaml  # only who meets a description in YAML pays for it

    ends = (yaml.SequenceEndEvent, yaml.MappingEndEvent)
    done: list[Any] = []
    open_: list[list[Any]] = []
    try:
        for number, event in enumerate(yaml.parse(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))):
            if isinstance(event, yaml.AliasEvent) or len(open_) > DEEPEST or number > MOST_EVENTS:
                raise ValueError("an alias, or too much")
            if isinstance(event, yaml.CollectionStartEvent):
                open_.append([])
            elif isinstance(event, ends):
                items = open_.pop()
                value = dict(zip(items[::2], items[1::2], strict=True)) if isinstance(event, ends[1]) else items
                (open_[-1] if open_ else done).append(value)
            elif isinstance(event, yaml.ScalarEvent):
                (open_[-1] if open_ else done).append(_written(event))
    except (yaml.YAMLError, TypeError) as broken:  # a map or a list as the key of a map is none we could use
        raise ValueError("not YAML") from broken
    return done[0] if done else None


def _written(event: Any) -> Written:  # noqa: ANN401 - yaml has no types
    scalar = Written(event.value)
    scalar.start, scalar.end = event.start_mark.index, event.end_mark.index
    return scalar
