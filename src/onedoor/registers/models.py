"""Records of all registers, the blind index that finds them, and serial numbers."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from onedoor.kernel.ids import uuid7
from onedoor.registers.history import ALWAYS, FOREVER
from onedoor.store.fields import BlindField, SealedField


class Record(models.Model):
    """One version of one record: what it was on the days of its validity, as the State knew from `recorded_from` on.

    A later version goes before it on the days both speak of. `recorded_until` says when the next version came; nothing
    else in a row ever changes: the database refuses it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    register = models.CharField(max_length=60)
    identity = BlindField(max_length=32)
    version = models.PositiveIntegerField(default=1)
    schema = models.PositiveSmallIntegerField(default=1)
    """The version of the register's definition it was written under."""
    plain = models.JSONField(default=dict)
    sealed = ArrayField(SealedField())
    valid_from = models.DateField(default=ALWAYS)
    valid_until = models.DateField(default=FOREVER)
    recorded_from = models.DateTimeField()
    recorded_until = models.DateTimeField(null=True)
    client = models.CharField(max_length=120)
    user = models.CharField(max_length=120)
    case = models.CharField(max_length=40, blank=True)
    permit = models.CharField(max_length=40, blank=True)
    key = models.CharField(max_length=120, blank=True)
    request = BlindField(max_length=32, default=b"")

    class Meta:
        """One latest version of a record; one write per key."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["identity"], condition=Q(recorded_until=None), name="registers_one_current_version"
            ),
            models.UniqueConstraint(fields=["identity", "version"], name="registers_versions_in_order"),
            models.UniqueConstraint(
                fields=["register", "client", "key"], condition=~Q(key=""), name="registers_key_once"
            ),
            models.CheckConstraint(
                condition=Q(recorded_until=None) | Q(recorded_until__gte=models.F("recorded_from")),
                name="registers_recorded_in_order",
            ),
            models.CheckConstraint(
                condition=Q(valid_until__gt=models.F("valid_from")), name="registers_valid_in_order"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["register", "id"], condition=Q(recorded_until=None), name="registers_current"),
        ]

    def __str__(self) -> str:
        return f"{self.register} {self.id} version {self.version}"

    @property
    def ends(self) -> bool:
        """Return whether this version says that there is no such record on its days."""
        return not self.plain and not self.sealed


class PublishedSchema(models.Model):
    """What a published version of a register says of its fields, as it was when it was first met here."""

    pk = models.CompositePrimaryKey("register", "version")
    register = models.CharField(max_length=60)
    version = models.PositiveSmallIntegerField()
    fields = models.JSONField()

    def __str__(self) -> str:
        return f"{self.register} v{self.version}"


class FoundBy(models.Model):
    """By which look-ups every record of a register is found here: how each finds, and whether all have its terms."""

    register = models.CharField(max_length=60, primary_key=True)
    lookups = models.JSONField()

    def __str__(self) -> str:
        return f"look-ups of {self.register}"


class Term(models.Model):
    """A keyed hash under which a version of a record is found; it tells nothing by itself."""

    pk = models.CompositePrimaryKey("value", "record")
    value = BlindField(max_length=32)
    record = models.ForeignKey(Record, on_delete=models.PROTECT, related_name="terms")

    def __str__(self) -> str:
        return f"term of {self.record_id}"


class Archived(models.Model):
    """That a record is in the archive since a moment, by which rule; and when it was destroyed, if it was.

    Of a destroyed record nothing else is left but its bare versions: no value, and nothing by which to find it.
    """

    identity = BlindField(max_length=32, primary_key=True)
    register = models.CharField(max_length=60)
    record = models.ForeignKey(Record, on_delete=models.PROTECT, related_name="+")
    rule = models.CharField(max_length=300)
    archived = models.DateTimeField()
    entry = models.UUIDField()
    destroyed = models.DateTimeField(null=True)
    destroyed_rule = models.CharField(max_length=300, blank=True)
    destroyed_entry = models.UUIDField(null=True)

    class Meta:
        """Destroyed is all on record or nothing; the database refuses to take either back."""

        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(destroyed=None, destroyed_rule="", destroyed_entry=None)
                | Q(destroyed__gte=models.F("archived"), destroyed_entry__isnull=False) & ~Q(destroyed_rule=""),
                name="registers_destroyed_on_record",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.register} {self.record_id}: {self.rule}"


class Serial(models.Model):
    """The last number given out within a scope such as ``births:commune-00199:2026``."""

    scope = models.CharField(max_length=160, primary_key=True)
    last = models.PositiveBigIntegerField()

    def __str__(self) -> str:
        return f"{self.scope}: {self.last}"


class Correction(models.Model):
    """A person's word that a fact of a version is wrong, and the owner's decision.

    What they say, who they are and what they are answered is sealed under their key.
    """

    OPEN, ACCEPTED, DECLINED = "open", "accepted", "declined"

    code = models.CharField(max_length=16, primary_key=True)
    register = models.CharField(max_length=60)
    field = models.CharField(max_length=60)
    record = models.ForeignKey(Record, on_delete=models.PROTECT, related_name="corrections")
    sealed = SealedField()
    client = models.CharField(max_length=120)
    account = models.CharField(max_length=120)
    key = models.CharField(max_length=120)
    permit = models.CharField(max_length=40)
    asked = models.DateTimeField()
    due = models.DateTimeField()
    state = models.CharField(max_length=10, default=OPEN)
    overdue = models.DateTimeField(null=True)
    decided = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=120, blank=True)

    class Meta:
        """Found by who asked, and by what is still open; once for each key."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["client", "key"], name="registers_correction_once"),
            models.CheckConstraint(
                condition=Q(state="open", decided=None) | Q(state__in=["accepted", "declined"], decided__isnull=False),
                name="registers_correction_decided",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["client", "account"], name="registers_correction_asker"),
            models.Index(fields=["due"], condition=Q(state="open"), name="registers_correction_open"),
        ]

    def __str__(self) -> str:
        return f"{self.code}: {self.register} {self.field}, {self.state}"


class ToldCorrection(models.Model):
    """That a fact this system read was corrected, as its owner told it; once for each code and owner."""

    pk = models.CompositePrimaryKey("owner", "code")
    owner = models.CharField(max_length=120)
    code = models.CharField(max_length=16)
    told = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.code} of {self.owner}"


class HeardChange(models.Model):
    """That a record of a register this system follows has a new version, as the register's owner told it."""

    id = models.UUIDField(primary_key=True)
    register = models.CharField(max_length=60)
    record = models.UUIDField()
    version = models.PositiveIntegerField()
    purpose = models.CharField(max_length=80)
    basis = models.CharField(max_length=80)
    fields = ArrayField(models.CharField(max_length=60))
    ended = models.BooleanField()
    heard = models.DateTimeField()

    class Meta:
        """Each version is heard of once for a purpose and basis."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["register", "record", "version", "purpose", "basis"], name="registers_change_heard_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.register} {self.record}, version {self.version}"
