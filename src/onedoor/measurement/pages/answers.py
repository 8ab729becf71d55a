"""What it would take, in sentences."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from django.http import HttpRequest
from django.utils.translation import gettext as _

from onedoor.kernel.text import pick
from onedoor.measurement import goal as goals
from onedoor.measurement.errors import NoSuchPlace, OutOfReach
from onedoor.measurement.goal import Goal, PartChange, Way
from onedoor.measurement.measured import Measured
from onedoor.measurement.pages import asking, words
from onedoor.measurement.pages.asking import Question
from onedoor.measurement.pages.pictures import Needed

FIXED, MOVING = "fixed", "moving"
BETTER = 10
"""Places that are asked for where nobody said how many."""
MOST_DIGITS = 4
AT_LOW, AT_HIGH = "5 %", "95 %"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The place that is wanted among so many, where the country is now, and whether its rivals move."""

    place: int
    now: int
    count: int
    field: str


@dataclass(frozen=True, slots=True)
class Told:
    """One way to the goal: its changes, and what it leads to."""

    changes: Sequence[str]
    result: Sequence[str]
    together: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said first, each way, and what does not reach the goal."""

    first: Sequence[str]
    ways: Sequence[Told]
    blocked: Sequence[str]
    reached: bool = False
    out_of_reach: bool = False
    needed: Sequence[Needed] = ()


def can_move(asked: Question) -> bool:
    """Return whether there are earlier editions that show a trend."""
    return any(year < asked.year for year in asked.shelf.editions)


def wanted(request: HttpRequest, asked: Question) -> Wanted:
    """Return the place that *request* asks for; a better one than now where it does not say."""
    measured = asked.measured
    here = measured.ranked_place(asked.code)
    rivals = measured.field(here, asked.group)
    now, count = measured.worst_among(here, rivals), len(rivals) + 1
    field = asking.chosen(request, "field", [FIXED, MOVING] if can_move(asked) else [FIXED], FIXED)
    given = _given(request)
    if not given:
        return Wanted(max(1, now - (1 if asked.group else BETTER)), now, count, field)
    if not (given.isascii() and given.isdigit() and len(given) <= MOST_DIGITS and 1 <= int(given) <= count):
        raise NoSuchPlace(place=given[:20], count=count)
    return Wanted(int(given), now, count, field)


def _given(request: HttpRequest) -> str:
    """Return the place as typed, or where the slider is if that alone was moved; nothing when the group is another."""
    names = ("place", "slide", "was", "group", "of")
    typed, slid, was, group, of = (request.GET.get(name, "").strip() for name in names)
    if was and group != of:
        return ""
    return slid if slid and typed == was else typed


def answer(asked: Question, want: Wanted) -> Answer:
    """Return what it takes to reach the place that is wanted."""
    earlier = [one for year, one in asked.shelf.editions.items() if year < asked.year]
    history = earlier if want.field == MOVING else None
    try:
        found = goals.solve(asked.measured, asked.code, want.place, asked.group, history)
    except OutOfReach as error:
        told = _("No change reaches place {place}: with every part at its highest it is {most}. That is the most.")
        return Answer([told.format(**error.facts)], [], [], out_of_reach=True)
    first = [*_now(asked, found), *_moving(found)]
    if found.reached:
        return Answer([*first, _("Place {place} is reached without a change.").format(place=found.place)], [], [], True)
    needs = _("Place {place} takes {needed}. Each of these reaches it:")
    first.append(needs.format(place=found.place, needed=words.number(found.needed)))
    ways = [_told(asked.measured, way, together=False) for way in found.alone]
    if found.together:
        ways.append(_told(asked.measured, found.together, together=True))
    alone = _("{part} alone does not reach it: at its highest it gives place {most}.")
    blocked = [alone.format(part=words.part(asked.measured, one.part), most=one.most) for one in found.blocked]
    needed = [_needed(asked, way) for way in found.alone if way.chance is not None]
    return Answer(first, ways, blocked, needed=needed)


def _needed(asked: Question, way: Way) -> Needed:
    """Return what one part alone must become, with its ends; an end out of reach is the highest there is."""
    (one,) = way.parts
    root = next(part for part in asked.measured.edition.root.parts if part.id == one.part)
    lowest, highest = root.minimum or Decimal(0), root.maximum or Decimal(1)
    least, most = (_becomes(one, end, highest) for end in (way.low, way.high))
    shares = (Fraction(value - lowest) / Fraction(highest - lowest) for value in (one.after, one.before, least, most))
    return Needed(
        name=words.part(asked.measured, one.part),
        before=words.number(one.before),
        after=words.number(one.after),
        low=words.number(least),
        high=words.number(most) if way.high is not None else _("out of reach"),
        ends=tuple(shares),
    )


def _becomes(one: PartChange, by: Decimal | None, highest: Decimal) -> Decimal:
    if by is None:
        return highest
    if one.of is None:
        return one.before + by
    have = round(one.before * one.of)
    return ((have + by) / one.of).quantize(one.before)


def _now(asked: Question, found: Goal) -> Iterator[str]:
    group = f" ({pick(found.group.name, words.language())})" if found.group else ""
    yield _("{country}, {edition}: place {now}{group} with {value}.").format(
        country=words.country(asked.shelf.world, asked.code),
        edition=asked.year,
        now=found.now,
        group=group,
        value=words.number(found.value),
    )


def _moving(found: Goal) -> Iterator[str]:
    if found.year:
        yield _("Rivals move on their trend to {year}.").format(year=found.year)
        if not found.measured:
            yield _("Two editions do not show how far a trend misses: how differently countries moved stands for it.")


def _told(measured: Measured, way: Way, *, together: bool) -> Told:
    result = [_("This gives {value} and place {rank}.").format(value=words.number(way.value), rank=way.rank)]
    if way.chance is not None:
        share = words.percent(way.chance)
        result.append(_("It is enough in {share} of the fields drawn around the trend.").format(share=share))
        if not together:
            result.append(_spread(way))
    return Told([_change(measured, one) for one in way.parts], result, together)


def _spread(way: Way) -> str:
    said = _("From {low} ({at_low}) to {high} ({at_high}).")
    return said.format(low=_end(way, way.low), high=_end(way, way.high), at_low=AT_LOW, at_high=AT_HIGH)


def _end(way: Way, end: Decimal | None) -> str:
    if end is None:
        return _("out of reach")
    counted = way.parts[0].features is not None
    return _("{n} features").format(n=end) if counted else words.signed(end)


def _change(measured: Measured, one: PartChange) -> str:
    facts = {
        "part": words.part(measured, one.part),
        "before": words.number(one.before),
        "after": words.number(one.after),
    }
    if one.features is None:
        said = _("{part} from {before} to {after} (+{change})")
        return said.format(change=words.number(one.after - one.before), **facts)
    return _("{part} from {before} to {after} (+{n} of {of} features)").format(n=one.features, of=one.of, **facts)
