"""The Django application of the room: its pages and what it counts; the arithmetic of indices needs none of it."""

from django.apps import AppConfig


class MeasurementConfig(AppConfig):
    """Indices and stages."""

    name = "onedoor.measurement"
    label = "measurement"

    def ready(self) -> None:
        """Register the file kinds of the room."""
        from onedoor.measurement import domain  # noqa: F401 - registers on import
