"""Why this room calls other systems: the purposes that the nation's rights name for its services."""

from onedoor.exchange.service import Reason
from onedoor.kernel.errors import NotAllowed
from onedoor.privacy.service import service_right


class NoRight(NotAllowed):
    """The nation's rights name no purpose for the service {service}. Add a right with a legal basis."""


def reason(service: str, case: str) -> Reason:
    """Return purpose and basis under which the exchange service *service* is called for *case*."""
    right = service_right(service)
    if right is None:
        raise NoRight(service=service)
    return Reason(purpose=right.purpose, basis=right.basis, case=case)


def providers(service: str) -> tuple[str, ...]:
    """Return the systems that may be asked for the exchange service *service*, in the order of the rights."""
    right = service_right(service)
    return right.providers if right else ()
