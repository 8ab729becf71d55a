"""Records that stand in one open case only: who comes second is told, of their own case by its code."""

from collections.abc import Iterator

from onedoor.cases import dossiers
from onedoor.cases.errors import HeldByYourCase, HeldElsewhere
from onedoor.cases.models import Claim, Dossier
from onedoor.cases.paper import Paper
from onedoor.kernel.actor import Actor
from onedoor.store import keys

CLAIM = "cases.claim"


def claim(dossier: Dossier, paper: Paper, actor: Actor) -> None:
    """Hold what was chosen for *dossier* alone, in the caller's transaction; raise `HeldElsewhere`."""
    for record in _records(paper):
        holder = Claim.objects.get_or_create(record=record, defaults={"dossier": dossier})[0].dossier
        if holder.pk != dossier.pk:
            raise HeldByYourCase(code=holder.code) if dossiers.is_of(holder, actor) else HeldElsewhere


def _records(paper: Paper) -> Iterator[bytes]:
    """Yield the blind index of each record chosen for a question that is `exclusive`."""
    for field in paper.service.fields.values():
        value = paper.known["form"][field.id]
        if field.exclusive and value is not None:
            yield keys.blind(CLAIM, f"{paper.service.data[field.of[0]].register}\n{value}")
