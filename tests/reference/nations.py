"""What a nation's files may hold, and what the registers of each nation of the repository hold."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from onedoor.kernel.nation.layers import united, whole
from tests.reference import GENERATED, ROOT

FOLDERS = sorted(file.parent for file in (ROOT / "nations").glob("*/nation.yaml"))


def tables() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return the CSV tables of a nation: what names each, and its columns; a test finds a table left out here."""
    from onedoor.kernel.nation import calendars, organisations, units
    from onedoor.measurement import countries

    return {
        "units": ("`units: table` in `nation.yaml`", (*units.COLUMNS, "name_<language>", "full_name_<language>")),
        "days": ("`calendar: days` in `nation.yaml`", (*calendars.COLUMNS, "name_<language>")),
        "organisations": ("`organisations: table` in `nation.yaml`", (*organisations.COLUMNS, "name_<language>")),
        "identifiers": ("`organisations: identifiers` in `nation.yaml`", organisations.IDENTIFIER_COLUMNS),
        "countries": ("`nations/world`, which is no nation: `countries.csv`", countries.COLUMNS),
    }


def files() -> str:
    """Return the page of file kinds: where each stands and the keys at its top."""
    from onedoor.kernel.nation.file_kinds import kinds
    from onedoor.site import kinds as known

    known.load()
    lines = ["# Files of a nation", "", GENERATED, ""]
    lines += ["`onedoor nation check` holds every file against the schema of its kind and against the others.", ""]
    for kind in kinds():
        place = kind.folder if kind.folder.endswith(".yaml") else f"{kind.folder}/*.yaml"
        lines += [f"## {kind.name}: `{place}`", "", f"[JSON Schema](schemas/{kind.name}.schema.json)", ""]
        lines += ["| key | must be there | what it is |", "|---|---|---|", *_keys(kind.schema), ""]
    lines += ["## Tables", "", "CSV in UTF-8, the names of the columns in the first line.", ""]
    lines += ["| table | named by | columns |", "|---|---|---|"]
    lines += [
        f"| {name} | {by} | {', '.join(f'`{one}`' for one in columns)} |" for name, (by, columns) in tables().items()
    ]
    return "\n".join(lines) + "\n"


def _keys(schema: Mapping[str, Any]) -> Iterator[str]:
    for name, part in schema["properties"].items():
        must = "yes" if name in schema.get("required", ()) else ""
        yield f"| `{name}` | {must} | {_about(part)} |"


