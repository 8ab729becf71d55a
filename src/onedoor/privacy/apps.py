"""The Django application of the room."""

from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    """Why someone may read."""

    name = "onedoor.privacy"
    label = "privacy"

    def ready(self) -> None:
        """Register the file kinds of the room, and what it enters into the ledger."""
        from onedoor.privacy import domain, entered, erasing, sealing  # noqa: F401 - registers on import
        from onedoor.privacy.breaches import entered as acted  # noqa: F401
        from onedoor.privacy.breaches import erasing as forgetting  # noqa: F401
        from onedoor.privacy.consents import decisions, revisions  # noqa: F401 - registers on import
        from onedoor.privacy.requests import steps  # noqa: F401
