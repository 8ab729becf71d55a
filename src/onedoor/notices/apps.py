"""The Django app of the room."""

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    """Room notices."""

    name = "onedoor.notices"
    label = "notices"

    def ready(self) -> None:
        """Have the unread notices of whoever acts counted along, and inboxes go with who is erased."""
        from onedoor.notices import erasing, service  # noqa: F401 - registers on import

        service.count_along()
