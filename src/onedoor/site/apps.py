"""The Django app of the site: the platform's own templates, pages and commands."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """Room site."""

    name = "onedoor.site"
    label = "onedoor_site"

    def ready(self) -> None:
        """Make every kind of file of a nation known, also those of rooms that this role does not install."""
        from onedoor.site import kinds

        kinds.load()
