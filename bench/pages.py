"""Every kind of page of portal and desk, signed in, against an empty view of the same server and middleware."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

import requests

from bench.measure import Ratio, compare_both_ways
from bench.stage import Stage
from bench.whoreads import FILL, OWN, SYSTEM
from bench.wire import Ask, Wire, ask
from onedoor.site.embedded import Server
from onedoor.site.story.play import MOTHER

FLOOR = 6.0
REQUESTS = 15
REPEATS = 7
WARM = 12
EMPTY = "/health/empty"
INDEX = "figures/indices/decision-766?whose=commune-00199"
WHY = "figures/egdi/VN/why"
WORKED_OUT_WITHIN = 120.0
ASKED = """
SELECT person FROM privacy_readperson JOIN privacy_readrecord ON privacy_readrecord.id = record_id
WHERE register = 'own-reads' ORDER BY record_id DESC LIMIT 1
"""
"""Whose own reads were asked for last."""
LOOK_UP = "desk/look-up/birth-registration/births/mother"


@dataclass(frozen=True, slots=True)
class Page:
    """A kind of page: what it is called, and the request that shows it."""

    name: str
    ask: Ask


def measure(stage: Stage, say: Callable[[str], None]) -> Iterator[Ratio]:
    """Yield one ratio for each kind of page."""
    for page in pages(stage):
        say(page.name)
        yield _ratio(page)


def pages(stage: Stage) -> Iterator[Page]:
    """Yield every kind of page of the portal and of the desks that *stage* set up."""
    _work_out(stage)
    for name, persona, address in _addresses(stage):
        yield Page(name, ask(stage.session(persona), address))
    yield Page("desk: decision", _decision(stage))
    yield Page("desk: look-up, found", _found(stage))
    yield Page(f"portal: own reads, {OWN:,} of them", _many(stage))


def _work_out(stage: Stage) -> None:
    """Wait until what moves ranks is worked out: the process that does it would disturb what is measured."""
    deadline = time.monotonic() + WORKED_OUT_WITHIN
    while 'id="sensitivity"' not in requests.get(stage.places.page(WHY), timeout=60).text:
        if time.monotonic() > deadline:
            raise TimeoutError(WHY)
        time.sleep(1)


def _addresses(stage: Stage) -> Iterator[tuple[str, str, str]]:
    """Yield name, who is signed in, and address of every page that is asked for by GET."""
    yield from (("portal: " + name, who, stage.places.page(path)) for name, who, path in _portal(stage))
    yield from (("desk: " + name, who, address) for name, who, address in _desks(stage))


def _portal(stage: Stage) -> Iterator[tuple[str, str, str]]:
    service, done, fresh = f"services/{stage.service}", f"cases/{stage.done}", f"cases/{stage.fresh}"
    yield "home", "mother", ""
    yield "search", "mother", "services?q=khai sinh"
    yield "service", "mother", service
    yield "sign in", "mother", "sign-in"
    yield "form, first page", "father", f"{service}/apply"
    for page in stage.form:
        yield f"form, {page}", "mother", f"{service}/apply/{page}"
    yield "index of an agency", "mother", INDEX
    yield "saved", "mother", f"{service}/apply/saved"
    yield "review", "mother", f"{service}/apply/review"
    yield "cases", "mother", "cases/"
    yield "case at work", "mother", fresh
    yield "case done", "mother", done
    yield "receipt", "mother", f"{fresh}/receipt"
    yield "reads", "mother", f"{done}/reads"
    yield "own reads", "mother", "reads"
    yield "result", "mother", f"{done}/results/{stage.kind}/about"
    yield "result's file", "mother", f"{done}/results/{stage.kind}"
    yield "supplement", "mother", f"{fresh}/supplement"
    yield "withdraw", "mother", f"{fresh}/withdraw"
    yield "inbox", "mother", "inbox"
    yield "corrections", "mother", "corrections/"
    yield "correction, new", "mother", "corrections/new"
    yield "figures", "mother", "figures/"
    yield "stages", "mother", "figures/stages"
    yield "stages of the service", "mother", f"figures/stages/{stage.service}"
    yield "features", "mother", "figures/features"
    yield "assessments", "mother", "figures/assessments"
    yield "index, world", "mother", "figures/egdi"
    yield "index, group", "mother", "figures/egdi?group=asean"
    yield "index, why", "mother", WHY
    yield "index, goal", "mother", "figures/egdi/VN/goal?field=moving"
    yield "index, origin", "mother", "figures/egdi/VN/origin"


def _desks(stage: Stage) -> Iterator[tuple[str, str, str]]:
    commune, police, facility = map(stage.places.persona, ("civil-status", "residence", "midwife"))
    yield "sign in", commune["id"], stage.places.desk(commune["agency"], "sign-in")
    yield "cases received", commune["id"], stage.places.desk(commune["agency"])
    yield "cases searched", commune["id"], stage.places.desk(commune["agency"], f"desk/?q={stage.fresh}")
    yield "case to decide", commune["id"], stage.task
    for agency, address in stage.decided.items():
        yield f"case done, {agency.partition('-')[0]}", stage.places.officer(agency)["id"], address
    yield "look-up", commune["id"], stage.places.desk(commune["agency"], "desk/look-up")
    yield "look-up, form", commune["id"], stage.places.desk(commune["agency"], LOOK_UP)
    yield "corrections", police["id"], stage.places.desk(police["agency"], "desk/corrections/")
    yield "birth notice", facility["id"], stage.places.desk(facility["agency"], "desk/birth-notice")
    yield "verification", commune["id"], stage.verify


def _decision(stage: Stage) -> Ask:
    """Return the POST that shows a decision once more before it is sent; it changes nothing."""
    browser = stage.browser("civil-status")
    form = browser.get(stage.task).form("decision").fill({"decision": "accept"})
    data = {name: value or "" for name, value in form.element.form_values()}
    return ask(browser.session, stage.task, data=data, headers={"Referer": stage.task})


def _found(stage: Stage) -> Ask:
    """Return the POST that looks up the mother's children, for the case at work; each is kept as a read."""
    commune, mother = stage.places.persona("civil-status"), stage.places.persona(MOTHER)
    browser, address = stage.browser(commune["id"]), stage.places.desk(commune["agency"], LOOK_UP)
    form = browser.get(address).form("case").fill({"by-mother": mother["number"], "case": stage.fresh})
    data = {name: value or "" for name, value in form.element.form_values()}
    return ask(browser.session, address, data=data, headers={"Referer": address})


