"""Where the story's people sit: the addresses of portal and desks, who works where, whom to trust."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from onedoor.exchange.directory.layout import Layout
from onedoor.kernel.errors import NotFound
from onedoor.kernel.nation import Nation
from onedoor.kernel.text import pick
from onedoor.signing.certificates import load_certificates
from onedoor.signing.trust import Trust
from onedoor.site import messages

PERSONAS = "demonstration.yaml"


@dataclass(frozen=True, slots=True)
class Places:
    """A running nation as its people see it: addresses in one language, personas, trusted roots."""

    layout: Layout
    language: str

    @property
    def nation(self) -> Nation:
        """Return the nation."""
        return self.layout.nation

    @property
    def portal(self) -> str:
        """Return the portal's address."""
        return f"http://localhost:{self.layout.base}"

    def page(self, path: str) -> str:
        """Return the address of a page of the portal in the story's language."""
        return f"{self.portal}/{self.language}/{path}"

    def desk(self, agency: str, path: str = "desk/") -> str:
        """Return the address of a page at the node on which *agency* works."""
        member = self.nation.agencies[agency].member
        place = next(seat.place for seat in self.layout.seats() if seat.member.id == member)
        return f"http://localhost:{self.layout.base + place}/{self.language}/{path}"

    def read(self) -> "Places":
        """Return the same places for who reads the messages: addresses in their language if the nation has it."""
        spoken = messages.language()
        return replace(self, language=spoken) if spoken in self.nation.languages else self

    def told(self, address: str) -> str:
        """Return the *address* of a page of these places for who reads the messages."""
        return address.replace(f"/{self.language}/", f"/{self.read().language}/", 1)

    def registers(self) -> Mapping[str, str]:
        """Return the names of the nation's registers in the language of the messages, by id."""
        found = (document.data for document in self.nation.documents("register"))
        return {one["register"]: pick(one["name"], messages.language()) for one in found}

    def personas(self) -> Sequence[Mapping[str, Any]]:
        """Return the demonstration's people and officers."""
        return self.nation.once(_personas)

    def persona(self, name: str) -> Mapping[str, Any]:
        """Return a persona by id; raise `NotFound`."""
        found = next((one for one in self.personas() if one["id"] == name), None)
        if found is None:
            raise NotFound
        return found

    def officer(self, agency: str) -> Mapping[str, Any]:
        """Return the demonstration's officer of *agency*; raise `NotFound`."""
        found = next((one for one in self.personas() if one.get("agency") == agency), None)
        if found is None:
            raise NotFound
        return found

    def trust(self) -> Trust:
        """Return what seals and time-stamps of results are checked against."""
        seats = [seat.state / "seals" for seat in self.layout.seats() if seat.place]
        folder = next(path for path in seats if (path / "trust.pem").exists())
        return Trust(load_certificates(folder / "trust.pem"), load_certificates(folder / "tsa-trust.pem"))


def places(nation: Nation, var: Path, base: int, language: str = "") -> Places:
    """Return the places of the nation that runs from *var* on ports from *base*; in its first language if not said."""
    return Places(Layout(nation, var, base), language or nation.languages[0])


def _personas(country: Nation) -> Sequence[Mapping[str, Any]]:
    return tuple(yaml.safe_load((country.path / PERSONAS).read_text("utf-8"))["personas"])
