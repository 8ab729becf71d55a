"""The Django app of the room."""

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    """Room notices."""

    name = "onedoor.notices"
    label = "notices"
