"""The gate's question for a purpose that stands on consent: do all these persons agree? Asked anew for every read."""

from collections.abc import Sequence

from onedoor.exchange import service as exchange
from onedoor.exchange.service import Reason
from onedoor.kernel import nation
from onedoor.kernel.settings import current as settings
from onedoor.privacy.consents import decisions
from onedoor.privacy.rules import CONSENTS, Purpose, Reader


def all_agree(purpose: Purpose, persons: Sequence[str], reader: Reader) -> bool:
    """Return whether every one of *persons* agrees to *purpose* now, as the system that keeps the consents says.

    Of nobody in particular nobody has agreed. Raise `ServiceUnavailable` when it does not answer: then nothing is read.
    """
    named = [one for one in persons if one]
    if not named:
        return False
    here = settings().subsystem
    keeper = next((one.provider for one in purpose.grants if one.service == CONSENTS and one.reader == here), "")
    if not keeper:
        return all(decisions.agreed(purpose.id, named))
    reason = Reason(purpose.id, next(iter(purpose.basis)), reader.case)
    body = {"purpose": purpose.id, "persons": named}
    answer = exchange.call(f"{keeper}/{CONSENTS}", "agreed", body, reason=reason, user=CONSENTS)
    said = answer.body.get("agreed") if isinstance(answer.body, dict) else None
    if not isinstance(said, list) or len(said) != len(named):
        raise exchange.ServiceUnavailable(who=nation.current().holder_of(keeper))
    return all(one is True for one in said)
