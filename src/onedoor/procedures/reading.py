"""From the plain data of a service file to `Service`: versions laid over the common part, defaults filled."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, TypeAlias

from onedoor.kernel.nation import Nation
from onedoor.kernel.nation.layers import overlay
from onedoor.kernel.nation.versions import digest_of
from onedoor.kernel.text import Text
from onedoor.procedures.definition import (
    Clock,
    Condition,
    Fee,
    Form,
    Law,
    Paper,
    Proactive,
    Refusal,
    Result,
    Service,
    Source,
    Step,
    Suggestion,
    Supplement,
    Visit,
    Write,
)
from onedoor.procedures.questions import Fact, Field, Option, Page

Plain: TypeAlias = Mapping[str, Any]
SHARED = ("versions", "examples")


def versions(data: Plain) -> Iterator[dict[str, Any]]:
    """Yield the plain definition of each version: the file's common part with the version's own part over it."""
    common = {key: value for key, value in data.items() if key not in SHARED}
    for number, own in enumerate(data["versions"]):
        examples = [example for example in data.get("examples", []) if example.get("version") == own["version"]]
        yield overlay(common, own) | {"examples": examples, "place": number}


def read(plain: Plain) -> Service:
    """Return the service of one plain definition (see `versions`); it has passed the schema."""
    until = plain.get("valid_until")
    return Service(
        id=plain["service"],
        code=plain["code"],
        version=plain["version"],
        valid_from=date.fromisoformat(plain["valid_from"]),
        valid_until=date.fromisoformat(until) if until else None,
        source=plain["source"],
        life_event=plain["life_event"],
        title=plain["text"]["title"],
        summary=plain["text"]["summary"],
        who=plain["text"]["who"],
        min_level=plain["identity"]["min_level"],
        words={language: tuple(words) for language, words in plain.get("words", {}).items()},
        law={key: Law(id=key, **{"article": "", **rule}) for key, rule in plain["law"].items()},
        data={key: _source(key, source, plain["reads"]) for key, source in plain["data"].items()},
        pages=tuple(_page(key, page) for key, page in plain["form"].items()),
        eligible=tuple(_condition(key, rule) for key, rule in plain["eligible"].items()),
        fees=tuple(Fee(id=key, **fee) for key, fee in plain.get("fees", {}).items()),
        clock=Clock(**plain["clock"]),
        steps={key: _step(key, step) for key, step in plain["steps"].items()},
        supplement=Supplement(**plain["supplement"]),
        results={key: Result(id=key, **result) for key, result in plain["results"].items()},
        appeal=plain["appeal"]["text"],
        minutes=plain["text"]["minutes"],
        filing=tuple(plain.get("ways", {}).get("filing", ())),
        delivery=tuple(plain.get("ways", {}).get("delivery", ())),
        papers=tuple(Paper(key, **paper) for key, paper in plain.get("papers", {}).items()),
        forms=tuple(Form(key, **form) for key, form in plain.get("forms", {}).items()),
        proactive=tuple(Proactive(key, **done) for key, done in plain.get("proactive", {}).items()),
        suggest=_suggestion(plain["suggest"]) if "suggest" in plain else None,
        examples=tuple(plain.get("examples", ())),
        definition={key: value for key, value in plain.items() if key not in {"examples", "place"}},
    )


def written(service: Service) -> str:
    """Return the definition as it is kept: JSON whose order is that of the file."""
    return json.dumps(service.definition, ensure_ascii=False, separators=(",", ":"))


def digest(service: Service) -> str:
    """Return the digest of a definition: the same rules, texts and layouts have the same one."""
    return hashlib.sha256(written(service).encode()).hexdigest()


def every(country: Nation) -> tuple[Service, ...]:
    """Return every version of every service of a nation, with its layouts, in the order of ids and days."""
    layouts = {"layouts": digest_of(country.path / "templates")}
    documents = country.documents("service")
    read_ = [read(plain | layouts) for document in documents for plain in versions(document.data)]
    return tuple(sorted(read_, key=lambda service: (service.id, service.valid_from)))


def _source(key: str, source: Plain, reads: Plain) -> Source:
    given = {"purpose": reads["purpose"], "basis": reads["basis"], **source}
    return Source(id=key, **{**given, "once": tuple(source.get("once", ()))})


def _suggestion(plain: Plain) -> Suggestion:
    return Suggestion(**{**plain, "shows": tuple(plain["shows"])})


def _page(key: str, page: Plain) -> Page:
    return Page(
        id=key,
        name=page["name"],
        title=page["title"],
        hint=page.get("hint", {}),
        fields=tuple(_field(name, asked) for name, asked in page.get("fields", {}).items()),
        facts=tuple(_fact(name, fact) for name, fact in page.get("facts", {}).items()),
        show=page.get("show", "true"),
    )


def _field(key: str, asked: Plain) -> Field:
    options = tuple(_option(value, option) for value, option in asked.get("options", {}).items())
    return Field(
        id=key,
        **{**asked, "options": options, "of": tuple(asked.get("of", ())), "files": tuple(asked.get("files", ()))},
    )


def _option(value: str, option: Plain) -> Option:
    """Read an option written as a text, or as ``{label: text, hint: text}``."""
    if "label" in option:
        return Option(value, option["label"], option.get("hint", {}))
    return Option(value, option)


def _fact(key: str, fact: Plain) -> Fact:
    return Fact(id=key, **{"source": fact["value"].split(".")[0], **fact})


def _condition(key: str, rule: Plain) -> Condition:
    rest = {name: value for name, value in rule.items() if name not in {"if", "else"}}
    return Condition(id=key, condition=rule["if"], otherwise=rule["else"], **rest)


def _step(key: str, step: Plain) -> Step:
    lists = {name: tuple(step.get(name, ())) for name in ("after", "may", "shows")}
    writes = tuple(Write(name, **write) for name, write in step.get("writes", {}).items())
    refuse = tuple(Refusal(name, _text(why["text"]), why["law"]) for name, why in step.get("refuse", {}).items())
    visit = Visit(**step["visit"]) if "visit" in step else None
    return Step(id=key, **{**step, **lists, "writes": writes, "refuse": refuse, "visit": visit})


def _text(text: Text) -> Text:
    return dict(text)
