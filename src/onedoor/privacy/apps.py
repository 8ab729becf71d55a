"""The Django application of the room."""

from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    """Why someone may read."""

    name = "onedoor.privacy"
    label = "privacy"

    def ready(self) -> None:
        """Register the file kinds of the room."""
        from onedoor.privacy import domain  # noqa: F401 - registers on import
