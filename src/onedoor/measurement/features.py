"""Lists of features that an index looks for, and by which probes a portal is held against them: read and checked."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from onedoor.kernel.nation import Document, Fault, Nation, nearest
from onedoor.kernel.nation.nation import read_document, shown
from onedoor.kernel.said import said
from onedoor.kernel.settings import REPOSITORY
from onedoor.kernel.text import LANGUAGES, Text
from onedoor.measurement.errors import BadFeatures, NoFeatures

LIST, FOLDER = "osi-2024", "features"
WORLD = REPOSITORY / "nations" / "world"
"""Where the portal has its lists from: the installation."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One code of a list, such as ``EGL-003``; ``part`` says, in English, which part of a platform would supply it."""

    code: str
    module: str
    name: Text
    part: str


@dataclass(frozen=True, slots=True)
class Probe:
    """How a portal is held against a feature: see `probes.KINDS`; ``path`` is below the language, a file's is whole.

    ``words`` are those it may be named by, in each language; ``of`` is a code that must be present first.
    """

    kind: str
    path: str = ""
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    styles: str = ""
    media: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    least: int = 1
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    of: str = ""
    why: Text = field(default_factory=dict)


@dataclass(frozen=True)
class FeatureList:
    """A list with its probes by code."""

    id: str
    name: Text
    source: Text
    all: tuple[Feature, ...]
    probes: Mapping[str, Probe]


@cache
def load(world: Path, name: str = LIST) -> FeatureList:
    """Return a list of the folder *world*; raise `NoFeatures`, or `BadFeatures` with every fault of its file."""
    from onedoor.measurement.domain import FEATURES

    file = world / FEATURES.folder / f"{name}.yaml"
    if not file.is_file():
        raise NoFeatures(features=name, folder=shown(world))
    document, faults = read_document(file, FEATURES, LANGUAGES)
    if faults:
        raise BadFeatures(faults)
    data = document.data
    found = tuple(_features(world / data["list"]))
    if wrong := list(_unknown(document, {one.code for one in found})):
        raise BadFeatures(wrong)
    probes = {code: _probe(one) for one in data.get("probes", ()) for code in one["codes"]}
    return FeatureList(data["features"], data["name"], data["source"], found, probes)


@dataclass(frozen=True, slots=True)
class Proof:
    """What of a nation is the evidence for a code: a result of a service."""

    service: str
    result: str


def evidence(nation: Nation, name: str = LIST) -> Mapping[str, Proof]:
    """Return what of a nation is the evidence for each code."""
    found = (one.data for one in nation.documents("evidence"))
    return {code: Proof(**own) for one in found if one["evidence"] == name for code, own in one["services"].items()}


def check_evidence(document: Document, nation: Nation) -> Iterator[Fault]:
    """Yield each service that is named as evidence and that the nation does not have."""
    known = [f"{nation.id.lower()}.{file.stem}" for file in sorted((nation.path / "services").glob("*.yaml"))]
    for code, own in document.data["services"].items():
        if own["service"] not in known:
            wrong = said("there is no service “{service}”", service=own["service"])
            yield document.fault(("services", code, "service"), wrong, nearest(own["service"], known))


def _features(path: Path) -> Iterator[Feature]:
    """Yield a feature for each code of a table; one line may have several."""
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            name = {language: row[language] for language in LANGUAGES}
            for code in row["codes"].split():
                yield Feature(f"{row['module']}-{code}", row["module"], name, row["part"])


def _unknown(document: Document, known: set[str]) -> Iterator[Fault]:
    seen: set[str] = set()
    for number, probe in enumerate(document.data.get("probes", ())):
        for place, code in enumerate(probe["codes"]):
            keys = ("probes", number, "codes", place)
            if code not in known:
                yield document.fault(
                    keys, said("the list has no code “{code}”", code=code), nearest(code, sorted(known))
                )
            if code in seen:
                yield document.fault(keys, said("the code “{code}” is here twice", code=code), said("keep one"))
            seen.add(code)


def _probe(data: Mapping[str, Any]) -> Probe:
    parts: dict[str, Any] = {
        key: tuple(part) if isinstance(part, list) else part for key, part in data.items() if key != "codes"
    }
    words = {language: tuple(said) for language, said in data.get("words", {}).items()}
    return Probe(**parts | {"words": words})
