"""Synthetic runs of services, and how real cases ended, day by day."""

from django.db import models

from onedoor.kernel.ids import uuid7


class Run(models.Model):
    """A run announced for a made-up person, then its case and what that case showed; ``passed`` is None until it ends.

    ``shown`` lists conditions of scales, ``results`` the kinds delivered under valid seals, ``faults`` pairs of a
    fault's word and the part it is about.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    service = models.TextField()
    persona = models.TextField()
    by = models.TextField()
    announced_at = models.DateTimeField()
    case = models.TextField(blank=True, default="")
    version = models.TextField(blank=True, default="")
    digest = models.TextField(blank=True, default="")
    ended_at = models.DateTimeField(null=True)
    passed = models.BooleanField(null=True)
    shown = models.JSONField(default=list)
    results = models.JSONField(default=list)
    faults = models.JSONField(default=list)
    entry = models.TextField(blank=True, default="")
    form = models.SmallIntegerField(default=2, db_default=1)
    """How what is entered is written; in the first form, without who announced it when, the version and its end."""

    class Meta:
        """Found by the definition they prove, and while they wait for their case."""

        db_table = "measurement_run"
        ordering = ("ended_at", "id")
        constraints = (
            models.UniqueConstraint(fields=["case"], condition=~models.Q(case=""), name="measurement_one_run_a_case"),
        )
        indexes = (
            models.Index(fields=["entry"], condition=models.Q(passed=True), name="measurement_passed"),
            models.Index(fields=["digest"], condition=models.Q(passed=True), name="measurement_proofs"),
            models.Index(fields=["service", "persona"], condition=models.Q(case=""), name="measurement_announced"),
        )

    def __str__(self) -> str:
        return f"{self.service} {self.case}"


class EndedCase(models.Model):
    """A real case that is counted: an event that comes twice counts once."""

    case = models.TextField(primary_key=True)

    class Meta:
        """Only the code: what it counted for stands in the sums."""

        db_table = "measurement_ended_case"

    def __str__(self) -> str:
        return self.case


class Ended(models.Model):
    """How many real cases of a service ended on a day, and how many of them without a visit."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    service = models.TextField()
    day = models.DateField()
    ended = models.PositiveIntegerField(default=0)
    away = models.PositiveIntegerField(default=0)

    class Meta:
        """One row a day; there are no more without a visit than there are."""

        db_table = "measurement_ended"
        ordering = ("day",)
        constraints = (
            models.UniqueConstraint(fields=["service", "day"], name="measurement_ended_once"),
            models.CheckConstraint(condition=models.Q(away__lte=models.F("ended")), name="measurement_away_of_ended"),
        )

    def __str__(self) -> str:
        return f"{self.service} {self.day}"
