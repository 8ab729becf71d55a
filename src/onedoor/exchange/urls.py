"""Addresses of the room's pages: how the own gateway works, for operators; at the portal, what services there are."""

from django.urls import path

from onedoor.exchange.pages import catalogue, operations
from onedoor.kernel.settings import current as settings

app_name = "exchange"
DESK = [
    path("desk/operation", operations.operation, name="operation"),
    path("desk/operation/<slug:table>.csv", operations.export, name="operation-export"),
]
PORTAL = [
    path("exchange-services", catalogue.services, name="catalogue"),
    path("exchange-services.<slug:form>", catalogue.catalogue_export, name="catalogue-export"),
    path("exchange-services/<path:service>", catalogue.service, name="catalogue-service"),
]
urlpatterns = DESK if settings().role == "node" else [*DESK, *PORTAL]
