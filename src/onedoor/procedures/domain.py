"""The room's title and the kinds of files it understands."""

from onedoor.kernel.nation import FileKind, register
from onedoor.procedures.faults import check, check_scale
from onedoor.procedures.schema import FILE, SCALE

TITLE = "Services"
SERVICE = FileKind("service", "services", check, FILE)
SCALES = FileKind("scale", "scales", check_scale, SCALE)
for _kind in (SERVICE, SCALES):
    register(_kind)
