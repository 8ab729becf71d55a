"""The Django app of the store."""

from django.apps import AppConfig


class StoreConfig(AppConfig):
    """Room store."""

    name = "onedoor.store"
    label = "store"

    def ready(self) -> None:
        """Make the delivery job known, and what is entered into the ledger."""
        from onedoor.store import details, ledger_rotation, outbox  # noqa: F401
