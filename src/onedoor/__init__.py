"""onedoor: one door, once, one trail."""

__version__ = "0.1.0"
