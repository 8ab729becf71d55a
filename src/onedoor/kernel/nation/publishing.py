"""JSON Schemas of a nation's files for editors, made of the schemas that the check itself uses."""

import json
from collections.abc import Mapping
from typing import Any

from onedoor.kernel.nation.file_kinds import FileKind, kinds

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def published() -> Mapping[str, str]:
    """Return the JSON Schema of every kind of file known to this process, as JSON text by file name."""
    return {
        f"{kind.name}.schema.json": json.dumps(_schema(kind), indent=1, ensure_ascii=False) + "\n" for kind in kinds()
    }


def _schema(kind: FileKind) -> Mapping[str, Any]:
    place = kind.folder if kind.folder.endswith(".yaml") else f"{kind.folder}/*.yaml"
    return {"$schema": DIALECT, "title": kind.name, "$comment": f"files of a nation: {place}", **kind.schema}
