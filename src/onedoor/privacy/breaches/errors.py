"""What cannot be done about a breach, in the reader's language."""

from onedoor.kernel.errors import BadInput, Conflict, NotFound


class NoSuchBreach(NotFound):
    """There is no such breach at your desk. Please open the list again."""


class NoBreachLaw(BadInput):
    """No law of this nation asks for a notice of a breach that was found on that day. Please check the day."""


class FoundLater(Conflict):
    """The clock of this breach runs since it was found: that moment can be put earlier, never later."""


class NotFoundYet(Conflict):
    """When this breach was found is not written down yet. Please do that first."""


class NotReportedYet(Conflict):
    """The notice of this breach was not sent yet. Please send it first; then you can add to it."""


class ReasonNeeded(BadInput):
    """The notice comes after its limit. Please say why it is late."""
