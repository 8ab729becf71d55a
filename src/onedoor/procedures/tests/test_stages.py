"""Each variation of a service has its expected level on each scale, and the reasons why it is not higher."""

from copy import deepcopy
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from onedoor.kernel import nation
from onedoor.kernel.nation.layers import overlay
from onedoor.procedures import reading, stages
from onedoor.procedures.definition import Service
from onedoor.procedures.domain import SCALES
from onedoor.procedures.tests.births import NOW, PLAIN, VIETNAM

ALL = {scale.id: scale for scale in map(stages.read, (one.data for one in VIETNAM.documents(SCALES.name)))}
TEXT = {"vi": "a", "en": "a", "fr": "a"}
VISIT = {"reason": "presence", "text": TEXT, "law": "nd63.4"}
SAID = {"text": TEXT, "law": "nd63.4"}
FEE = {"text": TEXT, "law": "tt85", "amount": 8000}
FORM = {"title": TEXT, "law": "nd63.4"}
PAPER = {"original": {"title": TEXT, "law": "nd63.4"}}
WAYS = {"filing": ["online"], "delivery": ["online"], "law": "nd63.4"}


def ways(filing: str, delivery: str) -> dict[str, Any]:
    return {"ways": {**WAYS, "filing": filing.split(), "delivery": delivery.split()}}


def proactive(*kinds: str) -> dict[str, Any]:
    return {"proactive": dict.fromkeys(kinds, SAID)}


def varied(change: dict[str, Any]) -> Service:
    """Return the birth service with *change* laid over it; an empty map or list takes all of a part away."""
    plain = overlay(deepcopy(PLAIN["2026-09-01"]), {key: value for key, value in change.items() if value})
    return reading.read(plain | {key: value for key, value in change.items() if not value})


VARIATIONS: list[tuple[str, str, dict[str, Any], int, list[str]]] = [
    ("as it is", "vn-2011", {}, 4, []),
    ("as it is", "vn-2022", {}, 2, []),
    ("as it is", "vn-2026", {}, 2, []),
    ("as it is", "vn-2026-proactive", {}, 0, ["remind"]),
    ("no ways said", "vn-2011", {"ways": {}}, 0, ["information ways"]),
    ("no ways said", "vn-2022", {"ways": {}}, 0, ["submission"]),
    ("no ways said", "vn-2026", {"ways": {}}, 0, ["submission"]),
    ("fees left out", "vn-2011", {"fees": {}}, 0, ["information fees"]),
    ("fees left out", "vn-2022", {"fees": {}}, 1, ["information fees"]),
    ("no conditions", "vn-2011", {"eligible": {}}, 0, ["information conditions"]),
    ("no law, no fees", "vn-2026", {"law": {}, "fees": {}}, 1, ["information fees", "information law"]),
    ("a form without a file", "vn-2011", {"forms": {"one": FORM}}, 1, ["form one"]),
    ("a form without a file", "vn-2022", {"forms": {"one": FORM}}, 2, []),
    ("a form without a file", "vn-2026", {"forms": {"one": FORM}}, 1, ["form one"]),
    ("a form with a file", "vn-2011", {"forms": {"one": {**FORM, "file": "forms/one.pdf"}}}, 4, []),
    (
        "only a form to download",
        "vn-2011",
        {"form": {}, "forms": {"one": {**FORM, "file": "f/a.pdf"}}},
        2,
        ["interactive"],
    ),
    ("neither form nor page", "vn-2011", {"form": {}}, 0, ["information dossier", "information forms"]),
    ("filed at the office", "vn-2011", ways("office", "online"), 2, ["submission"]),
    ("filed at the office", "vn-2022", ways("office", "online"), 0, ["submission"]),
    ("filed by post or at the office", "vn-2026", ways("post office", "online"), 0, ["submission"]),
    ("filed online or at the office", "vn-2026", ways("online office", "online"), 2, []),
    ("a visit at one step", "vn-2011", {"steps": {"residence": {"visit": VISIT}}}, 2, ["handling residence"]),
    ("a visit at one step", "vn-2022", {"steps": {"residence": {"visit": VISIT}}}, 1, ["handling residence"]),
    ("a visit at one step", "vn-2026", {"steps": {"residence": {"visit": VISIT}}}, 1, ["handling residence"]),
    (
        "visits at two steps",
        "vn-2026",
        {"steps": {"birth": {"visit": VISIT}, "insurance": {"visit": VISIT}}},
        1,
        ["handling birth", "handling insurance"],
    ),
    ("a fee at the office", "vn-2011", {"fees": {"due": FEE}}, 3, ["payment due"]),
    ("a fee at the office", "vn-2022", {"fees": {"due": FEE}}, 2, []),
    ("a fee at the office", "vn-2026", {"fees": {"due": FEE}}, 1, ["payment due"]),
    ("a fee paid online", "vn-2011", {"fees": {"due": {**FEE, "paid": "online"}}}, 4, []),
    ("a fee paid online", "vn-2026", {"fees": {"due": {**FEE, "paid": "online"}}}, 2, []),
    ("a fee of unknown amount", "vn-2011", {"fees": {"due": {"text": TEXT, "law": "tt85"}}}, 3, ["payment due"]),
    ("results at the office alone", "vn-2011", ways("online", "office"), 4, []),
    ("results at the office alone", "vn-2022", ways("online", "office"), 1, ["delivery"]),
    ("results at the office alone", "vn-2026", ways("online", "office"), 1, ["delivery"]),
    ("results by post", "vn-2022", ways("online", "post"), 2, []),
    ("an original on paper", "vn-2011", {"papers": PAPER}, 4, []),
    ("an original on paper", "vn-2022", {"papers": PAPER}, 1, ["originals original"]),
    ("an original on paper", "vn-2026", {"papers": PAPER}, 1, ["originals original"]),
    ("nothing looked up", "vn-2026", {"data": {}}, 1, ["reuse"]),
    (
        "an original, a visit and a fee",
        "vn-2026",
        {"papers": PAPER, "steps": {"birth": {"visit": VISIT}}, "fees": {"due": FEE}},
        1,
        ["handling birth", "payment due", "originals original"],
    ),
    ("reminds", "vn-2026-proactive", proactive("remind"), 1, ["prepare"]),
    ("reminds and prepares", "vn-2026-proactive", proactive("remind", "prepare"), 2, ["recommend"]),
    ("and recommends", "vn-2026-proactive", proactive("remind", "prepare", "recommend"), 3, ["automatic"]),
    ("all four", "vn-2026-proactive", proactive("remind", "prepare", "recommend", "automatic"), 4, []),
    ("automatic alone", "vn-2026-proactive", proactive("automatic"), 0, ["remind"]),
    ("prepares but does not remind", "vn-2026-proactive", proactive("prepare"), 0, ["remind"]),
]


