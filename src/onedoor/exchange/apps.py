"""The Django application of the room: its pages. Gateway, directory and witness know nothing of it."""

from django.apps import AppConfig


class ExchangeConfig(AppConfig):
    """Messages between agencies."""

    name = "onedoor.exchange"
    label = "exchange"

    def ready(self) -> None:
        """Register the file kinds of the room."""
        from onedoor.exchange import domain  # noqa: F401 - registers on import
