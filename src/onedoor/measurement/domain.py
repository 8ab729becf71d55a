"""The room's title and the kinds of files it understands."""

from onedoor.kernel.nation import FileKind, register
from onedoor.measurement.faults import check_index
from onedoor.measurement.schema import GROUP, INDEX

TITLE = "Measurement"
INDICES = FileKind("index", "indices", check_index, INDEX)
GROUPS = FileKind("group", "groups", schema=GROUP)
for _kind in (INDICES, GROUPS):
    register(_kind)
