"""Addresses of the room's pages, which are the portal's: it is there that everything is counted."""

from django.urls import path

from onedoor.kernel.settings import current as settings
from onedoor.measurement.pages import downloads, figures, indices, live

app_name = "measurement"
PORTAL = [
    path("figures/", figures.figures, name="figures"),
    path("figures", figures.figures),
    path("figures/indices/<slug:name>", live.live_index, name="live"),
    path("figures/indices/<slug:name>/json", live.live_json, name="live-json"),
    path("figures/indices/<slug:name>/csv", live.live_csv, name="live-csv"),
    # an index of the world by its id: what has an address of its own below figures/ stands above
    path("figures/<str:index>", indices.index, name="index"),
    path("figures/<str:index>/data/<str:form>", downloads.data, name="data"),
    path("figures/<str:index>/map.<str:form>", downloads.tiles, name="map"),
    path("figures/<str:index>/<str:country>/why", indices.why, name="why"),
    path("figures/<str:index>/<str:country>/goal", indices.goal, name="goal"),
    path("figures/<str:index>/<str:country>/origin", indices.origin, name="origin"),
    path("figures/<str:index>/<str:country>/<str:plot>.<str:form>", downloads.plot, name="plot"),
]
urlpatterns = [] if settings().role == "node" else PORTAL
