"""The Django application of the room."""

from django.apps import AppConfig


class CasesConfig(AppConfig):
    """Cases: from a form to a signed result."""

    name = "onedoor.cases"
    label = "cases"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make known the jobs, events, ledger entries and words of the room, and who sees a case."""
        from onedoor.cases import dossiers, entered, erasing, held, tasks  # noqa: F401
        from onedoor.privacy.service import tell_cases, tell_words

        tell_cases(dossiers.seen)
        tell_words(held.called)
