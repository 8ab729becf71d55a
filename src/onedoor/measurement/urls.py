"""Addresses of the room's pages, which are the portal's: it is there that everything is counted."""

from django.urls import path

from onedoor.kernel.settings import current as settings
from onedoor.measurement.pages import live

app_name = "measurement"
LIVE = [
    path("figures/indices/<slug:name>", live.index, name="index"),
    path("figures/indices/<slug:name>/json", live.as_json, name="index-json"),
    path("figures/indices/<slug:name>/csv", live.as_csv, name="index-csv"),
]
urlpatterns = [] if settings().role == "node" else LIVE
