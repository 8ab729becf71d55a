"""What is refused of a request about one's own data, in the reader's language."""

from onedoor.kernel.errors import BadInput, Conflict, NotFound


class BadRequest(BadInput):
    """The request does not have the right form: {what}. Please correct it and send it again."""


class RequestKeyUsed(Conflict):
    """This form was sent already, with other words. Please open a new one to say something else."""


class NoSuchRequest(NotFound):
    """There is no such request here. Please open the list again."""


class TooManyOpen(Conflict):
    """{most} requests of yours wait to be decided by this agency. Please wait for an answer, or take one back."""


class RequestEnded(Conflict):
    """This request was decided meanwhile. Please open the list again."""


class ExtendedBefore(Conflict):
    """The time to answer this request cannot be extended (again). Please grant or refuse it by its day."""


class RequestOpen(Conflict):
    """A request of this person about their data is not decided yet."""
