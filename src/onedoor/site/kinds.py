"""Every kind of file a nation may hold: each room registers its own in its ``domain.py``."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

SOURCE = Path(__file__).parents[1]


def load() -> None:
    """Import the ``domain`` of every room that has one."""
    for folder in sorted(SOURCE.iterdir()):
        name = f"onedoor.{folder.name}.domain"
        if (folder / "domain.py").exists() and find_spec(name):
            import_module(name)
