"""What the commands of one process share: their role, and that they take everything from the environment."""

import argparse
import os

from onedoor.kernel.said import either, verbatim
from onedoor.kernel.settings import Settings, current, faulty


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing: a process is described by its environment (docs/reference/settings)."""
    parser.epilog = "Everything is set by environment variables: ONEDOOR_ROLE, ONEDOOR_NATION, ONEDOOR_STATE …"


def settings_of(*roles: str) -> Settings:
    """Return the settings of this process; raise `BadSetting` unless it has one of *roles*."""
    settings = current()
    if settings.role not in roles:
        raise faulty("ONEDOOR_ROLE", os.environ.get("ONEDOOR_ROLE", "").strip(), either(map(verbatim, roles)))
    return settings


def set_up_django() -> None:
    """Let this command use the models of the rooms; what it logs holds no personal data and goes to stderr."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "onedoor.site.settings")
    import django

    from onedoor.site import logs

    logs.set_up("warning")
    django.setup()
