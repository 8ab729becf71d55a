"""The door of the room: the only module, beside ``events``, that other rooms import."""

from onedoor.pubsub.arriving import arrived

__all__ = ["arrived"]
