"""What is wrong with the JSON Schemas of a register's fields, and with the paths that lead into them."""

from collections.abc import Iterator, Mapping
from typing import Any

from onedoor.kernel.nation import AGENCIES, UNITS, Document, Fault, Nation, code_faults, nearest
from onedoor.kernel.nation.documents import Keys
from onedoor.kernel.said import said

Schema = Mapping[str, Any]
TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
FORMATS = (
    *("date", "date-time", "duration", "email", "hostname", "idn-email", "idn-hostname", "ipv4", "ipv6", "iri"),
    *("iri-reference", "json-pointer", "regex", "relative-json-pointer", "time", "uri", "uri-reference"),
    *("uri-template", "uuid"),
)
"""The formats of JSON Schema 2020-12: another word would be no fault to a validator, and hold nothing."""
ONE, SEVERAL, NAMED = ("items", "contains", "not", "if", "then", "else"), ("allOf", "anyOf", "oneOf"), "properties"
KEYWORDS = (
    *("codes", "const", "default", "dependentRequired", "description", "enum", "examples", "format", "maxContains"),
    *("maxItems", "maxLength", "maxProperties", "maximum", "minContains", "minItems", "minLength", "minProperties"),
    *("minimum", "multipleOf", "pattern", "required", "title", "type", "uniqueItems", "exclusiveMaximum"),
    *("exclusiveMinimum", "additionalProperties", NAMED, *ONE, *SEVERAL),
)
"""Those of JSON Schema 2020-12 that a field may use: its schema stands alone, so it refers to nothing."""


def faults(document: Document, nation: Nation, keys: Keys, schema: Any) -> Iterator[Fault]:  # noqa: ANN401 - plain YAML
    """Yield what a validator would pass over in silence in *schema*, which stands at *keys*, and in those within it."""
    if not isinstance(schema, Mapping):
        return
    for name in schema:
        if name not in KEYWORDS:
            wrong = said("the key “{name}” is not known here", name=name)
            yield document.fault((*keys, name), wrong, nearest(name, KEYWORDS))
    types = schema.get("type", [])
    for name, given, known in (
        ("type", types if isinstance(types, list) else [types], TYPES),
        ("format", [schema["format"]] if "format" in schema else [], FORMATS),
        ("required", schema.get("required", []) if NAMED in schema else [], list(schema.get(NAMED, ()))),
    ):
        for one in given:
            if one not in known:
                yield document.fault(
                    (*keys, name), said("“{written}” is not known here", written=one), nearest(str(one), known)
                )
    yield from _codes(document, nation, keys, schema)
    for place, part in _parts(schema):
        yield from faults(document, nation, (*keys, *place), part)


def _codes(document: Document, nation: Nation, keys: Keys, schema: Schema) -> Iterator[Fault]:
    """Yield a list that there is not, and values of `enum` that are none of its codes."""
    if "codes" not in schema:
        return
    lists = sorted(one.data["list"] for one in nation.documents("list"))
    listed = schema["codes"]
    if listed not in (*lists, UNITS, AGENCIES):
        wrong = said("there is no list “{name}”", name=listed)
        yield document.fault((*keys, "codes"), wrong, nearest(str(listed), [*lists, UNITS, AGENCIES]))
    for number, one in enumerate(schema.get("enum", ())):
        yield from code_faults(document, nation, (*keys, "enum", number), {"codes": listed}, one)


def _parts(schema: Schema) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    yield from (((NAMED, name), part) for name, part in schema.get(NAMED, {}).items())
    yield from (((name,), schema[name]) for name in (*ONE, "additionalProperties") if name in schema)
    yield from (((name, at), part) for name in SEVERAL for at, part in enumerate(schema.get(name, ())))


def paths(fields: Mapping[str, Schema]) -> Iterator[str]:
    """Yield every path into a record of *fields*, by schema: ``mother``, ``mother.number``, ``members.*.number``."""
    for name, schema in fields.items():
        yield name
        yield from (f"{name}.{below}" for below in _below(schema))


def _below(schema: Schema) -> Iterator[str]:
    yield from paths(schema.get(NAMED, {}))
    if isinstance(items := schema.get("items"), Mapping):
        yield "*"
        yield from (f"*.{below}" for below in _below(items))
