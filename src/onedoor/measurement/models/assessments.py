"""Assessments of units by two assessors, each on a sheet of their own, and what was decided where they differ."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from onedoor.kernel.ids import uuid7


class Assessment(models.Model):
    """An assessment of a unit by a list of indicators, whose codes it keeps as they were when it was opened."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    list = models.TextField()
    codes = models.JSONField()
    unit = models.TextField()
    opened_at = models.DateTimeField()
    opened_by = models.TextField()
    published_at = models.DateTimeField(null=True)
    published_by = models.TextField(blank=True, default="")
    entry = models.TextField(blank=True, default="")

    class Meta:
        """One of a unit at a time; what is published stays."""

        db_table = "measurement_assessment"
        ordering = ("id",)
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["list", "unit"], condition=Q(published_at=None), name="measurement_one_open_assessment"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.list} {self.unit}"


class Sheet(models.Model):
    """What one assessor says: ``person`` is their account, ``place`` tells the two apart where nobody is named."""

    FIRST, SECOND = 1, 2
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    assessment = models.ForeignKey(Assessment, on_delete=models.PROTECT, related_name="sheets")
    place = models.PositiveSmallIntegerField()
    person = models.TextField()
    post = models.TextField()
    submitted_at = models.DateTimeField(null=True)
    entry = models.TextField(blank=True, default="")

    class Meta:
        """Two of an assessment, of two persons."""

        db_table = "measurement_sheet"
        ordering = ("place",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["assessment", "place"], name="measurement_sheet_place"),
            models.UniqueConstraint(fields=["assessment", "person"], name="measurement_sheet_person"),
            models.CheckConstraint(condition=Q(place__in=(1, 2)), name="measurement_two_sheets"),
        ]

    def __str__(self) -> str:
        return f"{self.assessment_id} {self.place}"


class Answer(models.Model):
    """What an assessor says of one indicator, with the address that shows it."""

    pk = models.CompositePrimaryKey("sheet_id", "code")
    sheet = models.ForeignKey(Sheet, on_delete=models.CASCADE, related_name="answers", db_index=False)
    code = models.TextField()
    present = models.BooleanField()
    link = models.TextField(blank=True)

    class Meta:
        """What is said to be there is shown."""

        db_table = "measurement_answer"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(present=False) | ~Q(link=""), name="measurement_present_is_shown"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.present}"


class Decision(models.Model):
    """What the reconciler decided of an indicator that the two answer differently, and why."""

    pk = models.CompositePrimaryKey("assessment_id", "code")
    assessment = models.ForeignKey(Assessment, on_delete=models.PROTECT, related_name="decisions", db_index=False)
    code = models.TextField()
    present = models.BooleanField()
    reason = models.TextField()
    person = models.TextField()
    post = models.TextField()
    decided_at = models.DateTimeField()

    class Meta:
        """One of each indicator, with a reason."""

        db_table = "measurement_decision"
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(reason=""), name="measurement_decided_with_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.present}"
