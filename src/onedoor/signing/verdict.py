"""What a check of a signed document says: valid or not, by whom, when, how that is proven, and why not."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Reason(StrEnum):
    """Why a document is not valid: the name is the code, the value the English sentence and gettext key."""

    TOO_LARGE = "This file is too large to be checked here."
    NOT_SIGNED = "This file carries no digital signature."
    ADDED_AFTER_SIGNING = "Something was added to this file after it was signed."
    CHANGED = "This file was changed after it was signed."
    DAMAGED = "The signature in this file is damaged, or not of the form agencies use here (PAdES)."
    UNTRUSTED = "The signature was not made by an agency that this service trusts."
    NOT_A_SEAL = "The certificate of the signer is not made for documents."
    NOT_IN_FORCE = "The certificate of the signer was not in force."
    REVOKED = "The certificate of the signer was revoked before it is proven that this file was signed."
    STAMP_BROKEN = "A time-stamp in this file is damaged, or was made for something else."
    STAMP_UNTRUSTED = "A time-stamp in this file is not of an authority that this service trusts."
    STAMP_ENDED = "Nothing proves the time-stamp in this file any more: its certificate has ended or was revoked."
    STAMP_ORDER = "The times in this file contradict each other."
    DISPUTED = "Two independent checks of this file do not agree, so it is not taken as valid."
    UNREADABLE = "This file cannot be read as a PDF document."


class Revocation(StrEnum):
    """What is known of the revocation of the signer's certificate; the name is the code."""

    GOOD = "not revoked"
    LATER = "revoked after signing"
    UNKNOWN = "nobody tells"


@dataclass(frozen=True)
class Verdict:
    """Whether a document is valid, and what is known of its signature.

    *signer* and *agency* (the name and id in the certificate) and *signed_at* (as the signer says) are told only when
    the signature itself holds; *reasons* are values of `Reason`, empty when valid. *proven_at* is the moment a
    time-stamp of *proven_by* proves, *lasts_until* the end of what proves it now; *revocation* was known when signing.
    """

    valid: bool
    signer: str = ""
    reasons: tuple[str, ...] = ()
    signed_at: datetime | None = None
    agency: str = ""
    proven_at: datetime | None = None
    proven_by: str = ""
    lasts_until: datetime | None = None
    revocation: Revocation = Revocation.UNKNOWN
    revoked_at: datetime | None = None


class Refused(Exception):
    """Carries the reason a document is not valid out of the depths of a check."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason
