"""The Django application of the room."""

from django.apps import AppConfig


class RegistersConfig(AppConfig):
    """National databases."""

    name = "onedoor.registers"
    label = "registers"

    def ready(self) -> None:
        """Register the file kinds of the room, what it enters into the ledger, and what is counted along."""
        from onedoor.registers import domain, entered, erasing, service  # noqa: F401 - registers on import

        service.count_along()
