"""Records of what passed the gate, and of what it refused."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from onedoor.kernel.ids import uuid7
from onedoor.store.fields import BlindField, SealedField


class ReadRecord(models.Model):
    """One use of the gate: who, why, what, when; never the data, never a personal number in clear."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    moment = models.DateTimeField()
    client = models.CharField(max_length=120)
    user = models.CharField(max_length=120)
    purpose = models.CharField(max_length=80)
    basis = models.CharField(max_length=80)
    case = models.CharField(max_length=40, blank=True)
    register = models.CharField(max_length=60)
    operation = models.CharField(max_length=10)
    fields = ArrayField(models.CharField(max_length=60))
    refused = models.CharField(max_length=40, blank=True)
    salt = models.BinaryField(max_length=32)
    entry = models.UUIDField()

    class Meta:
        """Found by case; the id is in order of time."""

        indexes: ClassVar = [
            models.Index(fields=["case", "id"], name="privacy_read_case", condition=~models.Q(case="")),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.register} ({self.id})"


class ReadPerson(models.Model):
    """A person whose data a record is about: a blind index to find it, the number sealed under that person's key.

    A look-up of somebody of whom this system keeps nothing makes no key: then nothing is sealed.
    """

    pk = models.CompositePrimaryKey("person", "record")
    person = BlindField(max_length=32)
    record = models.ForeignKey(ReadRecord, on_delete=models.PROTECT, related_name="persons")
    sealed = SealedField(row="record_id || '.' || encode(person, 'hex')")

    def __str__(self) -> str:
        return f"person of {self.record_id}"
