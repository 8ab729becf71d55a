"""What the room refuses, in the reader's language."""

from onedoor.kernel.errors import Conflict, NotAllowed, NotFound


class NotPermitted(NotAllowed):
    """This may not be read or changed for this purpose ({reason}). The attempt was recorded. If you think it should be allowed, ask the agency in charge of {register}."""  # noqa: E501 - one sentence after another, one key


class UnknownPurpose(NotFound):
    """There is no purpose “{purpose}”. Please use one of the nation's rights."""


class NothingToAgreeTo(NotFound):
    """Nobody is asked to agree to “{purpose}”. Please choose a purpose from the list of consents."""


class TermsChanged(Conflict):
    """What you are asked to agree to has changed since you opened the page. Please read it again, then decide."""


class NotShown(NotAllowed):
    """This read is not about you, or it is not shown yet. The attempt was recorded. Open the read from your list."""
