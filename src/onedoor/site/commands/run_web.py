"""``onedoor web``: the portal's web server until it is told to stop."""

import argparse

from onedoor.site.commands.processes import add_arguments, settings_of

__all__ = ["add_arguments", "run"]


def run(arguments: argparse.Namespace) -> None:  # noqa: ARG001 - the shape of a command
    """Run until told to stop."""
    settings = settings_of("portal")
    from onedoor.site import serve, versions

    versions.refuse_other(settings.database_url)
    serve.web()
