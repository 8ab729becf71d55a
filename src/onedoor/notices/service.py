"""The door of the room: tell a person something once, and show their inbox."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.http import HttpRequest

from onedoor.identity import service as identity
from onedoor.kernel import clock
from onedoor.kernel.text import Text
from onedoor.notices.models import Notice
from onedoor.store.rows import Rows, fetch

PER_PAGE = 20
NEWEST = Rows(Notice, "account = %s ORDER BY told DESC, id DESC LIMIT %s OFFSET %s")
TOLD = "SELECT count(*) FROM notices_notice WHERE account = %s"
ABOUT = "about"
UNREAD = "notices.unread"
COUNTED = "(SELECT count(*) FROM notices_notice WHERE account = identity_account.id::text AND read IS NULL)"


@dataclass(frozen=True, slots=True)
class NoticeView:
    """A notice as its person sees it: the sentence to translate, its facts, whom it is about, where it leads."""

    id: str
    text: str
    facts: Mapping[str, str | Text]
    about: str
    link: str
    told: datetime
    unread: bool


@dataclass(frozen=True, slots=True)
class Inbox:
    """One page of an inbox: its notices, and where it stands among the pages."""

    notices: Sequence[NoticeView]
    page: Page[Notice]


def tell(
    account: str, text: str, facts: Mapping[str, str | Text], *, key: str, link: str = "", about: str = ""
) -> None:
    """Put a notice into the inbox of *account*, once for each *key*.

    *text* is an English sentence with ``{names}``, a gettext key of the room that tells; *facts* fill the names and may
    be texts in several languages. *link* is a path without language, such as ``cases/2611-7K4M-Q8``; *about*
    names the person and the case in question and stands under the sentence.
    """
    notice = Notice(account=account, key=key, text=text, link=link, told=clock.now())
    kept = {name: value if isinstance(value, str) else dict(value) for name, value in facts.items()}
    notice.keep(kept | {ABOUT: about})
    Notice.objects.bulk_create([notice], ignore_conflicts=True)


def count_along() -> None:
    """Have the unread notices of whoever acts counted in the statement that says who acts."""
    identity.ask_beside(UNREAD, COUNTED)


def unread(request: HttpRequest) -> int:
    """Return how many notices whoever acts in *request* had not opened when it came in."""
    return identity.beside(request, UNREAD) or 0


def inbox(account: str, number: int = 1) -> Inbox:
    """Return one page of the inbox, newest first."""
    page = Paginator(_Told(account), PER_PAGE).get_page(number)
    return Inbox([_view(notice) for notice in page.object_list], page)


class _Told(Sequence[Notice]):
    """All notices of *account*, newest first, as a paginator asks for them."""

    def __init__(self, account: str) -> None:
        self.account = account

    def __len__(self) -> int:
        return int(fetch(TOLD, [self.account])[0][0])

    def __getitem__(self, asked: Any) -> Any:  # noqa: ANN401 - a slice gives a list
        return NEWEST.all(self.account, asked.stop - asked.start, asked.start)


def mark_read(account: str, notice: UUID) -> str:
    """Note that a notice was opened, and return its link; nothing when it is not theirs."""
    found = Notice.objects.filter(account=account, pk=notice)
    found.filter(read=None).update(read=clock.now())
    return found.values_list("link", flat=True).first() or ""


def mark_all_read(account: str) -> None:
    """Note that the whole inbox was seen."""
    Notice.objects.filter(account=account, read=None).update(read=clock.now())


def _view(notice: Notice) -> NoticeView:
    facts = notice.facts()
    about = str(facts.pop(ABOUT, ""))
    return NoticeView(str(notice.id), notice.text, facts, about, notice.link, notice.told, notice.read is None)
