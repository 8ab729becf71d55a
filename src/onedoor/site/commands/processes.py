"""What the commands of one process share: their role, and that they take everything from the environment."""

import argparse
import os

from onedoor.kernel.settings import Settings, current, faulty


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing: a process is described by its environment (docs/reference/settings)."""
    parser.epilog = "Everything is set by environment variables: ONEDOOR_ROLE, ONEDOOR_NATION, ONEDOOR_STATE …"


def settings_of(*roles: str) -> Settings:
    """Return the settings of this process; raise `BadSetting` unless it has one of *roles*."""
    settings = current()
    if settings.role not in roles:
        raise faulty("ONEDOOR_ROLE", os.environ.get("ONEDOOR_ROLE", "").strip(), " or ".join(roles))
    return settings
