"""The gate's question for a purpose that stands on consent: which persons have not agreed? Asked for every read."""

from collections.abc import Sequence

from onedoor.exchange import service as exchange
from onedoor.exchange.service import Reason
from onedoor.kernel import nation
from onedoor.kernel.settings import current as settings
from onedoor.privacy.consents import decisions
from onedoor.privacy.rules import CONSENTS, MOST_ASKED, Purpose, Reader


def without_consent(purpose: Purpose, persons: Sequence[str], reader: Reader) -> list[str]:
    """Return those of *persons* who do not agree to *purpose* now, as the system that keeps the consents says.

    Nobody in particular has not agreed, nor whose number is not known, "". Raise `ServiceUnavailable` when it does not
    answer: then nothing is read.
    """
    if not persons or "" in persons:
        return [""]
    parts = (persons[at : at + MOST_ASKED] for at in range(0, len(persons), MOST_ASKED))
    said = [one for part in parts for one in zip(part, _agreed(purpose, part, reader), strict=True)]
    return [person for person, agrees in said if not agrees]


def _agreed(purpose: Purpose, named: Sequence[str], reader: Reader) -> list[bool]:
    here = settings().subsystem
    keeper = next((one.provider for one in purpose.grants if one.service == CONSENTS and one.reader == here), "")
    if not keeper:
        return decisions.agreed(purpose.id, named)
    reason = Reason(purpose.id, next(iter(purpose.basis)), reader.case)
    body = {"purpose": purpose.id, "persons": list(named)}
    answer = exchange.call(f"{keeper}/{CONSENTS}", "agreed", body, reason=reason, user=CONSENTS)
    said = answer.body.get("agreed") if isinstance(answer.body, dict) else None
    if not isinstance(said, list) or len(said) != len(named):
        raise exchange.ServiceUnavailable(who=nation.current().holder_of(keeper))
    return [one is True for one in said]
