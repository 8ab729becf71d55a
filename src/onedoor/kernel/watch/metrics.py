"""The metrics of a process: every one is made here, so that the reference can list them and nothing is named twice.

Labels take values from closed lists alone (patterns of routes, services of the configuration, outcomes): never an
address, an id or a name of anybody.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends of the classes of a latency, in seconds."""
REGISTRY = CollectorRegistry()
KNOWN: dict[str, "Kind"] = {}
"""Every metric by its name."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a metric is: *type* of Prometheus, what it says, its labels, which processes have it."""

    type: str
    about: str
    labels: tuple[str, ...]
    where: str


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure taken when somebody asks for it; its labels are in the order of its kind."""

    name: str
    value: float
    labels: tuple[str, ...] = ()


class Scraped(Collector):
    """Takes measures from their sources at the moment of a scrape."""

    def __init__(self) -> None:
        self.sources: list[Source] = []

    def describe(self) -> Iterable[Metric]:
        """Say nothing in advance: what a process measures depends on its role."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield a family for each metric that some source gives now."""
        found: dict[str, Metric] = {}
        for source in self.sources:
            for one in source():
                family = found.setdefault(one.name, _family(one.name))
                family.add_sample(one.name, dict(zip(KNOWN[one.name].labels, one.labels, strict=True)), one.value)
        yield from found.values()


Source = partial[Iterator[Measure]]
scraped = Scraped()
disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY.register(scraped)
ProcessCollector(registry=REGISTRY)


def counter(name: str, about: str, labels: tuple[str, ...], where: str) -> Counter:
    """Make a counter; its *name* ends in ``_total``."""
    _know(name, Kind("counter", about, labels, where))
    return Counter(name, about, labels, registry=REGISTRY)


def histogram(name: str, about: str, labels: tuple[str, ...], where: str) -> Histogram:
    """Make a histogram of seconds."""
    _know(name, Kind("histogram", about, labels, where))
    return Histogram(name, about, labels, registry=REGISTRY, buckets=BUCKETS)


def measured(where: str, names: Mapping[str, tuple[str, tuple[str, ...]]], *, type_: str = "gauge") -> None:
    """Make metrics known that are measured at a scrape: name → what it says, labels."""
    for name, (about, labels) in names.items():
        _know(name, Kind(type_, about, labels, where))


def text() -> bytes:
    """Return every metric in Prometheus' text format."""
    return generate_latest(REGISTRY)


def _know(name: str, kind: Kind) -> None:
    if name in KNOWN:
        raise ValueError(f"the metric {name} is made twice")
    KNOWN[name] = kind


def _family(name: str) -> Metric:
    kind = KNOWN[name]
    family = CounterMetricFamily if kind.type == "counter" else GaugeMetricFamily
    return family(name, kind.about)
