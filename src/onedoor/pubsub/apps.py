"""The Django app of the room."""

from django.apps import AppConfig


class PubsubConfig(AppConfig):
    """Publish and subscribe: a system tells others that something happened."""

    name = "onedoor.pubsub"
    label = "pubsub"
