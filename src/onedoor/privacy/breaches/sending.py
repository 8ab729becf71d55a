"""Between systems: a notice goes to the authority's system, its answer comes back; within one system, the short way."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from onedoor.exchange import service as exchange
from onedoor.privacy.breaches import acts, authority, definition, writing
from onedoor.privacy.breaches.models import Breach, BreachAct, ReceivedBreach


def report(act: UUID) -> None:
    """Give the authority what one act says of a breach."""
    one = BreachAct.objects.get(id=act)
    breach = Breach.objects.get(code=one.code)
    duty = definition.duty()
    if duty is None or breach.found is None or breach.reported is None:
        raise RuntimeError("a notice was sent of a breach that was not found, or where there is no duty to")
    body = {
        "code": one.code,
        "agency": breach.agency,
        "part": str(one.id),
        "kind": one.kind,
        "found": breach.found.isoformat(),
        "reported": breach.reported.isoformat(),
        "said": acts.said(one),
    }
    if duty.authority == one.system:
        authority.receive(one.system, one.by, body)
    else:
        ask(one.system, duty.authority, "report", body, user=one.by, key=f"breach:{one.id}")


def answer(received: UUID) -> None:
    """Tell the system that gave notice of a breach that it is acknowledged."""
    one = ReceivedBreach.objects.get(id=received)
    duty = definition.duty()
    if duty is None or one.acknowledged is None:
        raise RuntimeError("nothing was acknowledged")
    if duty.authority == one.system:
        writing.acknowledged(one.code, one.system, one.acknowledged_by, one.acknowledged)
        return
    body = {"code": one.code, "acknowledged": one.acknowledged.isoformat()}
    key = f"breach:{one.code}:acknowledged"
    ask(duty.authority, one.system, "acknowledged", body, user=one.acknowledged_by, key=key)


def ask(system: str, provider: str, path: str, body: Mapping[str, Any], *, user: str, key: str) -> Any:  # noqa: ANN401
    """Ask the service ``breaches`` of *provider* as *user* of *system*, and return the answer's JSON."""
    reader = definition.reader_of(system, user)
    why = exchange.Reason(reader.purpose, reader.basis, body.get("code", ""))
    return exchange.call(f"{provider}/{definition.SERVICE}", path, body, reason=why, user=user, key=key).body
