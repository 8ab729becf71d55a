"""What of a person the cases must keep, while one is open; and how a closed one forgets them."""

from collections.abc import Iterator
from uuid import UUID

from onedoor.cases import dossiers, rules
from onedoor.cases.errors import CaseOpen, TaskOpen
from onedoor.cases.models import Attachment, Claim, Dossier, Draft, Party, Task
from onedoor.kernel.errors import OnedoorError
from onedoor.store import erasure
from onedoor.store.erasure import Person

OVER = sorted({*rules.ENDED, rules.HANDED_OVER})
UNDER_WAY = f"state NOT IN ({', '.join(map(repr, OVER))})"
"""The tasks that this agency has not ended, as SQL."""


def holds(person: Person) -> Iterator[OnedoorError]:
    """Yield each case of theirs, or that names them, which has not ended; and that a task of this agency has not."""
    mine = Dossier.objects.filter(account__in=person.subjects)
    theirs = Dossier.objects.filter(parties__person=dossiers.mark(person.number))
    for code in sorted({one.code for one in (mine | theirs).filter(ended_at=None).distinct()}):
        yield CaseOpen(code=code)
    if erasure.holds(Task._meta.db_table, ["head", "payload", "work"], person, UNDER_WAY):
        yield TaskOpen()


def forget(person: Person) -> Iterator[tuple[str, UUID]]:
    """Delete the blind indexes by which cases find the person, what they claim, and drafts nobody can open."""
    Party.objects.filter(person=dossiers.mark(person.number)).delete()
    Claim.objects.filter(dossier__account__in=person.subjects).delete()
    drafts = Draft.objects.filter(account__in=person.subjects)
    Attachment.objects.filter(holder__in=drafts.values("pk")).delete()
    drafts.delete()
    yield from ()


erasure.register(holds=holds, forgets=forget)
