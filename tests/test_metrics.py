"""``docs/reference/metrics.md`` says what the code measures: ``python -m tests.test_metrics`` writes it."""

import os
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "metrics.md"
HEAD = """# Metrics

<!-- Written by `python -m tests.test_metrics`; change the code, not this page. -->

Every process tells these at `/metrics` of its watch listener ([how to watch a nation](../how-to/watch-a-nation.md)).
A label takes its values from a closed list: patterns of routes, services of the configuration, outcomes; never an
address, an id or a name of anybody. A histogram `x` has the series `x_bucket`, `x_sum` and `x_count`. Besides there is
what Prometheus' client says of any process (`process_cpu_seconds_total`, `process_resident_memory_bytes` …).

| metric | kind | labels | what it says | processes |
|---|---|---|---|---|
"""


def page() -> str:
    """Return the page of metrics."""
    from onedoor.kernel.watch import metrics
    from tests.reference import code

    code.load()
    rows = []
    for name, one in sorted(metrics.KNOWN.items()):
        labels = ", ".join(f"`{label}`" for label in one.labels) or "–"
        rows.append(f"| `{name}` | {one.type} | {labels} | {one.about} | {one.where} |")
    return HEAD + "\n".join(rows) + "\n"


def test_every_metric_is_documented_as_the_code_says() -> None:
    assert PAGE.read_text() == page(), "run: python -m tests.test_metrics"


def test_every_metric_has_a_name_of_ours_and_says_something() -> None:
    from onedoor.kernel.watch import metrics
    from tests.reference import code

    code.load()
    for name, one in metrics.KNOWN.items():
        assert name.startswith("onedoor_"), name
        assert name.endswith("_total") == (one.type == "counter"), name
        assert name.endswith("_seconds") or one.type != "histogram", name
        assert one.about.endswith("."), name


@pytest.mark.parametrize("word", ["address", "path", "person", "user", "case", "number", "id"])
def test_no_label_could_hold_somebodys_data(word: str) -> None:
    from onedoor.kernel.watch import metrics

    assert not [name for name, one in metrics.KNOWN.items() if word in one.labels]


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "onedoor.site.settings"
    import django

    django.setup()
    PAGE.write_text(page())
