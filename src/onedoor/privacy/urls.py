"""Routes of the room: below ``/exchange/``, and a person's pages at the portal."""

from django.urls import path

from onedoor.kernel.settings import current as settings
from onedoor.privacy import api, own_api, pages, sealed_api
from onedoor.privacy.consents import api as consent_api
from onedoor.privacy.consents import pages as consent_pages

app_name = "privacy"
PORTAL = [
    path("reads", pages.reads, name="reads"),
    path("consents", consent_pages.consents, name="consents"),
    path("sealed-reads", pages.sealed, name="sealed"),
    path("how-you-can-check-us", pages.check, name="check"),
    path("reads.<slug:kind>", pages.export, name="export"),
    path("reads/<str:system>/<uuid:record>", pages.read, name="read"),
    path("reads/<str:system>/<uuid:record>/proof", pages.proof, name="proof"),
    path("reads/<str:system>/<uuid:record>/details", pages.details, name="details"),
    path("reads/<str:system>/<uuid:record>/key", pages.key, name="key"),
]
urlpatterns = [] if settings().role == "node" else PORTAL
exchange = [
    path("reads/of-case", api.of_case),
    path("reads/openapi.json", api.openapi),
    path("own-reads/of-person", own_api.of_person),
    path("own-reads/one", own_api.one),
    path("own-reads/proof", own_api.proof),
    path("own-reads/openapi.json", own_api.openapi),
    path("consents/agreed", consent_api.agreed),
    path("consents/openapi.json", consent_api.openapi),
    path("sealed-reads/postpone", sealed_api.postpone),
    path("sealed-reads/counts", sealed_api.counts_here),
    path("sealed-reads/openapi.json", sealed_api.openapi),
]
plain = [path("api/sealed-reads", sealed_api.counts, name="sealed-counts")]
described = sealed_api.PATHS
