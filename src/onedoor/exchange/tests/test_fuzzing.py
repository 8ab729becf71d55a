"""Parsers of what others send, under a fuzzer that follows coverage: no crash, no hang."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ALL_TOGETHER, LONG = 4, 3600
"""Seconds for all parsers in ``make test``, and in the long counts."""
PARSERS = (
    "anchors", "answers", "configurations", "containers", "descriptions", "frames", "globs", "heads", "lists", "logs",
    "requests", "soaps", "targets",
)  # fmt: skip
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this system: see requirements/dev.in"
)


def test_no_input_breaks_a_parser_or_makes_it_hang(tmp_path: Path) -> None:
    fuzz(ALL_TOGETHER, tmp_path)


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("parser", PARSERS)
def test_no_input_breaks_this_parser_for_its_part_of_an_hour(parser: str) -> None:
    fuzz(LONG // len(PARSERS), Path("var", "fuzzed", parser).absolute(), parser)


def fuzz(seconds: int, corpus: Path, *parser: str) -> None:
    command = [sys.executable, "-m", "onedoor.exchange.tests.fuzzing", str(seconds), str(corpus), *parser]
    done = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "DONE" in done.stderr
