"""What ``--help`` says, and what is wrong with a command line, in the language of the terminal."""

import argparse
from collections.abc import Callable
from datetime import date
from typing import Any

from onedoor.exchange.identifiers import ENDPOINT
from onedoor.site.messages import text as _

# The words of argparse itself: it takes them from a function of this name.
argparse._ = _  # type: ignore[attr-defined]


def positive(given: str) -> int:
    """Return the whole number from 1 that was *given*; a parser says what is wrong with another one."""
    number = int(given) if given.isascii() and given.isdigit() else 0
    if number:
        return number
    raise argparse.ArgumentTypeError(_("“{given}” is no whole number from 1", given=given[:40]))


def from_to(least: int, most: int) -> Callable[[str], int]:
    """Return what takes a whole number from *least* to *most*; a parser says what is wrong with another one."""

    def number(given: str) -> int:
        if given.isascii() and given.isdigit() and len(given) <= len(str(most)) and least <= int(given) <= most:
            return int(given)
        said = _("“{given}” is no whole number from {least} to {most}", given=given[:40], least=least, most=most)
        raise argparse.ArgumentTypeError(said)

    return number


def day(given: str) -> date:
    """Return the day that was *given*; a parser says what is wrong with what is none."""
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise argparse.ArgumentTypeError(_("“{given}” is no day; write one as 2026-12-31", given=given[:40])) from None


def endpoint(given: str) -> str:
    """Return the method and path that were *given*; a parser says what is wrong with what is none."""
    if ENDPOINT.fullmatch(given):
        return given
    raise argparse.ArgumentTypeError(_("“{given}” is no method and path, such as “GET /pets/*”", given=given[:40]))


def _whole(given: str) -> int:
    """Return the whole number that was *given*; a parser that asks for an ``int`` says what is wrong with another."""
    try:
        return int(given)
    except ValueError:
        raise argparse.ArgumentTypeError(_("“{given}” is no whole number", given=given[:40])) from None


class Parser(argparse.ArgumentParser):
    """A parser whose help is translated when it is shown; so are those of its commands."""

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - what argparse takes
        super().__init__(**{"formatter_class": _Help, **given})
        self.register("type", int, _whole)


class _Help(argparse.HelpFormatter):
    def add_text(self, text: str | None) -> None:
        """Add a description: what a command does, as a sentence."""
        said = _(text) if text else text
        super().add_text(said[:1].upper() + said[1:].rstrip(".") + "." if said else said)

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return _(action.help) if action.help else action.help
