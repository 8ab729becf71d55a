"""The rights of the nation, read from its files."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from onedoor.kernel import nation
from onedoor.privacy.rules import Basis, Grant, Purpose, Seal, Terms


def purposes() -> Mapping[str, Purpose]:
    """Return the purposes of the nation by id."""
    return nation.current().once(_read_all)


@dataclass(frozen=True, slots=True)
class ServiceRight:
    """Purpose and basis by which the first right that names a service has it called, and all who call and give it."""

    purpose: str
    basis: str
    callers: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()


def of_service(service: str) -> ServiceRight | None:
    """Return by what right the exchange service *service* is called; None where the nation has none for it."""
    return nation.current().once(_by_service).get(service)


def _by_service(_country: nation.Nation) -> Mapping[str, ServiceRight]:
    found: dict[str, ServiceRight] = {}
    for purpose in purposes().values():
        for grant in purpose.grants:
            if grant.service:
                known = found.get(grant.service, ServiceRight(purpose.id, next(iter(purpose.basis))))
                callers = tuple(dict.fromkeys((*known.callers, grant.reader)))
                providers = tuple(dict.fromkeys((*known.providers, grant.provider)))
                found[grant.service] = replace(known, callers=callers, providers=providers)
    return found


def _read_all(country: nation.Nation) -> Mapping[str, Purpose]:
    found = (read(document.data) for document in country.documents("right"))
    return {purpose.id: purpose for purpose in found}


def read(data: Mapping[str, Any]) -> Purpose:
    """Return the purpose that a checked file describes."""
    return Purpose(
        id=data["purpose"],
        text=data["text"],
        basis={key: _basis(key, one) for key, one in data["basis"].items()},
        grants=tuple(_grant(one) for one in data["grants"]),
        valid_from=date.fromisoformat(data.get("valid_from", date.min.isoformat())),
        valid_until=date.fromisoformat(data.get("valid_until", date.max.isoformat())),
        without_case=data.get("without_case", False),
        sealed=_seal(data["sealed"]) if "sealed" in data else None,
        consent=tuple(_terms(one) for one in data.get("consent", ())),
        objection=data.get("objection", False),
    )


def _basis(key: str, data: Mapping[str, Any]) -> Basis:
    return Basis(
        key, data["law"], data.get("article", ""), data["text"], data.get("illustrative", False), data["source"]
    )


def _seal(data: Mapping[str, Any]) -> Seal:
    return Seal(data["days"], frozenset(data.get("postponed_by", ())))


def _terms(data: Mapping[str, Any]) -> Terms:
    since, covers = date.fromisoformat(data["from"]), frozenset(data.get("covers", ()))
    return Terms(data["version"], since, data["text"], covers)


def _grant(data: Mapping[str, Any]) -> Grant:
    return Grant(
        reader=data["reader"],
        register=data.get("register", ""),
        service=data.get("service", ""),
        provider=data.get("provider", ""),
        operations=frozenset(data["operations"]),
        fields=tuple(data.get("fields", ())),
        basis=frozenset(data.get("basis", ())),
        posts=frozenset(data.get("posts", ())),
    )
