"""Drafts that nobody went on with: kept as long as their page says, then deleted with all that was fetched for them."""

from datetime import date, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_noop

from onedoor.cases.drafts import service_of
from onedoor.cases.models import Attachment, Draft
from onedoor.cases.paper import KEPT, kept_until
from onedoor.kernel import clock, nation
from onedoor.notices import service as notices

TEXT = gettext_noop("Your draft for “{title}” was deleted: nobody went on with it in time. Nothing was sent.")
BATCH = 500


def sweep() -> int:
    """Delete the drafts whose last day has passed and what is left of submitted ones; return how many."""
    today = nation.current().today()
    surely_kept = clock.now() - timedelta(days=KEPT.amount)
    rows = Draft.objects.filter(saved_at__lt=surely_kept).order_by("saved_at").values_list("pk", flat=True)[:BATCH]
    return sum(_swept(pk, today) for pk in rows)


def _swept(pk: UUID, today: date) -> bool:
    with transaction.atomic():
        draft = Draft.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
        if draft is None or kept_until(draft) >= today:
            return False
        if not draft.submitted_as:
            title = service_of(draft).title
            link = f"services/{draft.service}"
            notices.tell(draft.account, TEXT, {"title": title}, key=f"swept {draft.pk}", link=link)
            Attachment.objects.filter(holder=draft.pk).delete()
        draft.delete()
    return True
