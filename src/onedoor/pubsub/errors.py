"""What a room refuses, in the reader's language."""

from onedoor.kernel.errors import BadInput, Conflict, NotFound


class UnknownEventType(NotFound):
    """This room has no event type “{name}”. Please look at its list of event types."""


class EventTypeExists(Conflict):
    """This room has an event type “{name}” already. Please take another name, or end that one first."""


class BadEventType(BadInput):
    """This event type cannot be made: {what}. Please correct it and send it again."""


class BadEvent(BadInput):
    """The event was not taken: {what}. Please correct it and publish it again."""


class PersonInEvent(BadInput):
    """The event was not taken: it holds a personal number. An event says that something happened, not to whom; please give the id of a record, which a subscriber reads through the gate."""  # noqa: E501 - one sentence after another, one key


class OtherEvent(Conflict):
    """A call with this key brought another event before. Please give each event a key of its own."""


class NoSuchEvent(NotFound):
    """No such event of yours is known here. Please check its id; events are kept for {days} days."""


class BadSubscription(BadInput):
    """The subscription was not taken: {what}. Please correct it and send it again."""


class NotSubscribed(NotFound):
    """You are not subscribed to “{name}” here. Please subscribe first."""


class AlreadySubscribed(Conflict):
    """You are subscribed to “{name}” already. Please change that subscription instead."""


class NothingWaits(NotFound):
    """No event of “{name}” waits for you at the moment. Please ask again later."""


class NotByPull(Conflict):
    """You do not fetch events of “{name}”: please subscribe by PULL first."""


class NotItsTurn(Conflict):
    """An event before this one waits for you still. Please confirm that one first."""


class TooMany(Conflict):
    """This room holds {most} of them already, which is the most. Please end some first."""
