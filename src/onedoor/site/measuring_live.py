"""An index of agencies for ``onedoor measure index``: the question, and the answer in words."""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.text import pick, semicolons
from onedoor.measurement import telling
from onedoor.measurement.errors import WhoseIndex
from onedoor.measurement.national import PERCENT, Indicator, Live, Question, illustrative
from onedoor.measurement.rules.points import VERSION, Score
from onedoor.site.commands.processes import settings_of
from onedoor.site.messages import language
from onedoor.site.messages import text as _

if TYPE_CHECKING:
    from onedoor.kernel.nation import Nation

NO_TERMINAL = 120
NOTHING = "–"
SYSTEM = "portal-web"


class NotRunning(OnedoorError):
    """No nation runs in {var}, and its counts are in its database. Please start it, “onedoor up --var DIR”, or name another folder."""  # noqa: E501 - one sentence after another, one key


def settings_of_portal(nation: Path, var: Path) -> None:
    """Be a process of the portal: as the environment says, else that of the nation that runs in *var*."""
    if "ONEDOOR_ROLE" in os.environ:
        settings_of("portal", "test")
        return
    from onedoor.exchange.directory import lab
    from onedoor.kernel import nation as nations
    from onedoor.kernel.nation.versions import HISTORY
    from onedoor.kernel.settings import current
    from onedoor.site import kinds
    from onedoor.site.embedded import Server
    from onedoor.site.up.plan import VERSIONS, database_of

    kinds.load()
    if not (var / "postgres" / "data").is_dir() or not Server(var / "postgres").answers():
        raise NotRunning(var=var)
    kept = var / VERSIONS
    own = lab.environments(nations.load(nation), var, 0)[SYSTEM]
    state = Path(own["ONEDOOR_STATE"])
    os.environ.update(
        own
        | {
            "ONEDOOR_NATION": str(kept if (kept / HISTORY).exists() else nation),
            "ONEDOOR_SECRET_FILE": str(state / "secret"),
            "ONEDOOR_DATABASE_URL": Server(var / "postgres").url(database_of(SYSTEM)),
        }
    )
    current.cache_clear()


def question(arguments: argparse.Namespace, country: "Nation") -> Question:
    """Return what is asked; raise what of it cannot be."""
    from onedoor.measurement import levels, national

    on, known = national.day(arguments.on) or country.today(), national.day(arguments.as_known_on)
    national.index_called(country, arguments.name)
    given = {kind: id_ for kind in (levels.AGENCY, levels.UNIT, levels.LEVEL) if (id_ := getattr(arguments, kind))}
    if len(given) != 1:
        raise WhoseIndex
    return national.asked(country, arguments.name, levels.whose(country, *given.popitem(), on), on, known)


def show(live: Live) -> None:
    """Print the index as a table, and what must be known to read it."""
    asked, data = live.question, live.question.definition.data
    whose = telling.whose_name(asked.whose, language(), _)
    table = Table(title=f"{pick(data['name'], language())} – {whose}")
    table.add_column(_("item"))
    table.add_column(_("indicator"))
    for name in (_("value"), _("points")):
        table.add_column(name, justify="right")
    table.add_column(_("counted"))
    for group in live.groups:
        name = f"{pick(group.data['name'], language())} ({group.score.most})"
        table.add_row(group.data.get("item", ""), name, "", _points(live, group.score), "", style="bold")
        for one in group.indicators:
            table.add_row(*_row(live, one))
    console = Console(width=None if os.isatty(1) else NO_TERMINAL, highlight=False)
    console.print(table)
    for sentence in _sentences(live):
        print(sentence)


def _row(live: Live, one: Indicator) -> tuple[str, ...]:
    name = pick(one.data["name"], language())
    name += " *" if "illustrative" in one.data else ""
    given = _points(live, one.score) if one.part.weight else NOTHING
    return one.data.get("item", ""), name, _value(live, one), given, _counted(one)


def _value(live: Live, one: Indicator) -> str:
    if one.value is None:
        return _("not measured")
    if one.is_time:
        return _("{n} min", n=_number(live.rounded(one.value)))
    return f"{_number(live.rounded(one.value * PERCENT))} %"


def _points(live: Live, score: Score) -> str:
    if not score.measured:
        return f"{NOTHING} / {score.most}"
    return f"{_number(live.rounded(score.points))} / {score.measured}"


def _counted(one: Indicator) -> str:
    if not one.measured:
        why = telling.why_not(one)
        return _(why) if isinstance(why, str) else pick(why, language())
    names = [telling.measure_name(one.data[key], _) for key in ("numerator", "denominator")]
    return f"{' / '.join(map(str, one.counts or ()))} ({' / '.join(names)})"


def _sentences(live: Live) -> Iterator[str]:
    asked, data = live.question, live.question.definition.data
    score = live.score
    facts: dict[str, Any] = {"measured": score.measured, "most": score.most}
    if score.measured:
        yield _(
            "{points} of {measured} points that are measured; the index has {most}.",
            points=_number(live.rounded(score.points)),
            **facts,
        )
    else:
        yield _("None of the {most} points is measured.", **facts)
    days = {"start": asked.start, "on": asked.on, "known": asked.known}
    yield _("Counted from {start} to {on}, as known on {known}.", **days)
    if live.since is None:
        yield _("Nothing has been counted yet.")
    elif live.since > asked.start:
        yield _("Counting began on {since}: what was before is not in it.", since=live.since)
    source = asked.definition.editions[asked.year].get("source") or data.get("source")
    yield _("Source: {source}.", source=source) if source else _("Source: none, the definition is illustrative.")
    yield _("Edition {edition}, rule {rule}: {text}", edition=asked.year, rule=VERSION, text=_said(data["scoring"]))
    if data.get("confidence") == "press":
        yield _("As reported, not read in the text itself.")
    if names := [pick(name, language()) for name in illustrative(live)]:
        yield _("Illustrative (*), not sourced: {names}.", names=semicolons(names, language()))
    if "illustrative" in data["period"]:
        yield _("The period over which is counted is illustrative.")


def _said(part: Any) -> str:  # noqa: ANN401 - plain data of the definition
    return pick(part["text"], language())


def _number(value: object) -> str:
    return str(value) if language() == "en" else str(value).replace(".", ",")
