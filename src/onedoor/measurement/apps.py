"""The Django application of the room: its pages and what it counts; the arithmetic of indices needs none of it."""

from django.apps import AppConfig


class MeasurementConfig(AppConfig):
    """Indices and stages."""

    name = "onedoor.measurement"
    label = "measurement"

    def ready(self) -> None:
        """Register the file kinds of the room, and what it enters into the ledger."""
        from onedoor.measurement import domain  # noqa: F401 - registers on import
        from onedoor.measurement.assessments import reconciling  # noqa: F401 - says what it entered into the ledger
