"""What a story told: the dossier, its results with their signatures, reads and ledger; as sentences and as JSON."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Issued:
    """A result: its kind, the agency that sealed it, the file, and ``valid`` or ``invalid: why``."""

    kind: str
    agency: str
    file: str
    signature: str


@dataclass(slots=True)
class Told:
    """All that one story shows."""

    case: str = ""
    results: list[Issued] = field(default_factory=list)
    facts_reused: int = 0
    questions_asked: int = 0
    reads: list[dict[str, Any]] = field(default_factory=list)
    touched: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """How often an agency read or wrote a register."""
    silent: list[str] = field(default_factory=list)
    ledger: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def agencies(self) -> Sequence[str]:
        """Return the agencies that issued a result, in the order they did."""
        return list(dict.fromkeys(result.agency for result in self.results))

    @property
    def good(self) -> bool:
        """Return whether three results of three agencies exist and every signature verifies."""
        return len(self.results) >= 3 and len(self.agencies) >= 3 and all(r.signature == "valid" for r in self.results)  # noqa: PLR2004 - three results, as the service promises

    def line(self) -> str:
        """Return the story as one line of JSON."""
        return json.dumps(
            {
                "case": self.case,
                "agencies": self.agencies,
                "results": [
                    {"kind": r.kind, "agency": r.agency, "file": r.file, "signature": r.signature} for r in self.results
                ],
                "facts_reused": self.facts_reused,
                "questions_asked": self.questions_asked,
                "reads": self.reads,
                "ledger": self.ledger,
                "seconds": round(self.seconds, 3),
            },
            ensure_ascii=False,
        )
