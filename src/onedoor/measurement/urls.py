"""Addresses of the room's pages, which are the portal's: figures for everybody, and the desk of assessments."""

from django.urls import path

from onedoor.kernel.settings import current as settings
from onedoor.measurement.pages import assessing, assessments, downloads, features, figures, indices, live, stages

app_name = "measurement"
PORTAL = [
    path("figures/", figures.figures, name="figures"),
    path("figures", figures.figures),
    path("figures/stages", stages.stages, name="stages"),
    path("figures/stages.<slug:kind>", stages.stages_export, name="stages-export"),
    path("figures/stages/<str:service_id>", stages.stage, name="stage"),
    path("figures/features", features.index_features, name="features"),
    path("figures/features.json", features.features_json, name="features-json"),
    path("figures/indices/<slug:name>", live.live_index, name="live"),
    path("figures/indices/<slug:name>/json", live.live_json, name="live-json"),
    path("figures/indices/<slug:name>/csv", live.live_csv, name="live-csv"),
    path("figures/assessments", assessments.assessments, name="assessments"),
    path("figures/assessments/<uuid:assessment>", assessments.assessment, name="assessment"),
    path("figures/assessments/<uuid:assessment>.<slug:kind>", assessments.assessment_export, name="assessment-export"),
    path("assessments", assessing.listed, name="desk-assessments"),
    path("assessments/<uuid:assessment>", assessing.sheet, name="desk-assessment"),
    path("assessments/<uuid:assessment>/differences", assessing.differences, name="desk-differences"),
    path("assessments/<uuid:assessment>/<slug:module>", assessing.part, name="desk-part"),
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
