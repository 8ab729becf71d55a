"""CSV tables of a nation with line numbers."""

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from onedoor.kernel import refusals
from onedoor.kernel.nation.documents import Fault
from onedoor.kernel.said import Said, said

Row = Mapping[str, str]
T = TypeVar("T")


def read_table(
    path: Path, name: str, columns: Sequence[str], make: Callable[[Row, int], T]
) -> tuple[list[T], list[Fault]]:
    """Return what *make* makes of each row and line of the CSV file *path*, and the faults of its rows.

    *make* raises `ValueError` with the wrong and the right as two arguments, or as one.
    """
    made: list[T] = []
    faults: list[Fault] = []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if missing := [column for column in columns if column not in (reader.fieldnames or ())]:
                return [], [
                    Fault(
                        name,
                        1,
                        said("the columns {names} are missing", names=", ".join(missing)),
                        said("add them to the first line"),
                    )
                ]
            for row in reader:
                try:
                    made.append(make(_whole(row), reader.line_num))
                except ValueError as error:
                    wrong, *rest = error.args
                    if not isinstance(wrong, Said):
                        wrong = said("this row cannot be read: {error}", error=wrong)
                    faults.append(Fault(name, reader.line_num, wrong, rest[0] if rest else said("correct this row")))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        faults.append(
            Fault(
                name,
                1,
                said("the table cannot be read: {error}", error=refusals.why(error)),
                said("save it as a CSV file in UTF-8"),
            )
        )
    return made, faults


def _whole(row: dict[str, str]) -> Row:
    if None in row or None in row.values():
        raise ValueError(
            said("this row has not as many values as the first line has names"), said("put commas in quotes")
        )
    return row
