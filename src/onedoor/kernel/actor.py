"""Who acts: a person, the post they hold, for whom, and how sure we are."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """A person acting, perhaps in a post or for somebody else.

    ``person`` is the account's id (never a personal number; empty for nobody), ``post`` an officer's post such as
    ``commune-00199.civil-status`` (empty for a person), ``agency`` the authority of that post such as
    ``commune-00199``, ``for_whom`` the account's id of the person acted for, ``level`` the level of identity
    assurance (0 none, 1, 2).
    """

    person: str = ""
    post: str = ""
    agency: str = ""
    for_whom: str = ""
    level: int = 0
    name: str = ""

    @property
    def known(self) -> bool:
        """Return whether somebody signed in."""
        return bool(self.person)


NOBODY = Actor()
SYSTEM = Actor(person="system", post="system", name="onedoor")
