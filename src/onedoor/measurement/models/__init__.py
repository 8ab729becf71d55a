"""What the room keeps at the portal: counts of agencies, runs of services, how real cases ended, assessments."""

from onedoor.measurement.models.assessments import Answer, Assessment, Decision, Sheet
from onedoor.measurement.models.counts import Count, Counted, LateCount, Tally
from onedoor.measurement.models.runs import Ended, EndedCase, Run

__all__ = [
    "Answer",
    "Assessment",
    "Count",
    "Counted",
    "Decision",
    "Ended",
    "EndedCase",
    "LateCount",
    "Run",
    "Sheet",
    "Tally",
]
