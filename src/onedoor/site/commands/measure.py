"""``onedoor measure``: an index recomputed from published values, stages of services, and the index of an agency.

The last one alone needs a database: that of the portal, where it is counted.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from onedoor.site import messages
from onedoor.site.cli import DEFAULT_NATION, DEFAULT_VAR
from onedoor.site.messages import text as _

if TYPE_CHECKING:
    from onedoor.kernel.nation import Nation
    from onedoor.measurement.service import Measured, World

WORLD = Path("nations/world")
HERE = Path(__file__).parents[4] / WORLD
"""The world of the checkout, for those who stand in another folder."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the questions."""
    parts = parser.add_subparsers(dest="part", metavar="rank|goal|interval|stages|features|run|index", required=True)
    rank = parts.add_parser("rank", help="recompute values and ranks and hold them against the published ones")
    _what(rank)
    rank.add_argument("--country", help="this country alone: a name or an ISO 3166 code")
    rank.add_argument("--group", help="the members that a group had then, such as ASEAN")
    goal = parts.add_parser("goal", help="the smallest change of parts, or of countable features, that reaches a rank")
    _what(goal)
    goal.add_argument("--country", required=True, help="a name or an ISO 3166 code")
    goal.add_argument("--rank", type=int, help="the rank to reach among all")
    goal.add_argument("--group", help="the group whose place is the goal")
    goal.add_argument("--place", type=int, help="the place to reach in the group")
    goal.add_argument(
        "--field", choices=["fixed", "moving"], default="fixed", help="rivals stay, or move on their trend"
    )
    goal.add_argument(
        "--history", type=Path, nargs="+", action="extend", metavar="FILE", help="earlier editions that show the trend"
    )
    interval = parts.add_parser(
        "interval", help="how sure a rank is: its interval over many draws of what is uncertain"
    )
    _what(interval)
    interval.add_argument("--country", required=True, help="a name or an ISO 3166 code")
    interval.add_argument("--draws", type=int, default=20_000, help="how many")
    interval.add_argument("--seed", type=int, default=1, help="which: the same seed gives the same interval")
    interval.add_argument("--sensitivity", action="store_true", help="also what moves the rank most (Sobol indices)")
    stages = parts.add_parser("stages", help="how far each service goes online, what proves it, and why not further")
    stages.add_argument("--nation", type=Path, default=DEFAULT_NATION, help="folder of the nation")
    stages.add_argument("--service", help="this service alone: its id")
    stages.add_argument("--on", metavar="DATE", help="services and scales in force on this day, such as 2026-11-29")
    _portal(stages)
    stages.add_argument("--json", action="store_true", help="as JSON")
    messages.add_argument(stages)
    _index_arguments(parts.add_parser("index", help="an index of an agency on a day, from what the portal counted"))
    features = parts.add_parser("features", help="which features of the Online Service Index a portal has: probed")
    features.add_argument("--nation", type=Path, default=DEFAULT_NATION, help="folder of the nation")
    features.add_argument("--world", type=Path, metavar="DIR", help=f"folder with countries, groups, indices ({WORLD})")
    _portal(features)
    features.add_argument("--json", action="store_true", help="as JSON")
    messages.add_argument(features)
    run_ = parts.add_parser(
        "run", help="announce that the next cases of a made-up person are runs that prove a service"
    )
    run_.add_argument("service", help="the id of the service")
    run_.add_argument("--as", dest="persona", required=True, help="who plays it: a person of the demonstration")
    run_.add_argument("--times", type=int, default=1, help="how many cases")
    messages.add_argument(run_)


def _index_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="index of the nation, such as decision-766")
    parser.add_argument("--agency", metavar="ID", help="this agency: its id, such as commune-00199")
    parser.add_argument("--unit", metavar="CODE", help="all agencies of a unit and below it: its code, such as 01")
    parser.add_argument("--level", help="all agencies of a level: central, or that of their administrative units")
    parser.add_argument("--on", metavar="DATE", help="the last day that counts, such as 2026-11-29; else today")
    parser.add_argument("--as-known-on", metavar="DATE", help="what was known at the end of this day; else now")
    parser.add_argument("--nation", type=Path, default=DEFAULT_NATION, help="folder of the nation")
    parser.add_argument("--var", type=Path, default=DEFAULT_VAR, help="folder of the installation")
    parser.add_argument("--json", action="store_true", help="as JSON, decimals as texts")
    messages.add_argument(parser)


def _portal(parser: argparse.ArgumentParser) -> None:
    about = "the portal that is asked (else that of the nation running on this computer, if one does)"
    parser.add_argument("--portal", metavar="ADDRESS", help=about)


