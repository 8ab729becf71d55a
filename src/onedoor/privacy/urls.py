"""Routes of the room: below ``/exchange/``, a person's pages at the portal, the desk of breaches at a node."""

from django.urls import path

from onedoor.kernel.settings import current as settings
from onedoor.privacy import api, own_api, pages, sealed_api
from onedoor.privacy.breaches import api as breaches_api
from onedoor.privacy.breaches import desk, public
from onedoor.privacy.consents import api as consent_api
from onedoor.privacy.consents import pages as consent_pages

app_name = "privacy"
PORTAL = [
    path("reads", pages.reads, name="reads"),
    path("consents", consent_pages.consents, name="consents"),
    path("sealed-reads", pages.sealed, name="sealed"),
    path("breaches", public.breaches, name="breaches"),
    path("how-you-can-check-us", pages.check, name="check"),
    path("reads.<slug:kind>", pages.export, name="export"),
    path("reads/<str:system>/<uuid:record>", pages.read, name="read"),
    path("reads/<str:system>/<uuid:record>/proof", pages.proof, name="proof"),
    path("reads/<str:system>/<uuid:record>/details", pages.details, name="details"),
    path("reads/<str:system>/<uuid:record>/key", pages.key, name="key"),
]
NODE = [
    path("desk/breaches/", desk.listed, name="desk-breaches"),
    path("desk/breaches/<str:code>", desk.sheet, name="desk-breach"),
    path("desk/breaches/<str:code>/more", desk.add, name="desk-breach-more"),
    path("desk/breaches/<str:code>/persons", desk.persons, name="desk-breach-persons"),
    path("desk/breaches/received/<uuid:received>", desk.received, name="desk-breach-received"),
]
urlpatterns = {"portal": PORTAL, "node": NODE}.get(settings().role, [*PORTAL, *NODE])
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
    path("breaches/report", breaches_api.report),
    path("breaches/acknowledged", breaches_api.acknowledged),
    path("breaches/persons", breaches_api.persons),
    path("breaches/counts", breaches_api.counts),
    path("breaches/openapi.json", breaches_api.openapi),
]
plain = [path("api/sealed-reads", sealed_api.counts, name="sealed-counts")]
described = sealed_api.PATHS
