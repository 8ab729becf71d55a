"""Features of an index for ``onedoor measure features``: probed at a running portal, in words and as JSON."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import requests
from rich.console import Console
from rich.table import Table

from onedoor.kernel.nation import Nation
from onedoor.kernel.text import pick
from onedoor.measurement import features, probes
from onedoor.measurement.features import FeatureList
from onedoor.measurement.portal import Answer, Portal
from onedoor.measurement.probes import Finding
from onedoor.site.messages import gettext_noop, language
from onedoor.site.messages import text as _
from onedoor.site.proofs import NoFigures, NoPortal, why
from onedoor.site.staging import NO_TERMINAL
from onedoor.site.visiting import visit

STATES: Mapping[str, str] = {
    probes.PRESENT: gettext_noop("present"),
    probes.ABSENT: gettext_noop("not present"),
    probes.WAITING: gettext_noop("not checkable yet"),
    probes.UNPROBED: gettext_noop("no probe"),
}


def found(country: Nation, world: Path, address: str, spoken: str) -> tuple[FeatureList, list[Finding]]:
    """Return what is found of every code at the portal at *address*; raise `NoPortal` or `NoFigures`."""
    if not address:
        raise NoPortal
    listed = features.load(world)
    with requests.Session() as session:

        def ask(path: str) -> Answer:
            try:
                return visit(f"{address}{path}", session)
            except OSError as error:
                raise NoFigures(address=address, why=why(error)) from error

        try:
            every = probes.check(
                listed, features.evidence(country, listed.id), Portal(ask, address, spoken, country.today())
            )
        except (ValueError, LookupError, TypeError) as error:  # what it tells of its stages is not what a portal tells
            raise NoFigures(address=address, why=why(error)) from error
    return listed, every


def plain(one: Finding, address: str) -> dict[str, Any]:
    """Return what was found of a code for JSON: ``state`` is present, absent, waiting (for a run) or unprobed."""
    return {
        "code": one.feature.code,
        "module": one.feature.module,
        "feature": pick(one.feature.name, language()),
        "state": one.state,
        "why": _(probes.WHYS[one.why], **one.facts),
        "evidence": [urljoin(address, path) for path in one.evidence],
    }


def show(listed: FeatureList, every: Sequence[Finding], address: str) -> None:
    """Print a line for each code that has a probe, then how many there are of each state."""
    table = Table(title=pick(listed.name, language()))
    for name in (_("code"), _("feature"), _("found"), _("why, and where")):
        table.add_column(name)
    for one in every:
        if one.state != probes.UNPROBED:
            told = plain(one, address)
            where = "\n".join([told["why"], *told["evidence"][:1]])
            table.add_row(told["code"], told["feature"], _(STATES[one.state]), where)
    counted = Counter(one.state for one in every)
    console = Console(width=None if os.isatty(1) else NO_TERMINAL)
    console.print(table)
    sums = ", ".join(f"{_(words)} {counted[state]}" for state, words in STATES.items())
    console.print(_("{n} codes: {told}.", n=len(every), told=sums))
    console.print(_("Source: {source}.", source=pick(listed.source, language())))