def _what(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, metavar="FILE", help="CSV table of published values")
    parser.add_argument("--edition", type=int, required=True, metavar="YEAR", help="edition of the index")
    parser.add_argument("--index", default="egdi", help="which index")
    parser.add_argument("--world", type=Path, metavar="DIR", help=f"folder with countries, groups, indices ({WORLD})")
    parser.add_argument("--json", action="store_true", help="as JSON, decimals as texts")
    messages.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Answer the question; what is wrong with the table or the question is raised before anything is said."""
    if arguments.part in APART:
        return APART[arguments.part](arguments)
    from onedoor.measurement import service

    world = service.world(_world(arguments))
    measured = service.measure(world, arguments.data, arguments.edition, arguments.index)
    return PARTS[arguments.part](arguments, world, measured)


def _world(arguments: argparse.Namespace) -> Path:
    given: Path = arguments.world or (WORLD if WORLD.is_dir() else HERE)
    return given.absolute()


def _stages(arguments: argparse.Namespace) -> int:
    from onedoor.kernel import nation
    from onedoor.site import kinds, proofs, staging

    kinds.load()
    country = nation.load(arguments.nation.absolute())
    lines = staging.lines(country, staging.day(country, arguments.on), arguments.service)
    told = proofs.ask(proofs.address_of(arguments.portal, DEFAULT_VAR), _spoken(country))
    if arguments.json:
        _print([staging.plain(line, told) for line in lines])
    else:
        staging.show(lines, told)
    return 0


def _spoken(country: "Nation") -> str:
    """Return the language in which a portal is asked: that of the messages, if the nation has it."""
    return messages.language() if messages.language() in country.languages else country.languages[0]


def _features(arguments: argparse.Namespace) -> int:
    from onedoor.kernel import nation
    from onedoor.site import featuring, kinds, proofs

    kinds.load()
    country = nation.load(arguments.nation.absolute())
    address = proofs.address_of(arguments.portal, DEFAULT_VAR)
    listed, every = featuring.found(country, _world(arguments), address, _spoken(country))
    if arguments.json:
        _print([featuring.plain(one, address) for one in every])
    else:
        featuring.show(listed, every, address)
    return 0


def _announce(arguments: argparse.Namespace) -> int:
    import getpass

    from onedoor.site.commands.processes import set_up_django, settings_of

    settings_of("portal")
    set_up_django()
    from onedoor.measurement import runs

    runs.announce(arguments.service, arguments.persona, getpass.getuser(), arguments.times)
    minutes = int(runs.HOLDS.total_seconds() // 60)
    facts = {"service": arguments.service, "persona": arguments.persona, "n": arguments.times, "minutes": minutes}
    print(
        _("Announced: of “{service}”, the next cases of “{persona}” are runs ({n}, within {minutes} minutes).", **facts)
    )
    return 0


def _index(arguments: argparse.Namespace) -> int:
    from onedoor.site import measuring_live
    from onedoor.site.commands.processes import set_up_django

    measuring_live.settings_of_portal(arguments.nation.absolute(), arguments.var.absolute())
    set_up_django()
    from onedoor.kernel import nation
    from onedoor.measurement import readings, telling

    live = readings.live(measuring_live.question(arguments, nation.current()))
    if arguments.json:
        _print(telling.plain(live, messages.language(), _))
    else:
        measuring_live.show(live)
    return 0


def _rank(arguments: argparse.Namespace, world: "World", measured: "Measured") -> int:
    from onedoor.site import measuring, measuring_json

    group = world.group(arguments.group) if arguments.group is not None else None
    members = None if group is None else measured.members(group)
    rows = measured.rows(members)
    if arguments.country is not None:
        place = measured.place(arguments.country)
        measured.field(place, group)
        rows = [measured.row(place)]
    if arguments.json:
        _print([measuring_json.plain_row(row) for row in rows])
        for sentence in measuring.undecided(measured, rows):
            sys.stderr.write(sentence + "\n")
    else:
        measuring.show_rows(measured, rows, group, measured.group_ranks(members) if members is not None else {})
    return 0


def _goal(arguments: argparse.Namespace, world: "World", measured: "Measured") -> int:
    from onedoor.measurement import service
    from onedoor.measurement.errors import NoHistory, UnclearGoal
    from onedoor.site import measuring, measuring_json

    moving = arguments.field == "moving"
    one_of_all = arguments.rank is not None and arguments.group is None and arguments.place is None
    one_of_group = arguments.rank is None and arguments.group is not None and arguments.place is not None
    if not (one_of_all or one_of_group) or (arguments.history and not moving):
        raise UnclearGoal
    if moving and not arguments.history:
        raise NoHistory
    group = world.group(arguments.group) if one_of_group else None
    history = None
    if moving:
        files = [service.every(world, file, arguments.index) for file in arguments.history]
        history = [one for editions in files for one in editions]
    found = service.solve(
        measured, arguments.country, arguments.place if one_of_group else arguments.rank, group, history
    )
    if arguments.json:
        _print(measuring_json.plain_goal(measured, found))
    else:
        measuring.show_goal(measured, found)
    return 0


def _interval(arguments: argparse.Namespace, _world: "World", measured: "Measured") -> int:
    from onedoor.measurement import service
    from onedoor.site import measuring, measuring_json

    with _telling(service.rounds() * arguments.draws) as tell:
        found = service.certainty(measured, arguments.country, arguments.draws, arguments.seed, tell)
    moved = None
    if arguments.sensitivity:
        with _telling(None):
            moved = service.sensitivity(measured, arguments.country, arguments.seed)
    if arguments.json:
        _print(measuring_json.plain_interval(measured, found, moved))
    else:
        measuring.show_interval(measured, found, moved)
    return 0


@contextmanager
def _telling(total: int | None) -> Iterator[Callable[[int], None]]:
    """Give a function that hears of draws done, of *total* where that is known, and show them in a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(_("Drawing"), total=total)
        yield lambda done: progress.advance(task, done)


def _print(data: object) -> None:
    print(json.dumps(data, ensure_ascii=False, indent=1))


APART = {"stages": _stages, "features": _features, "run": _announce, "index": _index}
"""Parts that ask no table."""
PARTS = {"rank": _rank, "goal": _goal, "interval": _interval}