@pytest.mark.parametrize(
    ("scale", "change", "level", "reasons"),
    [one[1:] for one in VARIATIONS],
    ids=[f"{name} on {scale}" for name, scale, *_ in VARIATIONS],
)
def test_a_variation_has_its_level_and_its_reasons(
    scale: str, change: dict[str, Any], level: int, reasons: list[str]
) -> None:
    found = stages.standing(ALL[scale], varied(change))
    assert (found.level, [f"{one.condition} {one.part}".strip() for one in found.reasons]) == (level, reasons)
    assert found.highest == (not reasons)
    assert found.name == (ALL[scale].levels[level - 1].name if level else ALL[scale].below)


def test_each_scale_is_in_force_in_its_own_time() -> None:
    days = {date(2015, 1, 1): ["vn-2011"], date(2022, 8, 15): ["vn-2022"], date(2026, 6, 30): ["vn-2022"]}
    days |= {date(2011, 9, 30): [], date(2026, 7, 1): ["vn-2026", "vn-2026-proactive"]}
    assert {day: [key for key, scale in sorted(ALL.items()) if scale.in_force(day)] for day in days} == days


def test_a_reason_has_a_sentence_and_the_words_of_its_part() -> None:
    assert set(stages.SENTENCES) == set(stages.CONDITIONS)
    found = stages.standing(ALL["vn-2026"], varied({"papers": PAPER}))
    assert found.reasons == (stages.Reason("originals", "original", TEXT),)
    bare = replace(NOW, steps={}, results={}, who={}, pages=(), papers=())
    parts = [one.part for one in stages.standing(ALL["vn-2011"], bare).reasons]
    assert set(parts) < set(stages.INFORMATION)
    assert parts == ["steps", "dossier", "who", "result", "forms"]


def test_the_engine_knows_no_country() -> None:
    testland = nation.load(VIETNAM.path.parent / "testland")
    (scale,) = (stages.read(one.data) for one in testland.documents(SCALES.name))
    (plain,) = (plain for one in testland.documents("service") for plain in reading.versions(one.data))
    found = stages.standing(scale, reading.read(plain))
    assert (found.level, [one.condition for one in found.reasons]) == (1, ["handling", "delivery"])
