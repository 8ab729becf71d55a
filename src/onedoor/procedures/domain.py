"""The room's title and the kind of file it understands."""

from onedoor.kernel.nation import FileKind, register
from onedoor.procedures.faults import check
from onedoor.procedures.schema import FILE

TITLE = "Services"
SERVICE = FileKind("service", "services", check, FILE)
register(SERVICE)
