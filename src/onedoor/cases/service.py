"""The door of the room: drafts and dossiers at the portal, the desk and verification at a node."""

from onedoor.cases.course import Course, Evidence, Passage, course, evidence
from onedoor.cases.deciding import accept, ask_supplement, hand_over, made, refuse, verify
from onedoor.cases.desk import file, inbox, issues_notices, look, showing, take, task, ways
from onedoor.cases.desk import whole_first as task_first
from onedoor.cases.dossiers import dossiers, file_first, found_first, result_file, supplement, view, viewing, withdraw
from onedoor.cases.dossiers import whole_first as case_first
from onedoor.cases.drafts import answer, begin, discard, dispute, draft, drafts, refresh, resume, review
from onedoor.cases.errors import (
    BadAnswers,
    Barred,
    NoDraft,
    NoSuchCase,
    NoSuchResult,
    NotPossible,
    NotReady,
    TooLateToWithdraw,
)
from onedoor.cases.looking import Look, at_desk, look_up, looking_up, may_look_up, offer, offers
from onedoor.cases.renewing import renew
from onedoor.cases.submission import submit
from onedoor.cases.suggestions import suggestions
from onedoor.cases.trail import PER_PAGE as READS_PER_PAGE
from onedoor.cases.trail import ask_reads, reads
from onedoor.cases.verification import compare, issued

__all__ = [
    "READS_PER_PAGE",
    "BadAnswers",
    "Barred",
    "Course",
    "Evidence",
    "Look",
    "NoDraft",
    "NoSuchCase",
    "NoSuchResult",
    "NotPossible",
    "NotReady",
    "Passage",
    "TooLateToWithdraw",
    "accept",
    "answer",
    "ask_reads",
    "ask_supplement",
    "at_desk",
    "begin",
    "case_first",
    "compare",
    "course",
    "discard",
    "dispute",
    "dossiers",
    "draft",
    "drafts",
    "evidence",
    "file",
    "file_first",
    "found_first",
    "hand_over",
    "inbox",
    "issued",
    "issues_notices",
    "look",
    "look_up",
    "looking_up",
    "made",
    "may_look_up",
    "offer",
    "offers",
    "reads",
    "refresh",
    "refuse",
    "renew",
    "result_file",
    "resume",
    "review",
    "showing",
    "submit",
    "suggestions",
    "supplement",
    "take",
    "task",
    "task_first",
    "verify",
    "view",
    "viewing",
    "ways",
    "withdraw",
]
