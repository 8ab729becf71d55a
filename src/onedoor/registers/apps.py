"""The Django application of the room."""

from django.apps import AppConfig


class RegistersConfig(AppConfig):
    """National databases."""

    name = "onedoor.registers"
    label = "registers"

    def ready(self) -> None:
        """Register the file kinds of the room, and what it enters into the ledger."""
        from onedoor.registers import domain, entered, erasing  # noqa: F401 - registers on import
