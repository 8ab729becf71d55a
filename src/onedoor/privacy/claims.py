"""What the ledger commits to of one use of the gate: claims, of which each person is shown those that are theirs."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter

from onedoor.kernel.ledger import disclosures
from onedoor.privacy.rules import Reader

FORM = 3
"""How what is entered is written today; 1 was the whole as one JSON text, which is shown whole or not at all.

In 2 a person's claim did not say whether their number is kept, sealed, with the record.
"""
TELLS_KEPT = 3
OPEN = ("record", "moment", "client", "purpose", "basis", "register", "operation", "refused", "hidden_until")
"""The claims that every person a record is about is shown."""

Fields = Collection[str] | None
"""The fields of a record that are a person's own; None stands for all of them."""


@dataclass(frozen=True)
class Details:
    """What one use of the gate was; persons only as blind indexes, each with the fields that are their own."""

    record: str
    moment: str
    reader: Reader
    register: str
    operation: str
    fields: Sequence[str]
    refused: str
    persons: Mapping[bytes, Fields] = field(default_factory=dict)
    hidden_until: str = ""
    salt: bytes = b""
    form: int = FORM
    erased: Mapping[int, str] = field(default_factory=dict)
    """What is left of persons who were erased: the digest of their claim, by its place among those of persons."""
    kept: Collection[bytes] = ()
    """Those of the persons whose number is kept with the record, sealed under their own key."""

    def content(self) -> bytes:
        """Return what the ledger commits to."""
        if self.form == 1:
            return b"onedoor read 1\n" + self.salt + self._whole()
        return disclosures.content(f"onedoor read {self.form}", self._disclosed, self.salt, self.erased.values())

    def told(self) -> bytes:
        """Return what was entered with every claim disclosed: for whoever keeps the record."""
        return self._shown(self._disclosures)

    def told_to(self, person: bytes, *, case: str, account: str) -> bytes | None:
        """Return what was entered as far as it is for *person* (a blind index), who sees the *case* and is *account*.

        Whoever else it is about, and what is theirs, stays a digest. None when it can only be told whole, which was so
        in the first form, and it is not for them alone.
        """
        if self.form == 1:
            return self.content() if set(self.persons) == {person} and self.reader.case in ("", case) else None
        names = [*OPEN, f"person {person.hex()}"]
        names += ["user"] if "." in self.reader.user or self.reader.user in ("", account) else []
        names += ["case"] if self.reader.case in ("", case) else []
        names += ["fields"] if self.persons.get(person) is None else []
        return self._shown(names)

    def _shown(self, names: Sequence[str] | Mapping[str, bytes]) -> bytes:
        known = self._disclosures
        return disclosures.shown(self.content(), (known[name] for name in names if name in known))

    @cached_property
    def _disclosures(self) -> dict[str, bytes]:
        """The disclosure of each claim by what sets it apart from the others: its name, and of a person whose it is."""
        names = [*(name for name, _ in self._said), *(f"person {mark}" for mark, _ in self.places)]
        return {name: shown for name, shown in zip(names, self._disclosed, strict=True) if shown}

    @cached_property
    def _disclosed(self) -> list[bytes]:
        """The disclosures of all claims in their order, empty for a person who was erased."""
        persons = [("person", self._person(mark, own)) if mark else None for mark, own in self.places]
        return disclosures.disclosed(self.salt, [*self._said, *persons])

    def _person(self, mark: str, own: Fields) -> dict[str, object]:
        said = {"mark": mark, "fields": None if own is None else list(own)}
        return said | ({"kept": bytes.fromhex(mark) in self.kept} if self.form >= TELLS_KEPT else {})

    @property
    def places(self) -> list[tuple[str, Fields]]:
        """Return the persons in the order of their claims, empty where one was erased."""
        known = sorted(((person.hex(), own) for person, own in self.persons.items()), key=itemgetter(0))
        if not self.erased:
            return known
        persons, count = iter(known), len(self.persons) + len(self.erased)
        return [("", None) if place in self.erased else next(persons, ("", None)) for place in range(count)]

    def kept_of(self, person: bytes) -> tuple[int, str]:
        """Return what is kept of *person* (a blind index) once erased: place and digest of their claim."""
        mark = person.hex()
        place = next(place for place, (other, _) in enumerate(self.places) if other == mark)
        return place, disclosures.digest(self._disclosures[f"person {mark}"])

    def _whole(self) -> bytes:
        said: dict[str, object] = {name: value for name, value in self._said if name != "hidden_until"}
        said |= {"persons": sorted(person.hex() for person in self.persons)}
        return json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

    @property
    def _said(self) -> list[tuple[str, object]]:
        reader = self.reader
        said: list[tuple[str, object]] = [
            ("record", self.record),
            ("moment", self.moment),
            ("client", reader.client),
            ("user", reader.user),
            ("purpose", reader.purpose),
            ("basis", reader.basis),
            ("case", reader.case),
            ("register", self.register),
            ("operation", self.operation),
            ("refused", self.refused),
            ("fields", list(self.fields)),
        ]
        return [*said, ("hidden_until", self.hidden_until)] if self.hidden_until else said
