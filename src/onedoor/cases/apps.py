"""The Django application of the room."""

from django.apps import AppConfig


class CasesConfig(AppConfig):
    """Cases: from a form to a signed result."""

    name = "onedoor.cases"
    label = "cases"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make known the jobs and event handlers of the room, and what it enters into the ledger."""
        from onedoor.cases import entered, erasing, tasks  # noqa: F401
