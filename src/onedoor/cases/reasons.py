"""Why this room calls other systems: the purposes that the nation's rights name for its services."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from onedoor.exchange.service import Reason
from onedoor.kernel import nation
from onedoor.kernel.errors import NotAllowed
from onedoor.kernel.nation import Nation


class NoRight(NotAllowed):
    """The nation's rights name no purpose for the service {service}. Add a right with a legal basis."""


@dataclass(slots=True)
class _Right:
    """The first purpose and basis that name a service, and all systems that give it, in the order of the rights."""

    purpose: str
    basis: str
    providers: dict[str, None] = field(default_factory=dict)


def reason(service: str, case: str) -> Reason:
    """Return purpose and basis under which the exchange service *service* is called for *case*."""
    right = nation.current().once(_rights).get(service)
    if right is None:
        raise NoRight(service=service)
    return Reason(purpose=right.purpose, basis=right.basis, case=case)


def providers(service: str) -> tuple[str, ...]:
    """Return the systems that may be asked for the exchange service *service*, in the order of the rights."""
    right = nation.current().once(_rights).get(service)
    return tuple(right.providers) if right else ()


def _rights(country: Nation) -> Mapping[str, _Right]:
    found: dict[str, _Right] = {}
    for document in country.documents("right"):
        for grant in document.data["grants"]:
            if service := grant.get("service"):
                basis = next(iter(document.data["basis"]))
                right = found.setdefault(service, _Right(document.data["purpose"], basis))
                right.providers[grant["provider"]] = None
    return found
