"""A node's tasks and the results its agencies issued."""

from typing import Any

from django.db import models

from onedoor.kernel.ids import uuid7
from onedoor.store import sealed
from onedoor.store.fields import SealedField


class Task(models.Model):
    """One step of a dossier at its authority; ``payload`` (what came) and ``work`` (what was done) are sealed.

    ``origin`` is the portal that handed it over; ``told`` counts the outcomes it acknowledged. A task withdrawn before
    it came has no agency and no payload: the hand-over that comes later is answered that it was withdrawn.
    """

    id = models.UUIDField(primary_key=True, default=uuid7)
    case = models.TextField()
    step = models.TextField()
    round = models.PositiveSmallIntegerField(default=0)
    origin = models.TextField()
    agency = models.TextField()
    post = models.TextField()
    service = models.TextField()
    version = models.TextField()
    digest = models.TextField(blank=True)
    state = models.TextField()
    head = SealedField(default=b"")
    payload = SealedField(default=b"")
    work = SealedField(default=b"")
    received_at = models.DateTimeField()
    due = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.TextField(blank=True, default="")
    taken_by = models.TextField(blank=True, default="")
    asked = models.PositiveSmallIntegerField(default=0)
    told = models.PositiveSmallIntegerField(default=0)
    trouble = models.TextField(blank=True, default="")

    class Meta:
        """A hand-over received twice is one task."""

        db_table = "cases_task"
        indexes = (models.Index(fields=["agency", "post", "state", "due"], name="cases_inbox"),)
        constraints = (models.UniqueConstraint(fields=["case", "step", "round"], name="cases_one_task"),)

    def __str__(self) -> str:
        return f"{self.case} {self.step}"

    @property
    def key(self) -> str:
        """Return the stem of the idempotency keys of everything this task does."""
        return f"{self.case}:{self.step}:{self.round}"

    def place(self, column: str) -> sealed.Place:
        """Return where the envelope of *column* stands."""
        return sealed.Place("cases_task", column, str(self.id))

    def names(self) -> tuple[str, str]:
        """Return the names of whom the case is about and of who applied; raise `sealed.KeyDestroyed`."""
        about, applicant = self.read("head").get("names", ("", ""))
        return about, applicant

    def read(self, column: str) -> dict[str, Any]:
        """Return what is sealed in ``payload`` or ``work``; nothing where nothing was."""
        envelope = bytes(getattr(self, column))
        body: dict[str, Any] = sealed.unseal(envelope, place=self.place(column)) if envelope else {}
        return body

    def write(self, column: str, body: dict[str, Any], *, subject: str) -> None:
        """Seal *body* in ``payload`` or ``work`` under the key of *subject* (a personal number); the caller saves."""
        setattr(self, column, sealed.seal(body, subject=subject, place=self.place(column)))


class Act(models.Model):
    """One act on a task, with its ledger entry: never changed, never deleted."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="acts")
    kind = models.TextField()
    state = models.TextField()
    by = models.TextField()
    moment = models.DateTimeField()
    detail = SealedField(null=True, entered="cases.act")
    stands = models.CharField(max_length=64, blank=True, default="", db_default="")
    """The digest of where the task stood then (`standing`); empty in what is of before."""
    entry = models.TextField()

    class Meta:
        """In order of time."""

        db_table = "cases_act"
        ordering = ("moment", "id")

    def __str__(self) -> str:
        return self.kind

    @property
    def place(self) -> sealed.Place:
        """Return where the envelope stands."""
        return sealed.Place("cases_act", "detail", str(self.id))

    def words(self) -> str:
        """Return the words that came with it."""
        return str(sealed.unseal(bytes(self.detail), place=self.place)) if self.detail else ""


class Counter(models.Model):
    """The last number an agency gave to a kind of result in a year."""

    agency = models.TextField()
    kind = models.TextField()
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        """One row of numbers each."""

        db_table = "cases_counter"
        constraints = (models.UniqueConstraint(fields=["agency", "kind", "year"], name="cases_one_counter"),)

    def __str__(self) -> str:
        return f"{self.agency} {self.kind} {self.year}"


class IssuedResult(models.Model):
    """A result an agency of this node signed; anybody with its id may verify it, nobody learns whose it is.

    ``sha256`` is that of the document as sealed; ``lasts_until`` the end of what proves the file that is kept.
    """

    id = models.UUIDField(primary_key=True, default=uuid7)
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="issued")
    kind = models.TextField()
    title = models.JSONField()
    agency = models.TextField()
    issued_at = models.DateTimeField()
    state = models.TextField(default="valid")
    sha256 = models.TextField(db_index=True)
    lasts_until = models.DateTimeField(null=True, db_index=True)
    body = SealedField(entered="cases.issued")
    file = SealedField(entered="cases.issued")
    entry = models.TextField()
    form = models.SmallIntegerField(default=2, db_default=1)
    """How what is entered is written; in the first form it was id, kind, agency and digest alone."""

    class Meta:
        """A task issues a kind of result once."""

        db_table = "cases_issued"
        constraints = (models.UniqueConstraint(fields=["task", "kind"], name="cases_task_issues_once"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    def place(self, column: str) -> sealed.Place:
        """Return where the envelope of *column* stands."""
        return sealed.Place("cases_issued", column, str(self.id))

    def read(self) -> dict[str, Any]:
        """Return the result's number and data."""
        body: dict[str, Any] = sealed.unseal(bytes(self.body), place=self.place("body"))
        return body

    def content(self) -> bytes:
        """Return the signed file."""
        return sealed.unseal_bytes(bytes(self.file), place=self.place("file"))
