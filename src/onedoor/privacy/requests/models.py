"""What persons ask about their data, and every step of it."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from onedoor.kernel.ids import uuid7
from onedoor.store.fields import BlindField, SealedField


class PersonRequest(models.Model):
    """A person's request to restrict, object or erase, and the agency's decision.

    Who they are, what they say and what they are answered is sealed under their key; while it is granted it stops the
    gate, by their blind index, for its purpose or, with none, for every purpose that can be stopped.
    """

    OPEN, GRANTED, REFUSED, LIFTED = "open", "granted", "refused", "lifted"

    code = models.CharField(max_length=16, primary_key=True)
    right = models.CharField(max_length=20)
    purpose = models.CharField(max_length=80, blank=True)
    layer = models.DateField()
    """The first day of the layer of law it was asked under."""
    person = BlindField(max_length=32, null=True)
    sealed = SealedField()
    client = models.CharField(max_length=120)
    account = models.CharField(max_length=120)
    key = models.CharField(max_length=120)
    asked = models.DateTimeField()
    due = models.DateTimeField()
    extended = models.BooleanField(default=False)
    state = models.CharField(max_length=10, default=OPEN)
    ended = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=120, blank=True)
    complete_on = models.DateField(null=True)
    """The day on which a granted erasure is complete."""

    class Meta:
        """Found by who asked, by what is still open, and by whom the gate stops; once for each key."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["client", "key"], name="privacy_request_once"),
            models.CheckConstraint(
                condition=Q(state="open", ended=None)
                | Q(state__in=["granted", "refused", "lifted"], ended__isnull=False),
                name="privacy_request_ended",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["client", "account"], name="privacy_request_asker"),
            models.Index(fields=["due"], condition=Q(state="open"), name="privacy_request_open"),
            models.Index(fields=["person"], condition=Q(state="granted"), name="privacy_request_stops"),
        ]

    def __str__(self) -> str:
        return f"{self.code}: {self.right}, {self.state}"


class RequestStep(models.Model):
    """One step of a request, such as asked, granted or lifted (`steps`); each has its entry in the ledger.

    *stands* is a salted digest of the request as the step left it, *said* that of what is sealed in it; both in hex.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    request = models.ForeignKey(PersonRequest, on_delete=models.PROTECT, related_name="steps")
    kind = models.CharField(max_length=10)
    moment = models.DateTimeField()
    by = models.CharField(max_length=120)
    due = models.DateTimeField()
    salt = models.BinaryField(max_length=32)
    entry = models.UUIDField()
    form = models.SmallIntegerField(default=2, db_default=1)
    """How what is entered is written; in the first form it did not cover the request."""
    stands = models.CharField(max_length=64, blank=True, db_default="")
    said = models.CharField(max_length=64, blank=True, db_default="")

    def __str__(self) -> str:
        return f"{self.request_id}: {self.kind}"
