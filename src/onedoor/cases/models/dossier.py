"""A dossier at the portal: its steps, results, parties, and every transition."""

from typing import Any

from django.db import models

from onedoor.kernel.ids import uuid7
from onedoor.store import sealed
from onedoor.store.fields import BlindField, SealedField


class Dossier(models.Model):
    """What a person submitted, under the version of the service it began with."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    code = models.TextField(unique=True)
    account = models.TextField(db_index=True)
    key = models.TextField()
    service = models.TextField()
    version = models.TextField()
    digest = models.TextField()
    state = models.TextField()
    body = SealedField()
    submitted_at = models.DateTimeField()
    counted_from = models.DateTimeField()
    due = models.DateTimeField()
    limit = models.TextField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        """The same submission sent twice is one dossier."""

        db_table = "cases_dossier"
        constraints = (models.UniqueConstraint(fields=["account", "key"], name="cases_submitted_once"),)

    def __str__(self) -> str:
        return self.code

    @property
    def place(self) -> sealed.Place:
        """Return where the envelope stands."""
        return sealed.Place("cases_dossier", "body", str(self.id))

    def read(self) -> dict[str, Any]:
        """Return what was declared: answers, facts, supplements."""
        body: dict[str, Any] = sealed.unseal(bytes(self.body), place=self.place)
        return body

    def write(self, body: dict[str, Any]) -> None:
        """Seal *body* under the applicant's key; the caller saves."""
        self.body = sealed.seal(body, subject=self.account, place=self.place)


class Party(models.Model):
    """A parent named in a dossier, who may see it: found by blind index, never by number."""

    dossier = models.ForeignKey(Dossier, on_delete=models.CASCADE, related_name="parties")
    role = models.TextField()
    person = BlindField(max_length=32, db_index=True)

    class Meta:
        """A role is held once in a dossier."""

        db_table = "cases_party"
        constraints = (models.UniqueConstraint(fields=["dossier", "role"], name="cases_one_party_a_role"),)

    def __str__(self) -> str:
        return self.role


class Step(models.Model):
    """One step of a dossier: who owns it, where it stands, until when."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    dossier = models.ForeignKey(Dossier, on_delete=models.CASCADE, related_name="steps")
    ref = models.TextField()
    position = models.PositiveSmallIntegerField()
    agency = models.TextField()
    state = models.TextField()
    round = models.PositiveSmallIntegerField(default=0)
    asked = models.PositiveSmallIntegerField(default=0)
    limit = models.TextField()
    started_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    due = models.DateTimeField(null=True)
    stopped_at = models.DateTimeField(null=True)
    answer_by = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    trouble = models.TextField(blank=True, default="")
    ground = models.TextField(blank=True, default="")
    alerts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        """A step stands once in its dossier."""

        db_table = "cases_step"
        ordering = ("position",)
        constraints = (models.UniqueConstraint(fields=["dossier", "ref"], name="cases_one_step"),)

    def __str__(self) -> str:
        return self.ref


class Result(models.Model):
    """A signed result an agency issued: number, data and file sealed under the applicant's key."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    dossier = models.ForeignKey(Dossier, on_delete=models.CASCADE, related_name="results")
    step = models.TextField()
    kind = models.TextField()
    agency = models.TextField()
    issued_id = models.TextField(unique=True)
    issued_at = models.DateTimeField()
    sha256 = models.TextField()
    size = models.PositiveIntegerField()
    verify_url = models.TextField()
    lasts_until = models.DateTimeField(null=True, db_index=True)
    body = SealedField()
    file = SealedField()

    class Meta:
        """A kind of result is issued once in a dossier."""

        db_table = "cases_result"
        constraints = (models.UniqueConstraint(fields=["dossier", "kind"], name="cases_issued_once"),)

    def __str__(self) -> str:
        return self.kind

    def place(self, column: str) -> sealed.Place:
        """Return where the envelope of *column* stands."""
        return sealed.Place("cases_result", column, str(self.id))

    def read(self) -> dict[str, Any]:
        """Return the result's number and data."""
        body: dict[str, Any] = sealed.unseal(bytes(self.body), place=self.place("body"))
        return body

    def content(self) -> bytes:
        """Return the signed file."""
        return sealed.unseal_bytes(bytes(self.file), place=self.place("file"))


class Transition(models.Model):
    """One change of a dossier, with its ledger entry: never changed, never deleted."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    dossier = models.ForeignKey(Dossier, on_delete=models.PROTECT, related_name="transitions")
    step = models.TextField(blank=True)
    kind = models.TextField()
    state = models.TextField()
    agency = models.TextField(blank=True)
    by = models.TextField()
    moment = models.DateTimeField()
    detail = SealedField(null=True, entered="cases.transition")
    stands = models.CharField(max_length=64, blank=True, default="", db_default="")
    """The digest of where the dossier and its steps stood then (`standing`); empty in what is of before."""
    entry = models.TextField()

    class Meta:
        """In order of time."""

        db_table = "cases_transition"
        ordering = ("moment", "id")

    def __str__(self) -> str:
        return self.kind

    @property
    def place(self) -> sealed.Place:
        """Return where the envelope stands."""
        return sealed.Place("cases_transition", "detail", str(self.id))

    def words(self) -> str:
        """Return the words that came with it."""
        return str(sealed.unseal(bytes(self.detail), place=self.place)) if self.detail else ""
