"""When certificates end: what to renew, before somebody is refused."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from onedoor.kernel.watch import metrics
from onedoor.signing.certificates import load_certificates

DAY = 86400.0
METRIC = "onedoor_certificate_days_left"
metrics.measured("all", {METRIC: ("Days until a certificate ends; `seals`: the seal that ends first.", ("name",))})


def days_left(paths: Iterable[Path]) -> Iterator[tuple[str, float]]:
    """Yield the name and the days left of the first certificate in each PEM file; less than 0 when it has ended."""
    now = datetime.now(UTC)
    for path in paths:
        yield path.stem, (load_certificates(path)[0].not_valid_after_utc - now).total_seconds() / DAY
