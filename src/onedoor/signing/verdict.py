"""What a check of a signed document says: valid or not, by whom, when, and why not."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Reason(StrEnum):
    """Why a document is not valid: the name is the code, the value the English sentence and gettext key."""

    TOO_LARGE = "This file is too large to be checked here."
    NOT_SIGNED = "This file carries no digital signature."
    ADDED_AFTER_SIGNING = "Something was added to this file after it was signed."
    CHANGED = "This file was changed after it was signed."
    DAMAGED = "The signature in this file is damaged, or not of the form agencies use here (PAdES B-B)."
    UNTRUSTED = "The signature was not made by an agency that this service trusts."
    NOT_A_SEAL = "The certificate of the signer is not made for documents."
    NOT_IN_FORCE = "The certificate of the signer was not in force."
    UNREADABLE = "This file cannot be read as a PDF document."


@dataclass(frozen=True)
class Verdict:
    """Whether a document is valid, and what is known of its signature.

    *signer* and *agency* (the name and id in the certificate) and *signed_at* are told only when the signature
    itself holds; *reasons* are values of `Reason`, empty when valid.
    """

    valid: bool
    signer: str = ""
    reasons: tuple[str, ...] = ()
    signed_at: datetime | None = None
    agency: str = ""


class Refused(Exception):
    """Carries the reason a document is not valid out of the depths of a check."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason
