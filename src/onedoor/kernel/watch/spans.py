"""What a request did here, as a span for an OpenTelemetry collector; off unless the setting names where to.

Off, nothing is imported and a call costs less than a microsecond. A span holds a pattern, a status and a duration:
never an address, a header or a body.
"""

import os
import time
from typing import TYPE_CHECKING

from onedoor.kernel.settings import Settings
from onedoor.kernel.watch import trace
from onedoor.kernel.watch.trace import Trace

if TYPE_CHECKING:
    from onedoor.kernel.watch.otlp import Exporter

SERVER, CLIENT, CONSUMER = 2, 3, 5
"""Kinds of a span, as OTLP numbers them."""
_exporter: "Exporter | None" = None


def begin(settings: Settings, process: str) -> None:
    """Send the spans of this *process* from now on, when the settings name an address."""
    global _exporter  # noqa: PLW0603 - one exporter for the whole process
    if settings.traces_url and _exporter is None:
        from onedoor.kernel.watch.otlp import Exporter

        names = {"service.name": f"onedoor-{process}", "service.namespace": "onedoor"}
        instance: dict[str, str | int] = {"service.instance.id": settings.member or process, "process.pid": os.getpid()}
        _exporter = Exporter(settings.traces_url, {**names, **instance})


def end() -> None:
    """Send what waits, and no more."""
    global _exporter
    leaving, _exporter = _exporter, None
    if leaving:
        leaving.close()


def enter(received: Trace | None) -> Trace:
    """Return the trace to work on: that of who asks (*received*) or a new one, with a span of our own when kept."""
    found = received or trace.new()
    return Trace(found.id, trace.new_span(), kept=True) if _exporter else found


def leave(
    here: Trace, received: Trace | None, name: str, kind: int, seconds: float, *, failed: bool, **facts: str | int
) -> None:
    """Tell what was done within *here* in the last *seconds*; *facts* are from closed lists."""
    if _exporter:
        parent = received.span if received and received.span != here.span else ""
        _exporter.put(here, parent, name, kind, time.time_ns() - int(seconds * 1e9), failed=failed, facts=facts)
