"""Tells the portal of each step of a request that was asked there; hears it there, for the person's inbox."""

from collections.abc import Mapping
from datetime import date, datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction

from onedoor.exchange import service as exchange
from onedoor.identity import service as identity
from onedoor.kernel.actor import Actor
from onedoor.kernel.said import said
from onedoor.privacy import rights
from onedoor.privacy.events import RequestTold
from onedoor.privacy.requests import definition
from onedoor.privacy.requests.definition import PURPOSE
from onedoor.privacy.requests.errors import BadRequest
from onedoor.privacy.requests.keeping import SERVICE
from onedoor.privacy.requests.models import PersonRequest
from onedoor.store import outbox

log = structlog.get_logger("onedoor.privacy")


def tell(code: str, step: str) -> None:
    """Tell the system where request *code* was asked that it took *step*; never what was said in it."""
    request = PersonRequest.objects.get(code=code)
    taken = request.steps.filter(kind=step).order_by("moment").last()
    if taken is None or not request.account:
        return
    body = {
        "code": code,
        "right": request.right,
        "step": step,
        "account": request.account,
        "due": taken.due.isoformat(),
        "complete_on": request.complete_on.isoformat() if request.complete_on else None,
    }
    reason = exchange.Reason(PURPOSE, next(iter(rights.purposes()[PURPOSE].basis)), code)
    try:
        exchange.call(
            f"{request.client}/{SERVICE}", "told", body, reason=reason, user=SERVICE, key=f"request:{code}:{step}"
        )
    except exchange.ProviderError as error:
        if error.answer.status != HTTPStatus.BAD_REQUEST:
            raise
        log.warning("nobody is there any more to be told of a request", client=request.client)


def hear(client: str, body: Mapping[str, Any]) -> None:
    """State that a person here is told of a step; raise `BadRequest` when *client* decides on none, or nobody asked."""
    if client not in definition.current().decided_by:
        raise BadRequest(what=said("the system that sends it decides on no requests"))
    if not identity.is_account(UUID(body["account"])):
        raise BadRequest(what=said("nobody here has this account"))
    with transaction.atomic():
        outbox.state(
            RequestTold(
                by=Actor(agency=client, for_whom=body["account"]),
                code=body["code"],
                right=body["right"],
                step=body["step"],
                due=datetime.fromisoformat(body["due"]),
                complete_on=date.fromisoformat(body["complete_on"]) if body["complete_on"] else None,
            )
        )
