"""The nation as data: files with line numbers, kinds of files, agencies, units, lists, and their check."""

from onedoor.kernel.nation.agencies import Agency
from onedoor.kernel.nation.checking import check
from onedoor.kernel.nation.codes import AGENCIES, UNITS, code_faults
from onedoor.kernel.nation.documents import Document, Fault
from onedoor.kernel.nation.file_kinds import DATE_SCHEMA, UNIT_SCHEMA, FileKind, kinds, register
from onedoor.kernel.nation.lists import CodeList, Item, UnknownItem
from onedoor.kernel.nation.nation import BadNation, Nation, load
from onedoor.kernel.nation.organisations import Identifier, Organisation, Organisations, UnknownOrganisation
from onedoor.kernel.nation.present import current, hold, in_force, kept, known_on
from onedoor.kernel.nation.publishing import published
from onedoor.kernel.nation.schemas import nearest
from onedoor.kernel.nation.shapes import Shape
from onedoor.kernel.nation.texts import TEXT_SCHEMA
from onedoor.kernel.nation.units import Unit, Units, UnitsNotKnown, UnknownUnit

__all__ = [
    "AGENCIES",
    "DATE_SCHEMA",
    "TEXT_SCHEMA",
    "UNITS",
    "UNIT_SCHEMA",
    "Agency",
    "BadNation",
    "CodeList",
    "Document",
    "Fault",
    "FileKind",
    "Identifier",
    "Item",
    "Nation",
    "Organisation",
    "Organisations",
    "Shape",
    "Unit",
    "Units",
    "UnitsNotKnown",
    "UnknownItem",
    "UnknownOrganisation",
    "UnknownUnit",
    "check",
    "code_faults",
    "current",
    "hold",
    "in_force",
    "kept",
    "kinds",
    "known_on",
    "load",
    "nearest",
    "published",
    "register",
]
