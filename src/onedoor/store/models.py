"""What the store keeps in each process's database: stated events and the ledger."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from onedoor.kernel.ids import uuid7
from onedoor.kernel.ledger import Leaf


class StatedEvent(models.Model):
    """A fact a room stated, in clear and without personal data."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    name = models.TextField()
    data = models.JSONField()
    stated_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Events are found by their kind and time."""

        db_table = "store_event"
        indexes = (models.Index(fields=["name", "stated_at"], name="store_event_by_kind"),)

    def __str__(self) -> str:
        return f"{self.name} {self.id}"


class LedgerEntry(models.Model):
    """A commitment to something that happened; it gets its position in the tree when it is integrated."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    kind = models.TextField()
    commitment = models.BinaryField(max_length=32)
    position = models.BigIntegerField(null=True, unique=True)
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """A trigger of the first migration holds that an entry never changes and never goes."""

        db_table = "store_ledger_entry"
        indexes = (models.Index(fields=["id"], name="store_ledger_waiting", condition=models.Q(position__isnull=True)),)

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def leaf(self) -> bytes:
        """Return the bytes whose hash is the leaf of the tree."""
        return Leaf(self.id, self.kind, bytes(self.commitment)).content()


class LedgerNode(models.Model):
    """A complete node of the ledger's tree."""

    pk = models.CompositePrimaryKey("level", "index")
    level = models.SmallIntegerField()
    index = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)

    class Meta:
        """A node is found by its place."""

        db_table = "store_ledger_node"

    def __str__(self) -> str:
        return f"{self.level}/{self.index}"


class LedgerCheckpoint(models.Model):
    """What the ledger was at one size, signed by this system."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField(max_length=32)
    note = models.TextField()
    signed_at = models.DateTimeField()

    class Meta:
        """One checkpoint a size."""

        db_table = "store_ledger_checkpoint"

    def __str__(self) -> str:
        return f"{self.size}"


class Amendment(models.Model):
    """That what stands behind an entry of the ledger is lawfully another than was entered, and why; entered itself.

    ``mark`` is a keyed hash: who can write to the database alone can make none.
    """

    id = models.UUIDField(primary_key=True, default=uuid7)
    amended = models.UUIDField(db_index=True)
    digest = models.BinaryField(max_length=32)
    why = models.CharField(max_length=20)
    mark = models.BinaryField(max_length=32)
    entry = models.UUIDField()

    class Meta:
        """A trigger holds that an amendment never changes and never goes."""

        db_table = "store_amendment"

    def __str__(self) -> str:
        return f"{self.amended} {self.why}"


class Erasure(models.Model):
    """That a person was erased here: under which keys their data stood, and when the last copy of these expires.

    The ids of keys are random and tell of nobody. What is still to be destroyed is found by them after a crash.
    """

    id = models.UUIDField(primary_key=True, default=uuid7)
    keys = ArrayField(models.BinaryField(max_length=16))
    request = models.CharField(max_length=80)
    erased_at = models.DateTimeField()
    complete_on = models.DateField()
    entry = models.UUIDField()

    class Meta:
        """A trigger holds that an erasure never changes and never goes. It is found by its keys, and by its request."""

        db_table = "store_erasure"
        indexes = (
            GinIndex(fields=["keys"], name="store_erasure_keys"),
            models.Index(fields=["request"], name="store_erasure_request", condition=~models.Q(request="")),
        )

    def __str__(self) -> str:
        return f"erasure {self.id}"
