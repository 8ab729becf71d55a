"""Facts the registers state; never with personal data."""

from dataclasses import dataclass

from onedoor.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class RecordWritten(Event):
    """A record was written: which register, which version of which record, for which case."""

    register: str
    record: str
    version: int
    case: str = ""
