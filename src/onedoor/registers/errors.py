"""What the registers refuse, in the reader's language."""

from onedoor.kernel.errors import BadInput, Conflict, NotFound, OnedoorError, Unavailable


class UnknownRegister(NotFound):
    """This system holds no register “{register}”. Please ask the agency that owns it."""


class UnknownVersion(NotFound):
    """The register {register} has no version {version}. Please use version {current}."""


class DraftVersion(Conflict):
    """Version {version} of the register {register} is a draft: it can be tried, not read or written. Please use version {current}."""  # noqa: E501 - one sentence after another, one key


class ClosedVersion(Conflict):
    """Version {version} of the register {register} takes no writes today. Please write in version {current}."""


class NoSuchRecord(NotFound):
    """The register {register} holds no such record today. Please check what you asked by."""


class SeveralRecords(Conflict):
    """The register {register} holds more than one such record. Please ask by values that only one of them has."""


class RecordExists(Conflict):
    """The register {register} holds this record already. Please update it instead."""


class UnknownLookup(BadInput):
    """The register {register} cannot be asked that way. It can be asked by: {known}."""


class BadRecord(BadInput):
    """The record does not fit the register {register}: {what}. Please correct it and send it again."""


class TornFile(BadInput):
    """{path} does not unpack: its end is missing, or it was damaged. Please make the file again."""


class BadQuestion(BadInput):
    """The question does not have the right form: {what}. Please correct it and send it again."""


class KeyUsed(Conflict):
    """The key of this request was used before for other values. Please send new values with a new key."""


class InArchive(Conflict):
    """This record of the register {register} is in the archive or destroyed, so nothing is written to it. Please ask the register's owner."""  # noqa: E501 - one sentence after another, one key


class NoNumberLeft(OnedoorError):
    """No free number was found in the register {register}. Please tell its owner."""


class NotSettled(Unavailable):
    """What the register {register} knew at that moment is not settled yet: a write that began before it is still under way. Please ask again in a few minutes."""  # noqa: E501 - one sentence after another, one key


class NotCorrectable(NotFound):
    """Corrections of the register {register} cannot be asked for here. Please ask the agency that owns it."""


class NothingToCorrect(NotFound):
    """The register {register} holds no single record about you that could be corrected. Please ask the agency that owns it."""  # noqa: E501 - one sentence after another, one key


class NoSuchCorrection(NotFound):
    """There is no such request for a correction at your desk. Please open the list again."""


class Decided(Conflict):
    """This request for a correction was decided meanwhile. Please open the list again."""


class RecordHeld(Conflict):
    """“{register}” keeps records about this person until its rule has destroyed them ({rule})."""


class RecordHeldForGood(Conflict):
    """“{register}” keeps records about this person for good: no rule of it ever destroys them."""


class CorrectionOpen(Conflict):
    """A correction this person asked for is not decided yet."""
