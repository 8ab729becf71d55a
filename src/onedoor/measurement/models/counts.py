"""Counts of each agency, measure and service, by the day of the fact and the day it was counted.

Running totals by the day of counting say what was known at the end of each day. What was counted later than its own
day stands beside them by both days, and is read where it belongs. Once a day is over, its rows stay as they are.
"""

from django.db import models

from onedoor.kernel.ids import uuid7


class Tally(models.Model):
    """Whose counts (`levels.Whose`), of what and of which service; ``lag`` is the most days that one came late."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    whose = models.TextField()
    measure = models.TextField()
    service = models.TextField()
    lag = models.PositiveIntegerField(db_default=0)

    class Meta:
        """Found by whose they are."""

        db_table = "measurement_tally"
        constraints = (models.UniqueConstraint(fields=["whose", "measure", "service"], name="measurement_one_tally"),)

    def __str__(self) -> str:
        return f"{self.whose} {self.measure} {self.service}"


class Count(models.Model):
    """All that was counted up to the end of ``day``; of a stock, how many there have been since ``day``."""

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

    pk = models.CompositePrimaryKey("tally_id", "counted", "day")
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
