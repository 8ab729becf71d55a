"""Parsers of what others send, under a fuzzer that follows coverage: no crash, no hang."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from onedoor.exchange.tests.fuzzing import kept
from onedoor.kernel.settings import REPOSITORY

SHORT, LONG = 1.0, 3600
"""Seconds of the processor for each parser in ``make test``, and in the long counts.

``pytest -m soak -k "an_hour and signatures"`` is an hour for one parser alone.
"""
PARSERS = (
    "requests", "answers", "frames", "streams", "heads", "targets", "globs", "doors", "fetched",
    "descriptions", "soaps", "questions", "configurations", "registrations", "lists", "forged", "parameters", "anchors",
    "certificates", "logs", "containers", "signatures", "chains", "manifests", "tokens", "statuses", "logged",
    "asks", "checkpoints", "stampings", "inquiries",
)  # fmt: skip
CANARY = "canary"
FOUND = REPOSITORY / "var" / "fuzzed"
"""What runs on this computer found: the next ones begin with it."""
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this system: see requirements/dev.in"
)


@pytest.fixture(scope="module")
def tried() -> Mapping[str, Any]:
    """Return what became of each parser in a short run, all in one process after the other."""
    return fuzz(SHORT)


@pytest.mark.timeout(600)
def test_every_parser_is_tried(tried: Mapping[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert {*tried} == {*PARSERS, CANARY}
    told = ", ".join(f"{name} {tried[name].get('inputs', 'unknown')}" for name in PARSERS)
    with capsys.disabled():
        sys.stdout.write(f"\ninputs fuzzed: {told}\n")


@pytest.mark.parametrize("parser", PARSERS)
def test_no_input_breaks_a_parser_or_makes_it_hang(tried: Mapping[str, Any], parser: str) -> None:
    holds(tried[parser])


def test_what_breaks_is_found(tried: Mapping[str, Any]) -> None:
    assert tried[CANARY]["code"], "it raises what nobody expects for one input, which no seed of it is"
    (path,) = tried[CANARY]["broken"]
    assert Path(path).read_bytes().startswith(b"sing")


@pytest.mark.soak
@pytest.mark.timeout(LONG * 5)
@pytest.mark.parametrize("parser", PARSERS)
def test_no_input_breaks_this_parser_for_an_hour(parser: str) -> None:
    holds(fuzz(LONG, parser)[parser])


def holds(report: Mapping[str, Any]) -> None:
    assert report["code"] == 0, report
    assert 0 < len(kept.read(report["parser"])) <= report["known"], "it began with what is kept"
    assert report["taken"], "it took one input at least: else nothing behind its first look was tried"
    assert report["beyond"], "it went beyond what was known"


def fuzz(seconds: float, *parser: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "onedoor.exchange.tests.fuzzing", str(seconds), str(FOUND), *parser]
    done = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")
    sys.stderr.write(done.stderr[-20_000:])
    reports = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {one["parser"]: one for one in reports}
