"""Why this room calls other systems: the purposes that the nation's rights name for its services."""

from onedoor.exchange.service import Reason
from onedoor.kernel import nation
from onedoor.kernel.errors import NotAllowed


class NoRight(NotAllowed):
    """The nation's rights name no purpose for the service {service}. Add a right with a legal basis."""


def reason(service: str, case: str) -> Reason:
    """Return purpose and basis under which the exchange service *service* is called for *case*."""
    for document in nation.current().documents("right"):
        if any(grant.get("service") == service for grant in document.data["grants"]):
            return Reason(purpose=document.data["purpose"], basis=next(iter(document.data["basis"])), case=case)
    raise NoRight(service=service)


def providers(service: str) -> tuple[str, ...]:
    """Return the systems that may be asked for the exchange service *service*, in the order of the rights."""
    found: dict[str, None] = {}
    for document in nation.current().documents("right"):
        found |= {grant["provider"]: None for grant in document.data["grants"] if grant.get("service") == service}
    return tuple(found)
