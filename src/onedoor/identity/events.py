"""Facts the room states: who signed in and out."""

from dataclasses import dataclass

from onedoor.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class SignedIn(Event):
    """Somebody signed in; ``way`` says how (``demonstration``)."""

    way: str
