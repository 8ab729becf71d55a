"""The nation of a lab: so many invented members, each with a system of its own that offers one service to all."""

from pathlib import Path
from typing import Any

import yaml

from onedoor.kernel.errors import OnedoorError

NATION, SERVICE, PURPOSE, BASIS = "XL", "echo", "try", "lab"
FEWEST, MOST = 2, 20
"""Members of a lab."""
_INVENTED = {"source": "invented by onedoor lab"}


class OtherLab(OnedoorError):
    """The lab in {folder} has {count} members, not {members}. Please name another folder with --var, or leave --members out."""  # noqa: E501 - one sentence after the other


def prepare(folder: Path, members: int | None) -> None:
    """Make the files of a lab with so many *members* (``M1`` …, 2 unless said) in *folder*; what is there stays.

    Raise `OtherLab` if it has another number of them.
    """
    if (there := folder / "agencies.yaml").exists():
        data = yaml.safe_load(there.read_text("utf-8"))
        count = len(data.get("members", ())) if isinstance(data, dict) else 0
        if members not in (None, count):
            raise OtherLab(folder=folder, count=count, members=members)
        return
    names = [f"M{number}" for number in range(1, (members or FEWEST) + 1)]
    files: dict[str, object] = {
        "nation.yaml": _nation(),
        "agencies.yaml": {"members": {name: _member(name) for name in names}, "agencies": {}},
        f"rights/{PURPOSE}.yaml": _right([system(name) for name in names]),
    }
    for path, data in files.items():
        _write(folder / path, yaml.safe_dump(data, allow_unicode=True, sort_keys=False))
    _write(folder / "calendar" / "days.csv", "date,kind,name_en,decision,source,confidence\n")
    units = "code,level,parent,name_en,full_name_en,valid_from,valid_until,successor"
    _write(folder / "units" / "units.csv", f"{units}\nL1,place,,Lab,Lab,2020-01-01,,\n")


def system(member: str) -> str:
    """Return the name of a member's system on the exchange."""
    return f"{NATION}/ORG/{member}/SYSTEM"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def _nation() -> dict[str, Any]:
    calendar = {"days": "calendar/days.csv", "week": ["mon", "tue", "wed", "thu", "fri"], "hours": ["08:00-17:00"]}
    units = {"table": "units/units.csv", "since": "2020-01-01", "licence": "CC0-1.0", "illustrative": True, **_INVENTED}
    return {
        "id": NATION,
        "name": {"en": "Lab"},
        "languages": ["en"],
        "zone": "UTC",
        "calendar": {**calendar, "illustrative": True},
        "units": [units],
    }


def _member(name: str) -> dict[str, Any]:
    return {
        "name": {"en": f"Member {name}"},
        "kind": "organisation",
        "subsystem": system(name),
        "subsystem_name": {"en": f"System of {name}"},
        "services": [SERVICE],
        **_INVENTED,
    }


def _right(systems: list[str]) -> dict[str, Any]:
    basis = {"law": "none", "text": {"en": "Invented, to try the exchange"}, "confidence": "text", "illustrative": True}
    return {
        "purpose": PURPOSE,
        "text": {"en": "Trying the exchange"},
        "without_case": True,
        "basis": {BASIS: {**basis, "source": {"en": "invented"}}},
        "grants": [
            {"reader": one, "service": SERVICE, "provider": other, "operations": ["read"], "illustrative": True}
            for one in systems
            for other in systems
            if one != other
        ],
    }
