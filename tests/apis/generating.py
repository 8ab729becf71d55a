"""Asks an operation of an OpenAPI document with generated cases, and holds each answer against the document."""

from collections.abc import Callable, Sequence
from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import checks
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CONFORMS = (status_code_conformance, content_type_conformance, response_schema_conformance)
CHECKS = (checks.not_a_server_error, *CONFORMS)


def hold(
    operation: Any,
    mode: schemathesis.GenerationMode,
    examples: int,
    held: Sequence[Callable[..., Any]] = CHECKS,
    **how: Any,
) -> list[int]:
    """Ask an operation with many examples, and hold each answer against its description; return their statuses."""
    answered = []

    @settings(max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=HealthCheck)
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        answered.append(case.call_and_validate(checks=list(held), **how).status_code)

    ask()
    return answered
