"""``onedoor new-room``: make a room that passes every check, in a checkout of onedoor."""

import argparse
import subprocess
import sys
from pathlib import Path

from onedoor.site import rooms


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the room's name, what it is for, its level and its roles."""
    parser.add_argument("name", help="one word of small letters, a noun of the field")
    parser.add_argument("--title", default="A room that says here what it is for", help="one sentence: what it is for")
    level = parser.add_mutually_exclusive_group()
    level.add_argument("--beside", default="", metavar="ROOM", help="level: neighbours that do not know each other")
    level.add_argument("--above", default="", metavar="ROOM", help="level: a new one, whose room may import ROOM")
    parser.add_argument("--role", choices=rooms.ROLES, action="append", help="who installs it; both unless given")


def run(arguments: argparse.Namespace) -> None:
    """Make the room, write the reference anew, and say what to do next."""
    root = Path.cwd()
    made = rooms.make(root, arguments.name, arguments.title.rstrip("."), beside=arguments.beside,
                      above=arguments.above, roles=arguments.role or rooms.ROLES)  # fmt: skip
    for path in made:
        print(path.relative_to(root))
    subprocess.run([sys.executable, "-m", "tests.reference"], cwd=root, check=True)
    print(f"Next: write src/onedoor/{arguments.name}/README.md, then its rules and tests; “make check” holds them.")
