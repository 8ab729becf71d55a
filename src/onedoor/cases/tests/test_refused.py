"""What a gateway refused is kept where it was asked."""

import pytest

from onedoor.cases.models import Attempt
from onedoor.cases.tests.conftest import work
from onedoor.exchange import service as exchange
from onedoor.exchange.service import Call, Reason
from onedoor.store.models import LedgerEntry, StatedEvent

pytestmark = pytest.mark.django_db(transaction=True)
ASKED = Call(
    "VN/GOV/G01/POPULATION/population",
    "lookup",
    {"by": {"number": "001196204817"}},
    reason=Reason("curiosity", "none", "2611-7K4M-Q8"),
    user="commune-00199.civil-status",
)


def test_a_question_that_a_gateway_refused_is_an_attempt_in_the_ledger_and_tells_no_number() -> None:
    exchange._keep_refusal(ASKED)
    work()
    kept = Attempt.objects.get()
    assert (kept.kind, kept.by) == ("refused-on-the-way", ASKED.user)
    assert kept.what == "2611-7K4M-Q8 curiosity population"
    assert LedgerEntry.objects.filter(pk=kept.entry).exists()
    assert "001196204817" not in str(list(StatedEvent.objects.values_list("data", flat=True)))
