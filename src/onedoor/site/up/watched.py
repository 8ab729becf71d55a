"""What ``onedoor up`` tells who watches it: whether each process that it keeps runs, and how often it began anew."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from onedoor.kernel.said import said
from onedoor.kernel.text import gettext_noop
from onedoor.kernel.watch import listener, metrics
from onedoor.kernel.watch.health import Dependency, Failing, Health
from onedoor.kernel.watch.metrics import Measure
from onedoor.site.up.process import Process

KEPT = ("process",)
metrics.measured("up", {"onedoor_up_running": ("1 while a process that is kept running runs, else 0.", KEPT)})
metrics.measured("up", {"onedoor_up_restarts_total": ("How often a process began anew.", KEPT)}, type_="counter")
Kept = Callable[[], Sequence[Process]]


@contextmanager
def watched(kept: Kept, address: str) -> Iterator[None]:
    """Answer at *address* (of this computer) how each process is that is *kept* running."""
    source = partial(_measures, kept)
    metrics.scraped.sources.append(source)
    told = listener.listen(
        address, "", Health("up", "", [Dependency(gettext_noop("processes"), partial(_all_run, kept), needed=False)])
    )
    try:
        yield
    finally:
        told.shutdown()
        told.server_close()
        metrics.scraped.sources.remove(source)


def _measures(kept: Kept) -> Iterator[Measure]:
    for one in kept():
        yield Measure("onedoor_up_running", float(bool(one.pid)), (one.name,))
        yield Measure("onedoor_up_restarts_total", one.restarts, (one.name,))


def _all_run(kept: Kept) -> None:
    if away := [one.name for one in kept() if not one.pid]:
        raise Failing(said("not running now, and started anew"), ", ".join(away))
