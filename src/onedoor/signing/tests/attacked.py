"""Holds the check of a hostile container to limits of time and memory."""

import io
import time
import tracemalloc

from onedoor.signing.asice import integrity
from onedoor.signing.asice.findings import Reason

SECONDS, BYTES = 4, 64 << 20


def findings(data: bytes) -> list[tuple[Reason, object]]:
    """Return what is found in *data*, after holding the check to its limits."""
    tracemalloc.start()
    start = time.process_time()
    try:
        found = integrity.check(io.BytesIO(data))
        spent, (_, peak) = time.process_time() - start, tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert spent < SECONDS
    assert peak < BYTES
    assert found.verdict == "invalid"
    return [(one.reason, one.facts.get("why")) for one in found.findings]


def reasons(data: bytes) -> set[Reason]:
    return {reason for reason, _ in findings(data)}


def whys(data: bytes) -> set[object]:
    return {why for _, why in findings(data)}
