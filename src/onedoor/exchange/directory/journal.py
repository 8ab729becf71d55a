"""The journal of who takes part beside the members of the nation's files, and what its acts make of a configuration.

Each line is one act, signed by the directory: a gateway admitted with its member and systems, removed, a right given or
taken, an authority approved. The configuration is the nation's content with these acts applied, in their order. The
last line is there whole or counts for nothing, so a kill at any moment leaves the state before or after it. Any other
line that is not as it was signed is a fault: left out, it might let somebody in again whom it removed.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from onedoor.exchange import permissions
from onedoor.kernel.errors import OnedoorError
from onedoor.signing.certificates import load_certificates
from onedoor.signing.keys import load_key

JOURNAL, CHANGE = "members.jsonl", "act"
ADD, REMOVE, ALLOW, DENY, APPROVE, WITHDRAW = "add", "remove", "allow", "deny", "approve", "withdraw"
_TOLD = "told"
"""Which gateway tells what of which system, while acts are applied: what one told goes with it, and the rest stays."""
AUTHORITIES = "authorities", "time_stampers"
"""The lists of authorities that are approved and withdrawn: those for certificates, and those for time-stamps."""


class JournalDamaged(OnedoorError):
    """Line {line} of {path} is not as the directory signed it. What was published last stays. Please put the file back from a backup."""  # noqa: E501 - one sentence after the other


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the journal: *what* was done, with its *facts*; by whom and when."""

    what: str
    facts: Mapping[str, Any]
    by: str
    moment: datetime

    def data(self) -> dict[str, Any]:
        """Return the JSON form that is signed."""
        return {"what": self.what, "facts": self.facts, "by": self.by, "moment": self.moment.isoformat()}

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "Change":
        """Return the act in its JSON form; raise KeyError, TypeError or ValueError."""
        return cls(data["what"], data["facts"], data["by"], datetime.fromisoformat(data["moment"]))


def acts(folder: Path) -> list[Change]:
    """Return what was done at the directory in *folder*; raise `JournalDamaged`."""
    return _read(folder)[0]


def _read(folder: Path) -> tuple[list[Change], int]:
    """Return the acts, and how long the lines are that count: a kill may have left the last one without its end."""
    path = folder / JOURNAL
    if not path.exists():
        return [], 0
    raw = path.read_bytes()
    done, wrong = permissions.read_lines(raw, CHANGE, load_certificates(folder / "signing.pem"), Change.read)
    torn = not raw.endswith(b"\n") and wrong.pop(raw.count(b"\n") + 1, "")
    if wrong:
        raise JournalDamaged(line=min(wrong), path=path)
    return done, raw.rfind(b"\n") + 1 if torn else len(raw)


def applied(content: Mapping[str, Any], done: Iterable[Change], now: datetime) -> dict[str, Any]:
    """Return *content* with what was *done* applied to it, as it is at *now*."""
    found = {name: list(content.get(name, ())) for name in ("members", "gateways", "authorities", "time_stampers")}
    systems = {one["id"]: one for member in found["members"] for one in member["subsystems"]}
    told = [(one["id"], systems.get(client)) for one in found["gateways"] for client in one["clients"]]
    found[_TOLD] = [(gateway, system) for gateway, system in told if system]
    found["rights"] = []
    for act in done:
        STEPS[act.what](found, act.facts)
    del found[_TOLD]
    given = [one for one in found["rights"] if one not in content["rights"]]
    found["rights"] = [*content["rights"], *given]
    for gateway in found["gateways"]:
        if (told := gateway.get("handover")) and datetime.fromisoformat(told["until"]) <= now:
            del gateway["handover"]
    return {**content, **found}


def _add(found: dict[str, list[Any]], facts: Mapping[str, Any]) -> None:
    told, gateway = facts["member"], dict(facts["gateway"])
    _without(found, gateway["id"])
    before: Mapping[str, Any] = next((one for one in found["members"] if one["id"] == told["id"]), {"subsystems": []})
    shared = {one["id"]: one for one in before["subsystems"]}
    own = [merged(shared.pop(one["id"], None), one) for one in told["subsystems"]]
    found["members"] = [one for one in found["members"] if one["id"] != told["id"]]
    found["members"].append({**told, "subsystems": [*shared.values(), *own]})
    found["gateways"].append(gateway)
    found[_TOLD] += [(gateway["id"], one) for one in told["subsystems"]]


