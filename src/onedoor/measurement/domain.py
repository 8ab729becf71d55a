"""The room's title and the kinds of files it understands."""

from onedoor.kernel.nation import FileKind, register
from onedoor.measurement.assessments import domain as assessments  # noqa: F401 - registers on import
from onedoor.measurement.faults import check_index
from onedoor.measurement.features import FOLDER, check_evidence
from onedoor.measurement.schema import EVIDENCE as EVIDENCE_SCHEMA
from onedoor.measurement.schema import FEATURES as FEATURES_SCHEMA
from onedoor.measurement.schema import GROUP, INDEX

TITLE = "Measurement"
INDICES = FileKind("index", "indices", check_index, INDEX)
GROUPS = FileKind("group", "groups", schema=GROUP)
FEATURES = FileKind("features", FOLDER, schema=FEATURES_SCHEMA)
EVIDENCE = FileKind("evidence", "evidence", check_evidence, EVIDENCE_SCHEMA)
for _kind in (INDICES, GROUPS, FEATURES, EVIDENCE):
    register(_kind)
