"""Breaches found here, what was said of each, whom it touched, and those that other systems gave notice of."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from onedoor.kernel.ids import uuid7
from onedoor.privacy.models import ReadRecord
from onedoor.store.fields import BlindField, SealedField

LEDGER_KIND = "privacy.breach"


class Breach(models.Model):
    """A breach at an agency of this system: what its officer has written of it, and how far its notice is."""

    code = models.CharField(max_length=16, primary_key=True)
    agency = models.CharField(max_length=60)
    key = models.CharField(max_length=60)
    by = models.CharField(max_length=120)
    opened = models.DateTimeField()
    found = models.DateTimeField(null=True)
    due = models.DateTimeField(null=True)
    overdue = models.DateTimeField(null=True)
    """When it was stated that the limit passed without a notice."""
    reported = models.DateTimeField(null=True)
    acknowledged = models.DateTimeField(null=True)
    sealed = SealedField()
    """What stands in the form, as it was typed."""

    class Meta:
        """Opened once for each key; what is due is looked for."""

        db_table = "privacy_breach"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["agency", "key"], name="privacy_breach_once"),
            models.CheckConstraint(
                condition=Q(found=None, due=None, reported=None) | Q(found__isnull=False, due__isnull=False),
                name="privacy_breach_found",
            ),
            models.CheckConstraint(
                condition=Q(acknowledged=None) | Q(reported__isnull=False), name="privacy_breach_in_order"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due"], name="privacy_breach_due", condition=Q(reported=None, overdue=None)),
        ]

    def __str__(self) -> str:
        return f"{self.code} of {self.agency}"


class BreachAct(models.Model):
    """One thing that was done or said about a breach, at its own system or at the authority's; never changed.

    *key* sets it apart from others of its *kind*.
    """

    OPENED, FOUND, REPORTED, SUPPLEMENTED, OVERDUE, ACKNOWLEDGED, TOLD = (
        "opened", "found", "reported", "supplemented", "overdue", "acknowledged", "told",
    )  # fmt: skip
    RECEIVED, ANSWERED = "received", "answered"
    """At the authority."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    system = models.CharField(max_length=120)
    code = models.CharField(max_length=16)
    kind = models.CharField(max_length=20)
    key = models.CharField(max_length=60, blank=True)
    moment = models.DateTimeField()
    by = models.CharField(max_length=120)
    sealed = SealedField(entered=LEDGER_KIND)
    entry = models.UUIDField()

    class Meta:
        """Each act once."""

        db_table = "privacy_breachact"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["system", "code", "kind", "key"], name="privacy_breach_act_once"),
        ]

    def __str__(self) -> str:
        return f"{self.code}: {self.kind}"


class ReceivedBreach(models.Model):
    """A breach that another system, or an agency of this one, gave notice of to the authority here."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    system = models.CharField(max_length=120)
    code = models.CharField(max_length=16)
    agency = models.CharField(max_length=60)
    found = models.DateTimeField()
    due = models.DateTimeField(null=True)
    """By the authority's own file; NULL where no law held on the day it was found."""
    reported = models.DateTimeField()
    received = models.DateTimeField()
    acknowledged = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=120, blank=True)

    class Meta:
        """Once for each system and code."""

        db_table = "privacy_receivedbreach"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["system", "code"], name="privacy_breach_received_once"),
        ]

    def __str__(self) -> str:
        return f"{self.code} of {self.system}"


class BreachTelling(models.Model):
    """A decision to tell the persons whose data certain reads touched, and how many of them heard."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    breach = models.ForeignKey(Breach, on_delete=models.PROTECT, related_name="tellings")
    key = models.CharField(max_length=60)
    moment = models.DateTimeField()
    by = models.CharField(max_length=120)
    sealed = SealedField()
    """Which reads, and the words in which their persons are told."""
    persons = models.PositiveIntegerField()
    reached = models.PositiveIntegerField(default=0)
    missed = models.PositiveIntegerField(default=0)
    """Who has no account at the portal, or was erased meanwhile."""
    ended = models.DateTimeField(null=True)
    looked_on = models.DateField()
    """The day on which its persons were last taken down: those of a sealed read come on the day that is shown."""

    class Meta:
        """Decided once for each key of a form."""

        db_table = "privacy_breachtelling"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["breach", "key"], name="privacy_breach_telling_once"),
        ]

    def __str__(self) -> str:
        return f"{self.persons} persons of {self.breach_id}"


class BreachPerson(models.Model):
    """A person who is still to be told: a blind index, and a read of theirs that holds their number sealed."""

    pk = models.CompositePrimaryKey("telling", "person")
    telling = models.ForeignKey(BreachTelling, on_delete=models.PROTECT, related_name="waiting")
    person = BlindField(max_length=32)
    record = models.ForeignKey(ReadRecord, on_delete=models.PROTECT, related_name="+", db_index=False)
    listed = models.BooleanField(default=False)
    """Whether it is on record that this person's number was read to tell them."""

    class Meta:
        """Rows go as soon as their persons are told."""

        db_table = "privacy_breachperson"

    def __str__(self) -> str:
        return f"person of {self.telling_id}"


class ToldBreach(models.Model):
    """At the portal: the words in which a system has persons told of a breach."""

    id = models.UUIDField(primary_key=True, editable=False)
    system = models.CharField(max_length=120)
    agency = models.CharField(max_length=60)
    told = models.DateTimeField()
    sealed = SealedField()

    class Meta:
        """Once for each decision to tell."""

        db_table = "privacy_toldbreach"

    def __str__(self) -> str:
        return f"{self.id} of {self.system}"
