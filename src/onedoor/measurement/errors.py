"""What the room refuses, in the reader's language; faults of a table name line and column."""

from collections.abc import Callable, Sequence

from onedoor.kernel.errors import BadInput, NotFound, OnedoorError, TooLarge
from onedoor.kernel.nation import Fault

SHOWN = 20
"""Faults of one table that are kept and told; how many there are is told too."""


class BadTable(BadInput):
    """{file} cannot be used; faults found: {count}. Please correct them; nothing was computed."""

    def __init__(self, file: object, faults: Sequence[OnedoorError], count: int) -> None:
        self.faults = tuple(faults)
        super().__init__(file=file, count=count)

    def text(self, translate: Callable[[str], str] = str, language: str = "en") -> str:
        """Return the sentence, and one of each fault below it."""
        told = [fault.text(translate, language) for fault in getattr(self, "faults", ())]
        return "\n".join([super().text(translate, language), *told])


class BadDefinition(BadInput):
    """The definitions of indices cannot be used. Please correct them: {faults}."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(faults="\n".join(["", *map(str, faults)]))


class NotACell(BadInput):
    """{file}, line {line}, column {column} ({name}): “{value}” is no number. Please write one such as 0.5931."""


class DecimalComma(NotACell):
    """{file}, line {line}, column {column} ({name}): “{value}” has a comma as its decimal sign. Please write {instead}."""  # noqa: E501 - one sentence after another, one key


class EmptyCell(NotACell):
    """{file}, line {line}, column {column} ({name}): a value is missing. Please write it; a country that was not assessed has an index of 0."""  # noqa: E501 - one sentence after another, one key


class OutOfRange(NotACell):
    """{file}, line {line}, column {column} ({name}): {value} lies outside {low} to {high}. Please correct it."""


class BadRank(NotACell):
    """{file}, line {line}, column {column} ({name}): “{value}” is no rank. Please write a whole number from 1."""


class BadYear(NotACell):
    """{file}, line {line}, column {column} ({name}): “{value}” is no year. Please write the edition, such as 2018."""


class YearNotDefined(NotACell):
    """{file}, line {line}, column {column} ({name}): the edition {value} has no definition. Please use one of {known}."""  # noqa: E501 - one sentence after another, one key


class UnknownName(NotACell):
    """{file}, line {line}, column {column} ({name}): no country is known as “{value}”. Please correct it, or add it to the variants in countries.csv. The nearest is {near}."""  # noqa: E501 - one sentence after another, one key


class Doubled(NotACell):
    """{file}, line {line}, column {column} ({name}): {value} stands in line {other} already. Please keep one of the two."""  # noqa: E501 - one sentence after another, one key


class UnevenRow(BadInput):
    """{file}, line {line}: there are {found} values where the first line names {expected} columns, from column {column} on. Please put a name with a comma in quotes and write decimals with a point."""  # noqa: E501 - one sentence after another, one key


class RowsMissing(BadInput):
    """{file}, line {line}, column {column} ({name}): the table ends without {count} of those ranked in {edition}: {names}. Please add their rows; ranks would be wrong without them."""  # noqa: E501 - one sentence after another, one key


class ColumnsMissing(BadInput):
    """{file}, line 1: the columns {names} are missing. Please name them in the first line, parted by commas."""


class ColumnTwice(BadInput):
    """{file}, line 1, column {column}: “{name}” is named twice. Please keep one of the two."""


class NoTable(BadInput):
    """{file}, line {line}: this is no CSV table in UTF-8 ({why}). Please save it as one."""


class NoRows(BadInput):
    """{file} has no row below its first line. Please take a table with the values of an edition."""


class TableTooLarge(TooLarge):
    """{file} is larger than the {limit} that a table of an index may have. Please take the right file."""


class TooManyRows(TooLarge):
    """{file} has more than the {most} rows that a table of an index may have. Please take the right file."""


class NoFile(BadInput):
    """{file} is no regular file, so no table can be read from it. Please name a CSV file."""


class NoIndex(BadInput):
    """There is no index “{index}” in {folder}. Please name a folder with definitions: --world DIR."""


class NoWorld(BadInput):
    """{folder} has no countries.csv and no definitions of indices. Please name the folder that has them: --world DIR."""  # noqa: E501 - one sentence after another, one key


class NoEdition(BadInput):
    """The index {index} has no edition {edition}. Please use one of {known}, or add its definition."""


class EditionNotThere(BadInput):
    """{file} has no row of the edition {edition}; it has those of {found}. Please take another file or edition."""


class NoSuchCountry(BadInput):
    """{file} has no “{country}” in the edition {edition}. Please check the name or the ISO 3166 code. The nearest is {near}."""  # noqa: E501 - one sentence after another, one key


class NotRanked(BadInput):
    """{country} has no rank in the edition {edition}: it was not assessed, or is scored alone. Please choose another country."""  # noqa: E501 - one sentence after another, one key


class NoGroup(BadInput):
    """There is no group “{group}”. Please use one of {known}."""


class EmptyGroup(BadInput):
    """The group {group} had no member in {file} in the edition {edition}. Please choose another group or edition."""


class NotAMember(BadInput):
    """{country} was no member of {group} in the edition {edition}. Please choose one of {members}."""


class NoSuchPlace(BadInput):
    """There is no place {place} among {count}. Please choose one from 1 to {count}."""


class OutOfReach(BadInput):
    """{country} cannot reach place {place}: with every part at its highest it is {most}. Please choose place {most} or a later one."""  # noqa: E501 - one sentence after another, one key


class NoHistory(BadInput):
    """Rivals move on their trend, and a trend needs an earlier edition. Please name one: --history FILE."""


class HistoryTwice(BadInput):
    """The edition {edition} is in more than one file. Please name each edition once."""


class BadCount(BadInput):
    """{name} must be a whole number from {low} to {high}, not {value}."""


class NotAWeightedMean(BadInput):
    """{index} is no weighted mean of its parts as they are, which this question needs. Please ask for its ranks instead."""  # noqa: E501 - one sentence after another, one key


class UnclearGoal(BadInput):
    """The goal is not clear. Please name it as --rank R, or as --group NAME --place G; --history goes with --field moving."""  # noqa: E501 - one sentence after another, one key


class NoIndexOfAgencies(NotFound):
    """{nation} has no index “{index}” of agencies. Please use one of {known}."""


class NoAgency(NotFound):
    """{nation} has no agency “{agency}”. Please check its id. The nearest is {near}."""


class NoAgencyThere(NotFound):
    """No agency works in a unit “{unit}” or below it on {on}. Please use one of {known}."""


class NoLevel(NotFound):
    """No agency works on the level “{level}”. Please use one of {known}."""


class WhoseIndex(BadInput):
    """Please say whose index: one of --agency ID, --unit CODE or --level LEVEL."""


class NoDay(BadInput):
    """“{day}” is not a day. Please write it such as 2026-11-29."""


class DayAhead(BadInput):
    """{day} lies ahead: today is {today}. Please ask for today or an earlier day."""


class KnownTooEarly(BadInput):
    """What was known on {known} cannot tell of {day}, which is later. Please take that day or a later one."""


class NoEditionThen(BadInput):
    """{index} does not hold on {day}: its first edition is of {first}. Please ask for a later day."""


class NoFigures(NotFound):
    """There are no figures of “{index}” here. Please choose from the list of what is measured."""


class NotListed(NotFound):
    """“{country}” is not in the edition {edition}. Please choose one from the table, by its name or ISO 3166 code."""


class NoChoice(BadInput):
    """“{value}” cannot be chosen here. Please take one of {known}."""


class BadFeatures(BadDefinition):
    """The list of features cannot be used. Please correct it: {faults}."""


class NoFeatures(BadInput):
    """There is no list of features “{features}” in {folder}. Please name the folder of the world with --world DIR."""
