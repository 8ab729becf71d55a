"""The anchors of `bench.registers`: views that do nothing but one piece of database work by Django's ORM."""

import json

from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from onedoor.kernel import clock
from onedoor.kernel.access import GATEWAY, access
from onedoor.kernel.ids import uuid7
from onedoor.registers.models import Record


@access(GATEWAY)
@csrf_exempt
def read(request: HttpRequest) -> JsonResponse:
    """Answer one row, sealed as it is, by its primary key."""
    row = Record.objects.get(pk=json.loads(request.body)["id"])
    return JsonResponse({"id": str(row.id), "plain": row.plain})


@access(GATEWAY)
@csrf_exempt
def write(request: HttpRequest) -> JsonResponse:
    """Insert the body as one row, in clear."""
    row = uuid7()
    Record.objects.create(
        id=row,
        register="bench",
        identity=row.bytes,
        plain=json.loads(request.body),
        sealed=[],
        recorded_from=clock.now(),
    )
    return JsonResponse({"id": str(row)}, status=201)


urlpatterns = [path("read", read), path("write", write)]
