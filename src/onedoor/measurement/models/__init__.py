"""What the room keeps at the portal: counts of what agencies did, runs of services, and how real cases ended."""

from onedoor.measurement.models.counts import Count, Counted, LateCount, Tally
from onedoor.measurement.models.runs import Ended, EndedCase, Run

__all__ = ["Count", "Counted", "Ended", "EndedCase", "LateCount", "Run", "Tally"]
