"""The Django app of the room."""

from django.apps import AppConfig


class IdentityConfig(AppConfig):
    """Room identity."""

    name = "onedoor.identity"
    label = "identity"
