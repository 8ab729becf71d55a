"""The Django app of the room."""

from django.apps import AppConfig


class IdentityConfig(AppConfig):
    """Room identity."""

    name = "onedoor.identity"
    label = "identity"

    def ready(self) -> None:
        """Have accounts go with who is erased."""
        from onedoor.identity import erasing  # noqa: F401 - registers on import
