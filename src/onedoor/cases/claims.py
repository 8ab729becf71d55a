"""What an authority may say of its step: only what the service lets it decide, write and issue. Pure decisions."""

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from onedoor.cases.messages import MOMENT
from onedoor.procedures.service import Step

Message = Mapping[str, Any]


def wrong(definition: Step, message: Message, *, authorities: Collection[str]) -> str:
    """Return what is false about an outcome of a step, or nothing; *authorities* may take the step over."""
    if message["by"].rpartition(".")[0] != message["agency"]:
        return "by"
    if message["kind"] == "done":
        return _wrong_result(definition, message.get("result")) or _wrong_records(definition, message)
    return _wrong_way_out(definition, message, authorities)


def _wrong_way_out(definition: Step, message: Message, authorities: Collection[str]) -> str:
    if not message.get("text"):
        return "text"
    if message["kind"] == "verify" and not definition.verified:
        return "kind"
    if message["kind"] == "refuse" and message.get("ground") not in {one.id for one in definition.refuse}:
        return "ground"
    if message["kind"] == "hand_over" and message.get("to") not in authorities:
        return "to"
    return ""


def _wrong_records(definition: Step, message: Message) -> str:
    """Return whether it tells of other records than the step itself writes: those are not its to change."""
    records = message.get("records", {})
    own = set(records) <= {one.name for one in definition.writes}
    return "" if own and all(isinstance(one, Mapping) for one in records.values()) else "records"


def _wrong_result(definition: Step, result: Mapping[str, Any] | None) -> str:
    if result is None or not definition.issues:
        return "" if result is None and not definition.issues else "result"
    if result["kind"] != definition.issues:
        return "result.kind"
    if not _web_address(str(result["verify_url"])):
        return "result.verify_url"
    return "" if _moment(str(result["issued_at"])) else "result.issued_at"


def _web_address(text: str) -> bool:
    """Return whether *text* leads to a page: no script, no file."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username and text.isprintable()
    except ValueError:
        return False


def _moment(text: str) -> bool:
    """Return whether *text* is a moment that every part of the system knows."""
    if not re.fullmatch(MOMENT["pattern"], text):
        return False
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
