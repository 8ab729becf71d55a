"""The Django app of the room."""

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    """Room notices."""

    name = "onedoor.notices"
    label = "notices"

    def ready(self) -> None:
        """Have the unread notices of whoever acts counted along."""
        from onedoor.notices import service

        service.count_along()
