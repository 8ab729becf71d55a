"""Routes of the room, below ``/exchange/``."""

from django.urls import path

from onedoor.privacy import api

exchange = [
    path("reads/of-case", api.of_case),
    path("reads/openapi.json", api.openapi),
]
