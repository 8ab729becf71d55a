"""Facts the room states; none carries personal data."""

from dataclasses import dataclass

from onedoor.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class ConsentGiven(Event):
    """A person agreed to a version of what a purpose asks."""

    purpose: str
    version: int


@dataclass(frozen=True, kw_only=True)
class ConsentWithdrawn(Event):
    """A person withdrew a consent, or said no; nothing is read on it from now on."""

    purpose: str
    version: int


@dataclass(frozen=True, kw_only=True)
class ManyPersonsRead(Event):
    """An alarm: one post of one system read data of more persons within minutes than the nation's file lets pass.

    *records* are the first and the last of these reads.
    """

    client: str
    user: str
    persons: int
    minutes: int
    records: tuple[str, str]
