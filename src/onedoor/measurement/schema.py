"""The JSON Schemas of the definitions of indices and of groups."""

from collections.abc import Mapping
from typing import Any

from onedoor.kernel.nation import TEXT_SCHEMA

WORD: Mapping[str, Any] = {"type": "string", "pattern": "^[a-z][a-z0-9_-]*$", "description": "a word such as osi"}
WORDS: Mapping[str, Any] = {"type": "array", "items": {"type": "string", "minLength": 1}}
MONTH: Mapping[str, Any] = {
    "type": "string",
    "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])(-[0-9]{2})?$",
    "description": "the month or day of publication, such as 2018-07; memberships count as on it",
}
DAY: Mapping[str, Any] = {"type": "string", "format": "date", "description": 'a date in quotes, such as "2025-10-26"'}
AGGREGATION: Mapping[str, Any] = {"enum": ["arithmetic", "geometric", "harmonic", "generalised"]}
SOURCED: Mapping[str, Any] = {"anyOf": [{"required": ["source"]}, {"required": ["illustrative"]}]}
MEASURE: Mapping[str, Any] = {
    "type": "string",
    "pattern": "^[a-z][a-z_]*([.][a-z][a-z0-9_-]*)?$",
    "description": "what the platform counts, such as settled, or received_reusing.population for one register",
}
PERIODS = ("month", "quarter", "year")
CONFIDENCE: Mapping[str, Any] = {"enum": ["text", "press"], "description": "read in the text itself, or reported"}
PARTS: Mapping[str, Any] = {
    "type": "array",
    "minItems": 1,
    "items": {"$ref": "#/$defs/part"},
    "description": "the parts that are put together: indicators, or aggregates with parts of their own",
}
PART: Mapping[str, Any] = {
    "type": "object",
    "required": ["id", "name"],
    "additionalProperties": False,
    "properties": {
        "id": {**WORD, "description": "its name in tables and weights"},
        "name": TEXT_SCHEMA,
        "unit": {"type": "string", "minLength": 1, "description": "what it is measured in"},
        "direction": {"enum": ["higher", "lower"], "description": "which end is good"},
        "minimum": {"type": "number"},
        "maximum": {"type": "number"},
        "goal": {"type": "number"},
        "treatment": {"enum": ["none", "winsorise", "log", "winsorise, else log"]},
        "normalisation": {"enum": ["none", "min-max", "z-score", "rank", "distance to goal"]},
        "aggregation": AGGREGATION,
        "power": {"type": "number"},
        "parts": PARTS,
        "item": {"type": "string", "minLength": 1, "description": "its number in the text that defines it"},
        "formula": TEXT_SCHEMA,
        "numerator": MEASURE,
        "denominator": MEASURE,
        "unmeasured": TEXT_SCHEMA,
        "note": TEXT_SCHEMA,
        "source": {"type": "string", "minLength": 1},
        "illustrative": {"const": True},
    },
}
EDITION: Mapping[str, Any] = {
    "type": "object",
    "required": ["edition", "published", "decimals", "weights", "ranked_on"],
    "additionalProperties": False,
    **SOURCED,
    "properties": {
        "edition": {"type": "integer", "minimum": 1900, "maximum": 2999},
        "published": MONTH,
        "source": {"type": "string", "minLength": 1},
        "illustrative": {"const": True},
        "note": {"type": "string", "minLength": 1},
        "decimals": {"type": "integer", "minimum": 0, "maximum": 9},
        "weights": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0, "maximum": 1000}},
        "ranked_on": {"enum": ["published", "unrounded"]},
        "ranked": {
            "type": "object",
            "required": ["group"],
            "additionalProperties": False,
            "properties": {"group": WORD, "complete": {"type": "boolean"}},
        },
    },
}
INDEX: Mapping[str, Any] = {
    "type": "object",
    "required": ["index", "name", "units", "value", "minimum", "maximum", "aggregation", "parts", "editions"],
    "additionalProperties": False,
    **SOURCED,
    "$defs": {"part": PART},
    "properties": {
        "index": {**WORD, "description": "the id of the index"},
        "name": TEXT_SCHEMA,
        "source": {"type": "string", "minLength": 1, "description": "who defines it, and where that is written"},
        "licence": {**TEXT_SCHEMA, "description": "under which terms its figures may be used"},
        "illustrative": {"const": True, "description": "it has no source"},
        "units": {
            "enum": ["country", "name", "agency"],
            "description": "countries by ISO 3166, names as written, or agencies, from what the platform counts",
        },
        "confidence": CONFIDENCE,
        "note": TEXT_SCHEMA,
        "period": {
            "type": "object",
            "required": ["length"],
            "additionalProperties": False,
            **SOURCED,
            "description": "over what an index of agencies is counted: from the first day of it to the day asked for",
            "properties": {
                "length": {"enum": list(PERIODS)},
                "source": {"type": "string", "minLength": 1},
                "illustrative": {"const": True},
            },
        },
        "scoring": {
            "type": "object",
            "required": ["text"],
            "additionalProperties": False,
            **SOURCED,
            "description": "how points are given; weights are points",
            "properties": {
                "text": TEXT_SCHEMA,
                "source": {"type": "string", "minLength": 1},
                "illustrative": {"const": True},
            },
        },
        "value": {**WORD, "description": "the column of the published value"},
        "minimum": {"type": "number", "description": "the lowest value there can be"},
        "maximum": {"type": "number", "description": "the highest value there can be"},
        "beside": {"type": "array", "items": WORD, "description": "columns published beside it that it does not use"},
        "aggregation": {**AGGREGATION, "description": "the mean that puts the parts together"},
        "power": {"type": "number", "description": "the power of the generalised mean"},
        "zero": {"const": "not assessed", "description": "a value of 0 beside parts that are not 0 says so"},
        "layouts": {
            "type": "array",
            "items": {"type": "object", "additionalProperties": {"type": "string", "minLength": 1}},
            "description": "other names that tables give to the columns: ours, and theirs",
        },
        "parts": PARTS,
        "editions": {
            "type": "array",
            "minItems": 1,
            "items": EDITION,
            "description": "its editions: date, fewest decimals, weights, on what it ranks, who must be there",
        },
    },
}
GROUP: Mapping[str, Any] = {
    "type": "object",
    "required": ["group", "name", "members"],
    "additionalProperties": False,
    **SOURCED,
    "properties": {
        "group": {**WORD, "description": "the id of the group"},
        "name": TEXT_SCHEMA,
        "also": {**WORDS, "description": "other names it goes by"},
        "source": {"type": "string", "minLength": 1, "description": "where its members and their dates are written"},
        "illustrative": {"const": True, "description": "it has no source"},
        "members": {
            "type": "array",
            "minItems": 1,
            "description": "ISO 3166 codes, since when and until when they are members",
            "items": {
                "type": "object",
                "required": ["codes"],
                "additionalProperties": False,
                "properties": {
                    "codes": {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": "^[A-Z]{2}$"}},
                    "since": DAY,
                    "until": DAY,
                },
            },
        },
    },
}

CODE: Mapping[str, Any] = {
    "type": "string",
    "pattern": "^[A-Z]{2,3}-[0-9]{2,3}[a-z]?$",
    "description": "a code with its module, such as EGL-003",
}
EXPRESSIONS: Mapping[str, Any] = {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1}
PROBE: Mapping[str, Any] = {
    "type": "object",
    "required": ["codes", "kind"],
    "additionalProperties": False,
    "properties": {
        "codes": {"type": "array", "items": CODE, "minItems": 1},
        "kind": {
            "enum": [
                "page",
                "file",
                "guarded",
                "languages",
                "secure",
                "search",
                "named",
                "catalogue",
                "dated",
                "markup",
                "styles",
                "beyond",
            ],
            "description": "what is looked at: a page, a file, a page behind sign-in, names of links and headings …",
        },
        "words": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
            "description": "words it may be named by, in each language",
        },
        "of": {**CODE, "description": "a code that must be present first"},
        "why": {**TEXT_SCHEMA, "description": "why no visit can show it"},
        "path": {"type": "string", "description": "below the language; {service} stands for each service"},
        "has": {**EXPRESSIONS, "description": "XPath expressions that must each find something"},
        "lacks": {**EXPRESSIONS, "description": "XPath expressions that must find nothing"},
        "styles": {"type": "string", "minLength": 1, "description": "what a style sheet of the page must hold"},
        "media": {**EXPRESSIONS, "description": "media types that the file may have"},
        "shown": {**EXPRESSIONS, "description": "conditions of scales that a run must have shown"},
        "least": {"type": "integer", "minimum": 1, "description": "how many there must be at least"},
    },
}
FEATURES: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "A list of features and the probes that hold a portal against it",
    "type": "object",
    "required": ["features", "name", "source", "list"],
    "additionalProperties": False,
    "properties": {
        "features": WORD,
        "name": TEXT_SCHEMA,
        "source": TEXT_SCHEMA,
        "list": {"type": "string", "description": "the table of codes: module, codes, the name in vi, en and fr, part"},
        "probes": {"type": "array", "items": PROBE, "minItems": 1},
    },
}
EVIDENCE: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Which services of a nation are the evidence for features of a list",
    "type": "object",
    "required": ["evidence", "services"],
    "additionalProperties": False,
    "properties": {
        "evidence": {**WORD, "description": "the list of features"},
        "services": {
            "type": "object",
            "propertyNames": CODE,
            "additionalProperties": {
                "type": "object",
                "required": ["service", "result"],
                "additionalProperties": False,
                "properties": {
                    "service": {"type": "string", "description": "the id of a service"},
                    "result": {"type": "string", "description": "the result that a run must have delivered"},
                },
            },
            "description": "the service and its result that are the evidence, by code",
        },
    },
}
