"""What the room refuses, in the reader's language."""

from onedoor.kernel.errors import BadInput, Conflict, NotAllowed, NotFound


class NotPermitted(NotAllowed):
    """This may not be read or changed for this purpose ({reason}). The attempt was recorded. If you think it should be allowed, ask the agency in charge of {register}."""  # noqa: E501 - one sentence after another, one key


class UnknownPurpose(NotFound):
    """There is no purpose “{purpose}”. Please use one of the nation's rights."""


class NothingToAgreeTo(NotFound):
    """Nobody is asked to agree to “{purpose}”. Please choose a purpose from the list of consents."""


class TermsChanged(Conflict):
    """What you are asked to agree to has changed since you opened the page. Please read it again, then decide."""


class SaidNoThemselves(BadInput):
    """This person said no themselves. Only they can agree again, on their own page of consents."""


class NotShown(NotAllowed):
    """This read is not about you, or it is not shown yet. The attempt was recorded. Open the read from your list."""


class NoSuchObject(NotFound):
    """Your system keeps no {schema} of that name here. Please use an id that an answer of the consent API gave you."""


class NoSuchSealedRead(NotFound):
    """There is no sealed read of your agency here that waits for its day. Please open the list again."""


class NotPostponed(Conflict):
    """This read cannot be postponed so any more: somebody decided on it meanwhile. Please open the list again."""
