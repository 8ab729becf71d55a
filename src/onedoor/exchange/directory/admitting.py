"""Who takes part beside the members of the nation's files: a journal that the directory's operator writes by commands.

Each line is one act, signed by the directory: a gateway admitted with its member and systems, removed, a right given or
taken, an authority approved. The configuration is the nation's content with these acts applied, in their order. A line
is there whole or counts for nothing, so a kill at any moment leaves the state before or after it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.x509 import Certificate

from onedoor.exchange import identifiers, permissions
from onedoor.exchange.directory import registering
from onedoor.exchange.directory.registering import BadRegistration
from onedoor.exchange.gateway.identities import FORMER
from onedoor.exchange.permissions import Permission, alone
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.said import Said, said
from onedoor.signing.certificates import fingerprint, load_certificates, pem
from onedoor.signing.keys import load_key

JOURNAL, CHANGE = "members.jsonl", "act"
ADD, REMOVE, ALLOW, DENY, APPROVE, WITHDRAW = "add", "remove", "allow", "deny", "approve", "withdraw"
SPREAD, OVERLAP = timedelta(minutes=5), timedelta(hours=1)
"""After which a gateway uses its new keys, when all others know them, and for how long the old ones count as well."""
_NAMESPACE = "ee.ria.xroad.common.certificateprofile.impl."
_END = "-----END CERTIFICATE-----"


class OtherMark(OnedoorError):
    """The SHA-256 of this registration is {mark}, which does not begin with “{told}” (16 digits or more). Nothing was changed. Ask its operator again."""  # noqa: E501 - one sentence after the other


class NotAdmitted(OnedoorError):
    """No gateway {gateway} was added here. These were: {known}. Members of the nation’s files leave by those files."""


class NotGiven(OnedoorError):
    """No right of {client} to {service} was given here. Rights of the nation’s files end by those files."""


class NotApproved(OnedoorError):
    """No authority {name} was approved here. These were: {known}."""


class BadRight(OnedoorError):
    """This right cannot be given: {why}. Nothing was changed."""


class BadAuthority(OnedoorError):
    """The certificate of {name} is of no certification authority. Nothing was changed."""


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
    """Return what was done at the directory in *folder*; lines that it did not sign count for nothing."""
    path = folder / JOURNAL
    if not path.exists():
        return []
    return permissions.read_signed(path, CHANGE, load_certificates(folder / "signing.pem"), Change.read)[0]


def applied(content: Mapping[str, Any], done: Iterable[Change], now: datetime) -> dict[str, Any]:
    """Return *content* with what was *done* applied to it, as it is at *now*."""
    found = {name: list(content.get(name, ())) for name in ("members", "gateways", "authorities", "time_stampers")}
    found["rights"] = []
    for act in done:
        _STEPS[act.what](found, act.facts)
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
    own = [_merged(shared.pop(one["id"], None), one) for one in told["subsystems"]]
    found["members"] = [one for one in found["members"] if one["id"] != told["id"]]
    found["members"].append({**told, "subsystems": [*shared.values(), *own]})
    found["gateways"].append(gateway)


def _merged(before: Mapping[str, Any] | None, told: Mapping[str, Any]) -> dict[str, Any]:
    """Return a system that another gateway of its member serves as well, as both of them tell of it."""
    services = {one["code"]: one for one in (*(before or told)["services"], *told["services"])}
    systems = dict.fromkeys([*(before or told)["systems"], *told["systems"]])
    return {**told, "systems": list(systems), "services": list(services.values())}


def _remove(found: dict[str, list[Any]], facts: Mapping[str, Any]) -> None:
    _without(found, facts["gateway"])


def _without(found: dict[str, list[Any]], gateway: str) -> None:
    """Take a gateway away, with the systems that it serves, and with its member if nothing is left of it."""
    gone = {client for one in found["gateways"] if one["id"] == gateway for client in one["clients"]}
    found["gateways"] = [one for one in found["gateways"] if one["id"] != gateway]
    gone -= {client for one in found["gateways"] for client in one["clients"]}
    members = [
        {**one, "subsystems": [two for two in one["subsystems"] if two["id"] not in gone]} for one in found["members"]
    ]
    owners = {one["id"].rpartition("/")[0] for one in found["gateways"]}
    found["members"] = [one for one in members if one["subsystems"] or one["id"] in owners]


def _allow(found: dict[str, list[Any]], facts: Mapping[str, Any]) -> None:
    if facts["right"] not in found["rights"]:
        found["rights"].append(facts["right"])


def _deny(found: dict[str, list[Any]], facts: Mapping[str, Any]) -> None:
    found["rights"] = [one for one in found["rights"] if one not in facts["rights"]]


def _approve(found: dict[str, list[Any]], facts: Mapping[str, Any]) -> None:
    _withdraw(found, {"name": facts["authority"]["name"]})
    found[facts["list"]].append(facts["authority"])


def _withdraw(found: dict[str, list[Any]], facts: Mapping[str, Any]) -> None:
    for name in ("authorities", "time_stampers"):
        found[name] = [one for one in found[name] if isinstance(one, str) or one["name"] != facts["name"]]


_STEPS = {ADD: _add, REMOVE: _remove, ALLOW: _allow, DENY: _deny, APPROVE: _approve, WITHDRAW: _withdraw}


def gateways(folder: Path) -> list[str]:
    """Return the gateways that were added at the directory in *folder* and take part."""
    known: dict[str, bool] = {}
    for act in acts(folder):
        if act.what == ADD:
            known[act.facts["gateway"]["id"]] = True
        elif act.what == REMOVE:
            known.pop(act.facts["gateway"], None)
    return list(known)


class Directory:
    """The directory in *folder*, as its operator *by* decides for it at *now*."""

    def __init__(self, folder: Path, by: str, now: datetime) -> None:
        self.folder, self.by, self.now = folder, by, now

    def content(self) -> dict[str, Any]:
        """Return what the directory publishes at this moment."""
        from onedoor.exchange.directory import publishing  # it applies what is done here

        return publishing.content(self.folder, self.now)

    def add(
        self, raw: bytes, *, spread: timedelta = SPREAD, overlap: timedelta = OVERLAP
    ) -> tuple[dict[str, Any], bool]:
        """Admit the gateway that the registration *raw* tells of; return its entry, and whether anything changed.

        Where its keys are others than before, those before count for *overlap* more (not at all when it is nothing),
        and the gateway uses the new ones after *spread*. Raise `BadRegistration`.
        """
        with alone(self.folder):
            content, told = self.content(), registering.read(raw)
            registering.check(told, content, self.now)
            before = next((one for one in content["gateways"] if one["id"] == told["gateway"]), None)
            tls, _ = registering.certificates(told)
            gateway = {
                "id": told["gateway"],
                "address": told["address"],
                "tls": fingerprint(tls),
                "signing": told["signing"],
                "clients": [one["id"] for one in told["subsystems"]],
            }
            member = {**told["member"], "subsystems": told["subsystems"]}
            if before and _same(before, gateway, member, content):
                return before, False
            self._check_moment(told)
            if before:
                gateway |= _handover(before, gateway, self.now, spread, overlap)
            self._write(ADD, {"member": member, "gateway": gateway, "registered": told["moment"]})
        return gateway, True

    def remove(self, gateway: str) -> None:
        """Let the gateway take part no more, nor its systems; raise `NotAdmitted`."""
        with alone(self.folder):
            known = gateways(self.folder)
            if gateway not in known:
                raise NotAdmitted(gateway=gateway, known=", ".join(known) or "–")
            self._write(REMOVE, {"gateway": gateway})

    def allow(self, permission: Permission, basis: str) -> bool:
        """Let the ceiling of rights reach *permission* on *basis*; return whether that is new. Raise `BadRight`."""
        _check_right(permission)
        with alone(self.folder):
            if permission.data() in self.content()["rights"]:
                return False
            self._write(ALLOW, {"right": permission.data(), "basis": basis})
        return True

    def deny(self, client: str, service: str) -> int:
        """Take away what was given here of *client* to *service*; return how many rights. Raise `NotGiven`."""
        with alone(self.folder):
            found: dict[str, list[Any]] = {"rights": []}
            for act in acts(self.folder):
                if act.what in (ALLOW, DENY):
                    _STEPS[act.what](found, act.facts)
            gone = [one for one in found["rights"] if (one["client"], one["service"]) == (client, service)]
            if not gone:
                raise NotGiven(client=client, service=service)
            self._write(DENY, {"rights": gone})
        return len(gone)

    def approve(self, name: str, certificate: Certificate, *, profile: str, ocsp: str) -> None:
        """Approve a certification authority whose certificates name members by *profile*; raise `BadAuthority`."""
        if not _is_authority(certificate):
            raise BadAuthority(name=name)
        own = pem([certificate]).decode()
        responders = [{"url": ocsp, "certificate": own}] if ocsp else []
        told = {"name": name, "certificate": own, "profile": _NAMESPACE + profile, "responders": responders}
        with alone(self.folder):
            self._write(APPROVE, {"list": "authorities", "authority": told})

    def approve_stamps(self, name: str, certificate: Certificate, url: str) -> None:
        """Approve a time-stamp authority that answers at *url*."""
        told = {"name": name, "url": url, "certificate": pem([certificate]).decode()}
        with alone(self.folder):
            self._write(APPROVE, {"list": "time_stampers", "authority": told})

    def withdraw(self, name: str) -> None:
        """Approve the authority *name* no more; raise `NotApproved`."""
        with alone(self.folder):
            content = self.content()
            listed = [*content["authorities"], *content["time_stampers"]]
            known = [one["name"] for one in listed if not isinstance(one, str)]
            if name not in known:
                raise NotApproved(name=name, known=", ".join(known))
            self._write(WITHDRAW, {"name": name})

    def _check_moment(self, told: Mapping[str, Any]) -> None:
        """Raise when a later registration of the gateway was taken in: somebody brings an old one again."""
        for act in acts(self.folder):
            same = act.what == ADD and act.facts["gateway"]["id"] == told["gateway"]
            if same and datetime.fromisoformat(told["moment"]) <= datetime.fromisoformat(act.facts["registered"]):
                raise BadRegistration(why=said("a later one of this gateway was taken in already"))

    def _write(self, what: str, facts: Mapping[str, Any]) -> None:
        act = Change(what, facts, self.by, self.now)
        permissions.append_signed(self.folder / JOURNAL, CHANGE, act.data(), load_key(self.folder / "signing.key"))


def _same(
    before: Mapping[str, Any], gateway: Mapping[str, Any], member: Mapping[str, Any], content: Mapping[str, Any]
) -> bool:
    """Return whether the directory says all of that already."""
    present = before["signing"].startswith(gateway["signing"].rstrip())
    rest = all(before[name] == gateway[name] for name in ("address", "tls", "clients"))
    nobody: Mapping[str, Any] = {"name": "", "subsystems": []}
    known: Mapping[str, Any] = next((one for one in content["members"] if one["id"] == member["id"]), nobody)
    listed = {one["id"]: one for one in known["subsystems"]}
    systems = all(_merged(listed.get(one["id"]), one) == listed.get(one["id"]) for one in member["subsystems"])
    return present and rest and systems and known["name"] == member["name"]


def _handover(
    before: Mapping[str, Any], gateway: Mapping[str, Any], now: datetime, spread: timedelta, overlap: timedelta
) -> dict[str, Any]:
    """Return what to publish besides, where keys change: certificates of before, and until when they count."""
    known = before["signing"].split(_END)
    former = [f"{one.strip()}\n{_END}\n" for one in known if one.strip()]
    others = [one for one in former if one.strip() != gateway["signing"].strip()]
    told: dict[str, Any] = {"signing": "".join([gateway["signing"], *others[:FORMER]])}
    changed = len(others) == len(former) or before["tls"] != gateway["tls"]
    if changed and overlap:
        ends = {"from": (now + spread).isoformat(), "until": (now + overlap).isoformat()}
        told["handover"] = {**ends, "tls": before["tls"], "signing": former[0]}
    return told


def _check_right(permission: Permission) -> None:
    why: Said | None = None
    try:
        client = permission.client
        if not client.startswith((permissions.GLOBAL, permissions.LOCAL)):
            identifiers.read_identifier(client, identifiers.SUBSYSTEM)
        identifiers.read_identifier(permission.service, identifiers.SERVICE)
    except identifiers.BadIdentifier as bad:
        why = said("it names no system and service ({what})", what=str(bad))
    if why:
        raise BadRight(why=why)


def _is_authority(certificate: Certificate) -> bool:
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except x509.ExtensionNotFound:
        return False