def _about(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return _about(schema["anyOf"][0])
    if said := schema.get("description"):
        return str(said).replace("|", "\\|")
    if "enum" in schema:
        return "one of " + ", ".join(f"`{one}`" for one in schema["enum"])
    if "const" in schema:
        return f"`{str(schema['const']).lower()}`"
    kind = [schema["type"]] if isinstance(schema.get("type"), str) else schema.get("type", ())
    inside = ", ".join(f"`{name}`" for name in schema.get("properties", ()))
    kinds = {"object": "a map", "array": "a list", "string": "a text", "boolean": "`true` or `false`"}
    return kinds.get(next(iter(kind), ""), "any value") + (f" of {inside}" if inside else "")


def registers(folder: Path) -> str:
    """Return the page of the registers of the nation in *folder*."""
    from onedoor.kernel import nation as nations

    country = nations.load(folder)
    name = _said(country.name)
    lines = [f"# Registers of {name}", "", GENERATED, ""]
    lines += [f"Read from `nations/{folder.name}/registers/` and `nations/{folder.name}/rights/`.", ""]
    rights = [document.data for document in country.documents("right")]
    for document in country.documents("register"):
        lines += _register(document.data, rights)
    return "\n".join(lines).rstrip() + "\n"


def _register(data: Mapping[str, Any], rights: list[Mapping[str, Any]]) -> Iterator[str]:
    yield from (f"## {_said(data['name'])} (`{data['register']}`)", "")
    yield f"- owner: `{data['owner']}`, on the system `{data['subsystem']}`"
    yield f"- law: {'; '.join(map(_law, data['law']))}"
    yield f"- persons it is about: {_code(data['subjects'])}"
    yield f"- a record is the same through its versions by: {_code(data['identity'])}"
    yield f"- number: `{data['identifier']['field']}`" + (
        " (the scheme is illustrative)" if data["identifier"].get("illustrative") else ""
    )
    yield f"- asked of another day by: {_code(data.get('history', ())) or 'nobody'}"
    yield f"- kept: {_kept(data.get('retention'))}"
    yield from ("", "| look-up | takes |", "|---|---|")
    for name, taken in data["lookups"].items():
        yield f"| `{name}` | {'; '.join(f'`{key}`{_how(one)}' for key, one in taken.items())} |"
    yield from _versions(data)
    yield from ("", "| field | name | form | personal | must be there |", "|---|---|---|---|---|")
    for name, field in united(data, "fields").items():
        signs = ("yes" if field["personal"] else "", "yes" if field.get("required") else "")
        yield f"| `{name}` | {_said(field['name'])} | {_form(field['schema'])} | {' | '.join(signs)} |"
    yield from ("", "| purpose | who | may | fields | legal basis |", "|---|---|---|---|---|")
    yield from (_grant(right, grant) for right in rights for grant in right["grants"]
                if grant.get("register") == data["register"])  # fmt: skip
    yield ""


def _versions(data: Mapping[str, Any]) -> Iterator[str]:
    if "versions" not in data:
        return
    yield from ("", "| version | state | from | fields |", "|---|---|---|---|")
    for one in whole(data):
        yield f"| {one['version']} | {one['state']} | {one['valid_from']} | {_code(one['fields'])} |"


def _kept(rule: Mapping[str, Any] | None) -> str:
    """Return how long records are kept in reach, and then."""
    if rule is None:
        return "in reach, without an end"
    since = f"`{rule['since']['field']}`" if "field" in rule["since"] else f"the day it was {rule['since']}"
    end = f", destroyed {rule['destroyed']} after it" if "destroyed" in rule else ""
    archive = f", archived for {_code(rule['archive_for'])}" if rule.get("archive_for") else ""
    by = _law(rule["law"]) if "law" in rule else "illustrative"
    return f"in reach for {rule['in_reach']} after {since}{archive}{end} ({by})"


def _grant(right: Mapping[str, Any], grant: Mapping[str, Any]) -> str:
    bases = [right["basis"][key] for key in grant.get("basis", right["basis"])]
    texts = "; ".join(f"{one['law']}{_article(one)}" for one in bases)
    posts = f", by hand: {_code(grant['posts'])}" if "posts" in grant else ""
    who, may = f"`{grant['reader']}`", ", ".join(grant["operations"]) + posts
    return f"| `{right['purpose']}` {_said(right['text'])} | {who} | {may} | {_code(grant['fields'])} | {texts} |"


def _law(law: Mapping[str, Any]) -> str:
    return f"{law['number']}{_article(law)}" + (" (illustrative)" if law.get("illustrative") else "")


def _article(law: Mapping[str, Any]) -> str:
    return f", art. {law['article']}" if law.get("article") else ""


def _how(parameter: Mapping[str, Any]) -> str:
    notes = [parameter.get("as", ""), "a person's number" if parameter.get("person") else ""]
    return f" ({', '.join(filter(None, notes))})" if any(notes) else ""


def _form(schema: Mapping[str, Any]) -> str:
    if "codes" in schema:
        return f"code of `{schema['codes']}`"
    if "enum" in schema:
        return "one of " + ", ".join(f"`{one}`" for one in schema["enum"])
    kind = schema.get("type", "any")
    kinds = " or ".join(kind) if isinstance(kind, list) else str(kind)
    return f"{kinds}, {schema['format']}" if "format" in schema else kinds


def _code(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _said(text: Mapping[str, str]) -> str:
    """Return *text* in English, or in the nation's first language."""
    return text.get("en") or next(iter(text.values()))
