"""What the room tells the site: its title and menu, and the personas of a demonstration."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from onedoor.kernel.nation import Nation
from onedoor.kernel.nation.documents import parse
from onedoor.kernel.text import Text

TITLE = "Identity"
PERSON = "person"
OFFICER = "officer"
FILE = "demonstration.yaml"


@dataclass(frozen=True, slots=True)
class Persona:
    """A synthetic person or officer of the demonstration; ``post`` is such as ``commune-00199.civil-status``."""

    id: str
    kind: str
    name: str
    number: str = ""
    agency: str = ""
    post: str = ""
    member: str = ""
    note: Text = field(default_factory=dict)


def personas(nation: Nation) -> Mapping[str, Persona]:
    """Return the personas of *nation*, by id."""
    path = nation.path / FILE
    if not path.exists():
        return {}
    document, faults = parse(path, FILE)
    if faults:
        raise ValueError(str(faults[0]))
    return {row["id"]: _persona(row) for row in document.data["personas"]}


def _persona(row: Mapping[str, Any]) -> Persona:
    agency, post = str(row.get("agency") or ""), str(row.get("post") or "")
    full = post if not post or "." in post else f"{agency}.{post}"
    return Persona(
        id=str(row["id"]),
        kind=str(row["kind"]),
        name=str(row["name"]),
        number=str(row.get("number") or ""),
        agency=agency or full.rpartition(".")[0],
        post=full,
        member=str(row.get("member") or row.get("node") or ""),
        note=row.get("note") or {},
    )