def _many(stage: Stage) -> Ask:
    """Return the request for the mother's own reads, of which an agency has recorded many since she asked for them."""
    page = ask(stage.session(MOTHER), stage.places.page("reads"))
    with closing(Wire(page.host, page.port)) as wire:
        wire.milliseconds(page)
    database = stage.places.layout.var / "postgres"
    with Server(database).as_superuser("node_g15") as connection:
        row = connection.execute(ASKED).fetchone()
        connection.execute(FILL, {"person": row[0] if row else None, "many": OWN, "first": 0, "client": SYSTEM})
        connection.execute("ANALYZE privacy_readrecord, privacy_readperson")
    return page


def empty(page: Ask) -> Ask:
    """Return the request for an empty view of the server of *page*, without a cookie."""
    bare = requests.Session()
    bare.headers.update({"Accept-Language": "vi", "Accept": "text/html"})
    return ask(bare, f"http://{page.host}:{page.port}{EMPTY}")


def sample(wire: Wire, one: Ask, times: int = REQUESTS) -> float:
    """Return the median milliseconds of *times* requests."""
    return statistics.median(wire.milliseconds(one) for _ in range(times))


def _ratio(page: Page) -> Ratio:
    """Compare *page* with an empty view."""
    with closing(Wire(page.ask.host, page.ask.port)) as wire:
        anchor = empty(page.ask)
        for one in (page.ask, anchor):
            sample(wire, one, WARM)
        ours, bare = partial(wire.milliseconds, page.ask), partial(wire.milliseconds, anchor)
        return compare_both_ways(page.name, ours, bare, times=REQUESTS, floor=FLOOR, repeats=REPEATS)


def paths(found: Sequence[Page]) -> dict[str, str]:
    """Return the path of each page by its name."""
    return {page.name: urlsplit(page.ask.wire.split(b" ", 2)[1].decode()).path for page in found}
