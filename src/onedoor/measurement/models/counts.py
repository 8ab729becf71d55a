"""Counts of each agency, measure and service, by the day of the fact and the day it was counted.

What is counted on its own day is kept as running totals, so that any stretch of days is the difference of two rows;
what is counted later is kept by both days. No row that a day left behind is ever changed.
"""

from django.db import models

from onedoor.kernel.ids import uuid7


class Tally(models.Model):
    """Whose counts, of what and of which service: ``whose`` is written by `counting.whose`."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    whose = models.TextField()
    measure = models.TextField()
    service = models.TextField()

    class Meta:
        """Found by whose they are."""

        db_table = "measurement_tally"
        constraints = (models.UniqueConstraint(fields=["whose", "measure", "service"], name="measurement_one_tally"),)

    def __str__(self) -> str:
        return f"{self.whose} {self.measure} {self.service}"


class Count(models.Model):
    """All that was counted on its own day up to ``day``; of a stock, how many there have been since ``day``."""

    pk = models.CompositePrimaryKey("tally_id", "day")
    tally = models.ForeignKey(Tally, on_delete=models.CASCADE, db_index=False)
    day = models.DateField()
    total = models.BigIntegerField()

    class Meta:
        """A total for each day on which it changed; the last before a day is found by the key."""

        db_table = "measurement_count"

    def __str__(self) -> str:
        return f"{self.day} {self.total}"


class LateCount(models.Model):
    """What was counted on the day ``counted`` of facts of an earlier ``day``."""

    pk = models.CompositePrimaryKey("tally_id", "day", "counted")
    tally = models.ForeignKey(Tally, on_delete=models.CASCADE, db_index=False)
    day = models.DateField()
    counted = models.DateField()
    total = models.BigIntegerField()

    class Meta:
        """Few: what was still on its way at midnight, or came after a standstill."""

        db_table = "measurement_late"

    def __str__(self) -> str:
        return f"{self.day} {self.counted} {self.total}"


class Counted(models.Model):
    """An event that is counted: it is not counted again."""

    event = models.UUIDField(primary_key=True)

    class Meta:
        """Events and nothing about them."""

        db_table = "measurement_counted"

    def __str__(self) -> str:
        return str(self.event)
