"""Spans sent to a collector by OTLP over HTTP in its JSON encoding, in batches, by a thread that never holds one up."""

import json
import logging
import threading
import time
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from queue import Empty, Full, Queue
from typing import Any

from onedoor.kernel.watch import metrics
from onedoor.kernel.watch.trace import Trace

MOST_WAITING = 4096
BATCH = 512
GATHER = 1.0
"""Seconds in which spans gather before they are sent."""
PATIENCE = 5.0
ERROR = 2
Facts = Mapping[str, str | int]
_logger = logging.getLogger(__name__)
_sent = metrics.counter(
    "onedoor_spans_total", "Spans by what became of them: sent, or dropped.", ("outcome",), "all, when traces are on"
)


class Exporter:
    """What waits to be sent to the collector at *url*; when it does not take it, it is dropped and counted."""

    def __init__(self, url: str, resource: Facts) -> None:
        self._url, self._resource = url, _attributes(resource)
        self._waiting: Queue[dict[str, Any]] = Queue(MOST_WAITING)
        self._ending = threading.Event()
        self._away = False
        self._thread = threading.Thread(target=self._run, name="spans", daemon=True)
        self._thread.start()

    def put(self, here: Trace, parent: str, name: str, kind: int, start: int, *, failed: bool, facts: Facts) -> None:
        """Queue a span that began at *start* (nanoseconds of Unix time) and ends now."""
        span: dict[str, Any] = {
            "traceId": here.id, "spanId": here.span, "name": name, "kind": kind,
            "startTimeUnixNano": str(start), "endTimeUnixNano": str(time.time_ns()), "attributes": _attributes(facts),
        }  # fmt: skip
        if parent:
            span["parentSpanId"] = parent
        if failed:
            span["status"] = {"code": ERROR}
        try:
            self._waiting.put_nowait(span)
        except Full:
            _sent.labels("dropped").inc()

    def close(self) -> None:
        """Send what waits and end."""
        self._ending.set()
        self._thread.join(PATIENCE + 1)

    def _run(self) -> None:
        while not self._ending.wait(GATHER):
            self._send_all()
        self._send_all()

    def _send_all(self) -> None:
        while batch := self._take():
            try:
                self._post(batch)
            except (OSError, HTTPException) as error:
                _sent.labels("dropped").inc(len(batch))
                if not self._away:
                    _logger.warning("the collector of traces does not take them: %s", type(error).__name__)
                self._away = True
            else:
                _sent.labels("sent").inc(len(batch))
                self._away = False

    def _take(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        try:
            while len(found) < BATCH:
                found.append(self._waiting.get_nowait())
        except Empty:
            pass
        return found

    def _post(self, spans: list[dict[str, Any]]) -> None:
        scope = {"scope": {"name": "onedoor"}, "spans": spans}
        body = {"resourceSpans": [{"resource": {"attributes": self._resource}, "scopeSpans": [scope]}]}
        request = urllib.request.Request(  # noqa: S310 - the setting is checked to be http or https
            self._url, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST"
        )
        urllib.request.urlopen(request, timeout=PATIENCE).close()  # noqa: S310 - as above


def _attributes(facts: Facts) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in facts.items()]


def _value(value: str | int) -> dict[str, str]:
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}
