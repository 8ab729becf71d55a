"""What an owner tells a system that follows its register: that a record has a new version."""

import jsonschema_rs
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from onedoor.exchange.service import caller
from onedoor.kernel.access import GATEWAY, access
from onedoor.kernel.said import said
from onedoor.privacy.service import reader_of
from onedoor.registers import api, following, openapi
from onedoor.registers.errors import BadQuestion

_change = jsonschema_rs.validator_for(dict(openapi.CHANGE), validate_formats=True)


@access(GATEWAY)
@csrf_exempt
@require_POST
def told(request: HttpRequest) -> JsonResponse:
    """Hear that a record of a register this system follows has a new version."""
    body = api.body_of(request)
    if not _change.is_valid(body):
        raise BadQuestion(
            what=said("the body must be {“register”, “record”, “version”, “fields”: […], “ended”}; see openapi.json")
        )
    following.hear(reader_of(caller(request)), body)
    return JsonResponse({"heard": body["record"]})
