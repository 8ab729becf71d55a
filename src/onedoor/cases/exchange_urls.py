"""Addresses that only the own gateway reaches: ``/exchange/cases/…``."""

from django.urls import path

from onedoor.cases import api
from onedoor.exchange.service import description
from onedoor.kernel.settings import current as settings

NODE = [
    path("cases/hand-over", api.hand_over),
    path("cases/supplement", api.supplement),
    path("cases/file", api.file),
    path("cases/end", api.end),
]
PORTAL = [path("cases/outcome", api.outcome)]
BY_ROLE = {"portal": PORTAL, "node": NODE}

exchange = [
    *BY_ROLE.get(settings().role, [*NODE, *PORTAL]),
    path("cases/openapi.json", description(lambda: api.OPENAPI)),
]
"""What ``urls.py`` of the room mounts below ``/exchange/``."""
