"""What the room keeps: a portal its drafts and dossiers, a node its tasks and issued results."""

from onedoor.cases.models.attachment import Attachment
from onedoor.cases.models.attempt import Attempt
from onedoor.cases.models.claim import Claim
from onedoor.cases.models.dossier import Dossier, Party, Result, Step, Transition
from onedoor.cases.models.draft import Draft
from onedoor.cases.models.naming import Naming
from onedoor.cases.models.part import FilePart
from onedoor.cases.models.received import Received
from onedoor.cases.models.task import Act, Counter, IssuedResult, Task

__all__ = [
    "Act",
    "Attachment",
    "Attempt",
    "Claim",
    "Counter",
    "Dossier",
    "Draft",
    "FilePart",
    "IssuedResult",
    "Naming",
    "Party",
    "Received",
    "Result",
    "Step",
    "Task",
    "Transition",
]
