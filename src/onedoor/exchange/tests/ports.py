"""Ranges of ports for tests: two processes that look for one at once find different ones."""

import fcntl
import os
import tempfile
from pathlib import Path

_ranges: dict[int, int] = {}
"""The ranges that are this process's own, by their first port: each an open file that is locked."""


def own(base: int) -> bool:
    """Return whether the range from *base* on is this process's own, now or before."""
    if base not in _ranges:
        path = Path(tempfile.gettempdir()) / f"onedoor-tests-{os.geteuid()}-{base}.lock"
        claim = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(claim)
            return False
        _ranges[base] = claim
    return True
