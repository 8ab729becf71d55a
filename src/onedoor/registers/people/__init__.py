"""Synthetic people: families, households, marriages, births, notices and cards, the same for the same seed."""

from onedoor.registers.people.files import read, write
from onedoor.registers.people.generator import generate

__all__ = ["generate", "read", "write"]
