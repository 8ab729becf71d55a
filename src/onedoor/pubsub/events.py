"""Facts the room states."""

from dataclasses import dataclass

from onedoor.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class EventArrived(Event):
    """The room of another system, *source*, pushed an event to this one; `service.arrived` has what it says."""

    source: str
    event_type: str
    event: str
