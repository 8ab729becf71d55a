"""What the room keeps: counts of what the platform did, and of nobody's data."""

from onedoor.measurement.models.counts import Count, Counted, LateCount, Tally

__all__ = ["Count", "Counted", "LateCount", "Tally"]
