"""Addresses of the room's pages, which are the portal's: it is there that everything is counted."""

from django.urls import path

from onedoor.kernel.settings import current as settings
from onedoor.measurement.pages import live

app_name = "measurement"
LIVE = [
    path("figures/indices/<slug:name>", live.live_index, name="live"),
    path("figures/indices/<slug:name>/json", live.live_json, name="live-json"),
    path("figures/indices/<slug:name>/csv", live.live_csv, name="live-csv"),
]
urlpatterns = [] if settings().role == "node" else LIVE
