"""Addresses of the room's pages, which are the portal's: a node shows nobody what to apply for."""

from django.urls import path

from onedoor.kernel.settings import current as settings
from onedoor.procedures import pages

app_name = "procedures"
PORTAL = [
    path("", pages.home, name="home"),
    path("services/", pages.search, name="search"),
    path("services", pages.search),
    path("services/<str:service_id>", pages.service, name="service"),
]
urlpatterns = [] if settings().role == "node" else PORTAL
