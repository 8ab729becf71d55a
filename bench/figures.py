"""Pages of figures of a nation with 500 services, against an empty view of the same server and middleware.

``python -m bench.figures FOLDER`` measures on a PostgreSQL of its own and prints JSON; `measure` runs it so.
"""

import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import requests
from cheroot import wsgi

from bench.measure import Ratio, apart, compare, told
from bench.nation import generate
from bench.pages import EMPTY, WARM, sample
from bench.registers import served
from bench.wire import Wire, ask

SERVICES, REGISTERS = 500, 6
HOST = "127.0.0.1"
FLOOR, REQUESTS, REPEATS = 6.0, 40, 7
PAGES = {
    "figures": "/vi/figures/",
    "stages": "/vi/figures/stages",
    "stages, another page": "/vi/figures/stages?page=7",
    "stages, filtered": "/vi/figures/stages?proof=no&scale=vn-2026",
    "stages of a service": "/vi/figures/stages/vn.birth-7",
    "features": "/vi/figures/features",
    "features, filtered": "/vi/figures/features?module=EP&page=2",
    "index of an agency": "/vi/figures/indices/decision-766?whose=commune-00199",
    "assessments": "/vi/figures/assessments",
}


def measure(var: Path, say: Callable[[str], None]) -> list[Ratio]:
    """Return a ratio for each page, measured in a process of their own with its state in *var*."""
    say(f"pages of figures, {SERVICES} services")
    return apart("bench.figures", var / "figures")


def main(folder: Path) -> None:
    """Measure on a server of its own and print the ratios as JSON."""
    with tempfile.TemporaryDirectory() as name, served(folder, generate(Path(name), SERVICES, REGISTERS)):
        print(told(_ratios()))


def _ratios() -> Iterator[Ratio]:
    from onedoor.measurement import inside

    paths = {**PAGES, "assessment": _assessed()}
    for path in paths.values():
        inside.ask(path)  # the files of 500 services are read for longer than a wire waits
    with _listening() as port:
        wire, bare, address = Wire(HOST, port), requests.Session(), f"{HOST}:{port}"
        for name, path in paths.items():
            page, anchor = (ask(bare, f"http://{address}{one}") for one in (path, EMPTY))
            for one in (page, anchor):
                sample(wire, one, WARM)
            ours, theirs = partial(sample, wire, page, REQUESTS), partial(sample, wire, anchor, REQUESTS)
            yield compare(f"page: {name}, {SERVICES} services", ours, theirs, floor=FLOOR, repeats=REPEATS)


@contextmanager
def _listening() -> Iterator[int]:
    """Serve the pages of this process on a port of its own."""
    from django.core.wsgi import get_wsgi_application
    from django.db import connections

    connections.settings["default"]["CONN_MAX_AGE"] = None  # as the portal's pool does, it keeps its connection
    server = wsgi.Server((HOST, 0), get_wsgi_application(), numthreads=1)
    server.prepare()
    threading.Thread(target=server.serve, daemon=True).start()
    try:
        yield int(server.bind_addr[1])
    finally:
        server.stop()


def _assessed() -> str:
    """Publish an assessment of a unit and return the path of its page."""
    from onedoor.kernel.actor import Actor
    from onedoor.measurement.assessments import assessing, reconciling
    from onedoor.measurement.assessments.assessing import Said

    def officer(person: str, post: str) -> Any:  # noqa: ANN401 - an actor
        return Actor(person=person, post=f"G22.{post}", agency="G22", level=2)

    head = officer("head", "reconciler")
    row = reconciling.open_("01", head)
    for person in ("first", "second"):
        actor = officer(person, "assessor")
        assessing.take(row.pk, actor)
        assessing.save(row.pk, actor, {code: Said(True, "https://unit.example/") for code in row.codes})
        assessing.submit(row.pk, actor)
    reconciling.publish(row.pk, head)
    return f"/vi/figures/assessments/{row.pk}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
