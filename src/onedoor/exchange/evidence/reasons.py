"""Why the evidence of a message is not trusted; the sentences are gettext keys."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a part of the trust does not hold: the name is the code, the value the sentence and gettext key."""

    NO_INTEGRITY = "What the file itself does not prove cannot be trusted."
    NO_INSTANCE = "The configuration does not know the instance {instance} of the message's sender."
    CONFIGURATION_CHANGED = "The configuration of {instance} was changed after it was signed."
    CONFIGURATION_SIGNATURE = "The signature of the configuration of {instance} does not hold."
    CONFIGURATION_ANCHOR = "The configuration of {instance} was not signed with a key that its anchor names."
    ANCHOR_MISSING = "No anchor of {instance} was given with the others, so its configuration counts for nothing."
    UNKNOWN_AUTHORITY = "The certificate of the signer comes from no authority that the configuration approves."
    NOT_FOR_SIGNING = "The certificate of the signer is not made for signing messages."
    NOT_IN_FORCE = "A certificate was not in force at the moment of the time-stamp: {certificate}."
    UNKNOWN_PROFILE = "How the authority names members is not known here: {profile}."
    OTHER_MEMBER = "The message says it comes from {sender}, but the certificate belongs to {member}."
    NO_OCSP = "There is no statement (OCSP) that the certificate was not revoked: {certificate}."
    OCSP_NOT_GOOD = "The certificate was revoked, or its authority does not know it: {certificate}."
    OCSP_OLD = "The statement on the certificate (OCSP) was too old at the moment of the time-stamp: {certificate}."
    OCSP_SIGNER = (
        "The statement on the certificate (OCSP) was signed by someone its authority does not allow: {certificate}."
    )
    UNKNOWN_TIME_STAMPER = "The time-stamp comes from no authority that the configuration approves."
    OCSP_LATE = "The statement on the certificate (OCSP) was made only after the time-stamp: {certificate}."
    PART_HIDDEN = "The sender signed a part of the message that is not in the container."
    OTHER_WHOLE = "The file is not the one whose digest its sender signed (Repr-Digest)."


class Remark(StrEnum):
    """What a reader of the verdict should know besides; gettext keys too."""

    UNSIGNED = "The configuration of {instance} carries no signature: it is worth as much as the place you had it from."
    NO_ANCHOR = "The configuration of {instance} is signed with a key it names itself; its anchor would say whose key."
    ANCHOR = "The configuration of {instance} is signed with a key of the anchor {anchor} (SHA-224). Do you know it?"
    EXPIRED = "The configuration of {instance} was in force until {end}."
    TIME_STAMPER = (
        "The time-stamp does not carry the certificate of its authority: only a configuration can tell whose it is."
    )
    NO_OCSP = "The container holds no statement that the signer's certificate was not revoked (OCSP)."
    STREAMED = "The body passed as a stream, and its digest alone is kept: give the file with --attachment."
    OPENED = "The body was to follow as a stream and never was whole: only the head of the message is proved."
    PART = "The message brought bytes {bytes} of the file; its sender signed the digest of the whole, and it fits."
    PART_ALONE = "The message brought bytes {bytes} of the file and proves no others: no digest of the whole is signed."
    BESIDE = "A value is signed beside the message: of another message, or of a part that is not in the container."
    COMPRESSED = "The entry mimetype is not the first, or is compressed; ASiC asks otherwise, and X-Road writes it so."
