"""What a read is called on a page: its article with its source, and the post of who read."""

from dataclasses import dataclass

from onedoor.kernel import nation
from onedoor.kernel.text import Text
from onedoor.privacy import rights
from onedoor.privacy.views import ReadView


@dataclass(frozen=True, slots=True)
class BasisView:
    """An article of law in words, its number, where the nation's file has it from, and whether it is illustrative."""

    text: Text
    law: str
    source: Text | str = ""
    illustrative: bool = False


def basis_of(read: ReadView) -> BasisView:
    """Return the article that a read stands on, as this system knows it."""
    purpose = rights.purposes().get(read.purpose)
    known = purpose.basis.get(read.basis) if purpose else None
    if known is None:
        return BasisView(read.basis_text, read.law)
    return BasisView(known.text, known.reference, known.source, known.illustrative)


def of_post(post: str) -> Text:
    """Return the words for a *post*, such as ``police-00199.residence``; nothing for one that is not known."""
    agency, _dot, kind = post.rpartition(".")
    found = nation.current().agencies.get(agency)
    return found.posts.get(kind, {}) if found else {}


def post_of(read: ReadView) -> Text:
    """Return the words for the post of the officer who read; nothing for a system."""
    agency, _dot, post = read.by_user.partition(".")
    known = nation.current().agencies.get(agency)
    return known.posts.get(post, {}) if known else {}