def merged(before: Mapping[str, Any] | None, told: Mapping[str, Any]) -> dict[str, Any]:
    """Return a system that another gateway of its member serves as well, as both of them tell of it."""
    services = {one["code"]: one for one in (*(before or told)["services"], *told["services"])}
    systems = dict.fromkeys([*(before or told)["systems"], *told["systems"]])
    return {**told, "systems": list(systems), "services": list(services.values())}


def _remove(found: dict[str, list[Any]], facts: Mapping[str, Any]) -> None:
    _without(found, facts["gateway"])


def _without(found: dict[str, list[Any]], gateway: str) -> None:
    """Take a gateway away, with what it told of its systems, and with its member if nothing is left of it."""
    gone = {client for one in found["gateways"] if one["id"] == gateway for client in one["clients"]}
    found["gateways"] = [one for one in found["gateways"] if one["id"] != gateway]
    found[_TOLD] = [one for one in found[_TOLD] if one[0] != gateway]
    left: dict[str, Mapping[str, Any]] = {}
    for _, system in found[_TOLD]:
        left[system["id"]] = merged(left.get(system["id"]), system)
    members = [{**one, "subsystems": list(_staying(one["subsystems"], gone, left))} for one in found["members"]]
    owners = {one["id"].rpartition("/")[0] for one in found["gateways"]}
    found["members"] = [one for one in members if one["subsystems"] or one["id"] in owners]


def _staying(
    systems: Iterable[Mapping[str, Any]], gone: Collection[str], left: Mapping[str, Mapping[str, Any]]
) -> Iterator[Mapping[str, Any]]:
    """Yield *systems*, those of a gateway that is *gone* as far as others tell of them: as they are *left*."""
    for one in systems:
        if one["id"] not in gone:
            yield one
        elif one["id"] in left:
            yield left[one["id"]]


def _allow(found: dict[str, list[Any]], facts: Mapping[str, Any]) -> None:
    found["rights"].append({**facts["right"], "bases": [facts["basis"]]})


def _deny(found: dict[str, list[Any]], facts: Mapping[str, Any]) -> None:
    found["rights"] = [one for one in found["rights"] if without_bases(one) not in facts["rights"]]


def without_bases(right: Mapping[str, Any]) -> dict[str, Any]:
    """Return a published right as the journal names it, in earlier versions too."""
    return {name: value for name, value in right.items() if name != "bases"}


def _approve(found: dict[str, list[Any]], facts: Mapping[str, Any]) -> None:
    """Approve an authority in the place of that of its list that had its name."""
    _without_named(found, facts["list"], facts["authority"]["name"])
    found[facts["list"]].append(facts["authority"])


def _withdraw(found: dict[str, list[Any]], facts: Mapping[str, Any]) -> None:
    for listed in (facts["list"],) if "list" in facts else AUTHORITIES:  # an earlier version named no list
        _without_named(found, listed, facts["name"])


def _without_named(found: dict[str, list[Any]], listed: str, name: str) -> None:
    found[listed] = [one for one in found[listed] if isinstance(one, str) or one["name"] != name]


STEPS = {ADD: _add, REMOVE: _remove, ALLOW: _allow, DENY: _deny, APPROVE: _approve, WITHDRAW: _withdraw}
"""What each kind of act makes of what is published: its lists, and the facts of the act."""


def gateways(folder: Path) -> list[str]:
    """Return the gateways that were added at the directory in *folder* and take part."""
    known: dict[str, bool] = {}
    for act in acts(folder):
        if act.what == ADD:
            known[act.facts["gateway"]["id"]] = True
        elif act.what == REMOVE:
            known.pop(act.facts["gateway"], None)
    return list(known)


def enter(folder: Path, change: Change) -> None:
    """Write *change* into the journal of the directory in *folder*, durably; who calls is alone there."""
    path, (_acts, length) = folder / JOURNAL, _read(folder)
    if path.exists():
        os.truncate(path, length)
    permissions.append_signed(path, CHANGE, change.data(), load_key(folder / "signing.key"))
