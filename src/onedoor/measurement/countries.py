"""Countries by their ISO 3166 codes and by every name that publications give them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from onedoor.kernel.nation import Fault
from onedoor.kernel.nation.tables import Row, read_table
from onedoor.kernel.said import said
from onedoor.kernel.text import fold

COLUMNS = ("code", "alpha3", "name", "variants")
SMALL = {"the", "of", "and"}
NO_WORDS = re.compile(r"[^\w\s]|_")


def loose(name: str) -> str:
    """Return *name* for comparison: folded, its signs and small words gone, the other words in the alphabet's order.

    So “Korea (Republic of)” and “Republic of Korea” are one, and “Democratic Republic of the Congo” is not “Congo”.
    """
    words = NO_WORDS.sub(" ", fold(re.sub("['’`´‘]", "", name)).replace("&", " ")).split()
    return " ".join(sorted([word for word in words if word not in SMALL] or words))


@dataclass(frozen=True)
class Countries:
    """The names of each country by its two letters, and the code of each name."""

    names: Mapping[str, str]
    codes: Mapping[str, str]
    known: dict[str, str | None] = field(default_factory=dict, repr=False)

    def code(self, name: str) -> str | None:
        """Return the code of the country that *name* (a name or a code) means; None when none is known so."""
        if name not in self.known:
            self.known[name] = self.codes.get(loose(name))
        return self.known[name]

    def near(self, name: str) -> str:
        """Return the known name that looks most like *name*, or “…”."""
        found = get_close_matches(loose(name), self.codes, n=1, cutoff=0.5)
        return self.names[self.codes[found[0]]] if found else "…"


def read(path: Path, shown: str) -> tuple[Countries, list[Fault]]:
    """Return the countries in the table *path*, and its faults; a name that means two countries is one."""
    rows, faults = read_table(path, shown, COLUMNS, _row)
    names = {code: name for _line, code, name, _ in rows}
    codes: dict[str, str] = {}
    for line, code, _name, variants in rows:
        for variant in variants:
            other = codes.setdefault(loose(variant), code)
            if other != code:
                wrong = said("“{variant}” means {other} already", variant=variant, other=names[other])
                faults.append(Fault(shown, line, wrong, said("leave it out of one of the two")))
    return Countries(names, codes), faults


def _row(row: Row, line: int) -> tuple[int, str, str, tuple[str, ...]]:
    if not re.fullmatch("[A-Z]{2}", row["code"]) or not re.fullmatch("[A-Z]{3}", row["alpha3"]):
        raise ValueError(
            said("“{code}” and “{alpha3}” are no codes", code=row["code"], alpha3=row["alpha3"]),
            said("write those of ISO 3166-1"),
        )
    return line, row["code"], row["name"], tuple(_all(row))


def _all(row: Row) -> Iterator[str]:
    yield from (row["name"], row["code"], row["alpha3"])
    yield from filter(None, row["variants"].split("|"))
