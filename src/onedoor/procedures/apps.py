"""The room as a Django app."""

from django.apps import AppConfig


class ProceduresConfig(AppConfig):
    """Public services as definitions."""

    name = "onedoor.procedures"
    label = "procedures"
    verbose_name = "Procedures"
