"""Records of what passed the gate, and of what it refused."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import HashIndex
from django.db import models

from onedoor.kernel.ids import uuid7
from onedoor.privacy.claims import FORM
from onedoor.privacy.requests.models import PersonRequest, RequestStep
from onedoor.store.fields import BlindField, SealedField

__all__ = ["PersonRequest", "Postponement", "ReadPerson", "ReadRecord", "RequestStep"]


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
    form = models.SmallIntegerField(default=FORM, db_default=1)
    """How what is entered into the ledger is written: `claims.FORM`."""
    erased = models.JSONField(default=dict, db_default={})
    """What is left of persons who were erased: digests of claims by their place (`claims.Details.erased`)."""
    hidden_until = models.DateField(null=True)
    """The day from which a sealed read is shown to the persons it is about."""

    class Meta:
        """Found by case; the id is in order of time. Sealed reads are few, and counted."""

        indexes: ClassVar = [
            models.Index(fields=["case", "id"], name="privacy_read_case", condition=~models.Q(case="")),
            models.Index(fields=["moment"], name="privacy_read_sealed", condition=models.Q(hidden_until__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.register} ({self.id})"


class ReadPerson(models.Model):
    """A person whose data a record is about: a blind index to find it, the number sealed under that person's key.

    A look-up of somebody of whom this system keeps nothing makes no key: then nothing is sealed.
    """

    pk = models.CompositePrimaryKey("person", "looked_by", "record")
    person = BlindField(max_length=32)
    looked_by = models.CharField(max_length=120, db_default="", default="")
    """The account that looked at these records, where that is what is recorded: found apart, for it may be often."""
    record = models.ForeignKey(
        ReadRecord, on_delete=models.PROTECT, related_name="persons", db_index=False, db_constraint=False
    )
    """One statement writes both: looking for the record again would cost every read of a register a sixth of it."""
    sealed = SealedField(row="record_id || '.' || encode(person, 'hex')")
    fields = ArrayField(models.CharField(max_length=60), null=True)
    """Which fields of the record are this person's own; none at all: they are not shown it. NULL stands for all."""

    class Meta:
        """A hash index has no order: a person's newest reads are found by the key, never by walking everybody's."""

        indexes: ClassVar = [HashIndex(fields=["record"], name="privacy_person_record")]

    def __str__(self) -> str:
        return f"person of {self.record_id}"


class Consent(models.Model):
    """What a person said to one version of what a purpose asks: agreed or withdrawn. The newest holds; none is silent.

    *said* is SHA-256 of the words in every language, *salt* what the commitment is salted with, both in hex; *by* is
    the account, or the system that brought it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    person = BlindField(max_length=32, null=True)
    purpose = models.CharField(max_length=80)
    version = models.IntegerField()
    given = models.BooleanField()
    said = models.CharField(max_length=64)
    by = models.CharField(max_length=120)
    moment = models.DateTimeField()
    salt = models.CharField(max_length=64)
    entry = models.UUIDField()

    class Meta:
        """The newest of a person and purpose is found by the index; who was erased has no person any more."""

        indexes: ClassVar = [models.Index(fields=["person", "purpose", "id"], name="privacy_consent_newest")]

    def __str__(self) -> str:
        return f"{'given' if self.given else 'withdrawn'}: {self.purpose} {self.version}"

    @property
    def brought(self) -> bool:
        """Return whether a system brought it in the person's name: its name has parts, an account's id has none."""
        return "/" in self.by


class Revision(models.Model):
    """What an object of the consent API was from a moment on; the newest revision holds, none is changed.

    *plain* is JSON with the snapshot of what is about nobody; what is about a person is *sealed* under their key.
    *refers* is what others find it by, *digest* SHA-256 of a sealed salt and the snapshot, for the ledger; *form* how
    what is entered there is written.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    schema = models.CharField(max_length=20)
    object = models.UUIDField()
    number = models.IntegerField()
    client = models.CharField(max_length=120)
    moment = models.DateTimeField()
    refers = models.CharField(max_length=80, blank=True)
    plain = models.TextField(blank=True)
    sealed = SealedField(default=b"")
    person = BlindField(max_length=32, null=True)
    digest = models.CharField(max_length=64, blank=True)
    ended = models.BooleanField(default=False)
    successor = models.UUIDField(null=True)
    entry = models.UUIDField(null=True)
    form = models.SmallIntegerField(default=2, db_default=1)

    class Meta:
        """One revision follows another; what holds is found by system, by person, by what it refers to."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["object", "number"], name="privacy_revision_number")]
        indexes: ClassVar = [
            models.Index(
                fields=["schema", "client", "object"],
                name="privacy_revision_newest",
                condition=models.Q(successor__isnull=True),
            ),
            models.Index(
                fields=["person", "schema"],
                name="privacy_revision_person",
                condition=models.Q(person__isnull=False),
            ),
            models.Index(
                fields=["refers"],
                name="privacy_revision_refers",
                condition=~models.Q(refers="") & models.Q(successor__isnull=True),
            ),
            models.Index(fields=["entry"], name="privacy_revision_entry", condition=models.Q(entry__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.schema} {self.object} ({self.number})"

    @property
    def emptied(self) -> bool:
        """Return whether nothing is left of it, because its person was forgotten."""
        return not self.plain and not self.sealed


class Postponement(models.Model):
    """A second decision about a sealed read: it is shown later, says another officer than the first."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    record = models.ForeignKey(ReadRecord, on_delete=models.PROTECT, related_name="postponements")
    moment = models.DateTimeField()
    by = models.CharField(max_length=120)
    basis = models.CharField(max_length=80)
    until = models.DateField()
    salt = models.BinaryField(max_length=32)
    entry = models.UUIDField()

    def __str__(self) -> str:
        return f"until {self.until} ({self.record_id})"


from onedoor.privacy.breaches.models import (  # noqa: E402, F401 - a part of the room whose models stand on these
    Breach,
    BreachAct,
    BreachPerson,
    BreachTelling,
    ReceivedBreach,
    ToldBreach,
)
