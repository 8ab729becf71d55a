"""``onedoor story``: play the story of a birth on a nation of its own, or on one that runs."""

import argparse
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from onedoor.kernel import nation
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.nation import Nation
from onedoor.kernel.text import LANGUAGES, pick
from onedoor.site import kinds, messages
from onedoor.site.cli import DEFAULT_NATION
from onedoor.site.help_texts import positive
from onedoor.site.messages import gettext_noop
from onedoor.site.messages import text as _
from onedoor.site.story.announcing import announce
from onedoor.site.story.places import Places, places
from onedoor.site.story.play import SERVICE, Story
from onedoor.site.story.told import Told
from onedoor.site.up.command import running
from onedoor.site.up.plan import Options
from onedoor.site.up.supervisor import Supervisor

OWN_VAR, OWN_PORT = Path("var/story"), 18000


class NotGood(OnedoorError):
    """The story ended, but not well: {why}."""


class NoSuchStory(OnedoorError):
    """“{nation}” has no service {service}, which the story plays. Please name one that has it: --nation {other}."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add where to play and whether to stay."""
    parser.add_argument("--nation", type=Path, default=DEFAULT_NATION, help="folder of the nation")
    parser.add_argument("--var", type=Path, default=OWN_VAR, help="folder that keeps everything it makes")
    parser.add_argument("--port", type=int, default=OWN_PORT, help="the portal's port; others follow up to 400 above")
    parser.add_argument("--people", type=positive, default=10_000, help="synthetic people")
    parser.add_argument("--seed", type=int, default=1, help="which synthetic people")
    about = "language of the pages (else the nation's first) and of the messages"
    parser.add_argument("--language", choices=LANGUAGES, help=about)
    parser.add_argument("--identity-card", action="store_true", help="ask for the identity card as well")
    parser.add_argument("--times", type=positive, default=1, help="how many births, one after the other")
    parser.add_argument("--running", action="store_true", help="the nation in --var already runs; do not start it")
    parser.add_argument("--stay", action="store_true", help="stay up after the story, until Ctrl-C")


def run(arguments: argparse.Namespace) -> None:
    """Play; the last line is the story as JSON, unless the nation stays up."""
    kinds.load()
    where = places(_playable(arguments.nation), arguments.var.absolute(), arguments.port, arguments.language or "")
    if arguments.running:
        return _tell(where, arguments)
    with _nation(arguments) as supervisor:
        _tell(where, arguments)
        if arguments.stay:
            _say_who_signs_in(where.read())
            stays = _(
                "The nation stays up at {address} until Ctrl-C. Logs: {logs}",
                address=where.portal,
                logs=supervisor.logs,
            )
            print(f"\n{stays}", flush=True)
            while not supervisor.stopping:
                threading.Event().wait(0.2)
            print("\n" + _("Stopping."), flush=True)
    return None


def _playable(folder: Path) -> Nation:
    """Return the nation in *folder*; raise `NoSuchStory` unless it has the service that the story plays."""
    country = nation.load(folder)
    if SERVICE not in [one.data["service"] for one in country.documents("service")]:
        raise NoSuchStory(nation=country.name, service=SERVICE, other=DEFAULT_NATION)
    return country


@contextmanager
def _nation(arguments: argparse.Namespace) -> Iterator[Supervisor]:
    with running(_options(arguments)) as supervisor:
        watching = threading.Thread(target=supervisor.watch, daemon=True)
        watching.start()
        try:
            yield supervisor
        finally:
            supervisor.stopping = True
            watching.join()


def _options(arguments: argparse.Namespace) -> Options:
    return Options(
        nation=arguments.nation.absolute(),
        var=arguments.var.absolute(),
        port=arguments.port,
        people=arguments.people,
        seed=arguments.seed,
    )


def _tell(where: Places, arguments: argparse.Namespace) -> None:
    folder = where.layout.var / "results"
    _say(announce(where.nation, _options(arguments), arguments.times))
    for _time in range(arguments.times):
        told = Story(where, folder, _say, identity_card=arguments.identity_card).play()
        _sum_up(where.read(), told)
        if not arguments.stay:
            print(told.line(), flush=True)
        if not told.good:
            raise NotGood(why="; ".join(f"{one.kind}: {one.signature}" for one in told.results) or _("no result"))


def _say(sentence: str) -> None:
    print(f"  {sentence}", flush=True)


def _say_who_signs_in(where: Places) -> None:
    """Say at which address to sign in as whom, to see the pages that the story told of."""
    print()
    _say(_("Every page asks who comes. This is a demonstration: choose the person from the list there."))
    for one in where.personas():
        address = where.desk(one["agency"], "sign-in") if "agency" in one else where.page("sign-in")
        note = pick(one["note"], messages.language())
        _say(_("Sign in as {name}, {note}: {address}", name=one["name"], note=note, address=address))


DOSSIERS = "cases/"
"""What the name of a dossier begins with where reads are told."""


def _called(what: str) -> str:
    """Return in words what was read that is no register: the dossier, or what has another name by now."""
    return _("the dossier") if what.startswith(DOSSIERS) else what


def _sum_up(where: Places, told: Told) -> None:
    facts, questions, seconds = told.facts_reused, told.questions_asked, f"{told.seconds:.1f}"
    _say(
        _(
            "{facts} facts were reused, {questions} questions asked, in {seconds} s.",
            facts=facts,
            questions=questions,
            seconds=seconds,
        )
    )
    did = {"read": gettext_noop("read {register} ({n})"), "wrote": gettext_noop("wrote {register} ({n})")}
    names = where.registers()
    for who in dict.fromkeys(touched[0] for touched in told.touched):
        own = [(what, register, n) for (by, what, register), n in told.touched.items() if by == who]
        said = (_(did[what], register=names.get(register) or _called(register), n=n) for what, register, n in own)
        _say(f"{who}: {', '.join(said)}.")
    address = where.page(f"cases/{told.case}/reads")
    _say(_("Each of these {n} stands with its purpose and basis at {address}", n=len(told.reads), address=address))
    size, root = told.ledger["size"], told.ledger["root"][:16]
    _say(_("The portal's ledger has {size} entries with root {root}….", size=size, root=root))
    if told.silent:
        silent = _("These agencies did not say what they read: {names}.", names=", ".join(told.silent))
        sys.stderr.write(f"  {silent}\n")
