"""Routes of the room: below ``/exchange/``, a person's pages at the portal, the desks of breaches, requests, seals."""

from django.urls import path

from onedoor.exchange.service import description
from onedoor.kernel.settings import current as settings
from onedoor.privacy import api, own_api, pages, sealed_api, sealed_desk
from onedoor.privacy.breaches import api as breaches_api
from onedoor.privacy.breaches import desk, public
from onedoor.privacy.consents import api as consent_api
from onedoor.privacy.consents import govstack
from onedoor.privacy.consents import pages as consent_pages
from onedoor.privacy.requests import api as requests_api
from onedoor.privacy.requests import desk as request_desk
from onedoor.privacy.requests import pages as request_pages

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
    path("my-data", request_pages.rights, name="my-data"),
    path("my-data/ask/<slug:right>", request_pages.ask, name="my-data-ask"),
    path("my-data/lift", request_pages.lift, name="my-data-lift"),
    path("my-data/erase-account", request_pages.erase_account, name="erase-account"),
]
NODE = [
    path("desk/breaches/", desk.listed, name="desk-breaches"),
    path("desk/breaches/<str:code>", desk.sheet, name="desk-breach"),
    path("desk/breaches/<str:code>/more", desk.add, name="desk-breach-more"),
    path("desk/breaches/<str:code>/persons", desk.persons, name="desk-breach-persons"),
    path("desk/breaches/received/<uuid:received>", desk.received, name="desk-breach-received"),
    path("desk/requests", request_desk.listed, name="desk-requests"),
    path("desk/requests/<str:code>", request_desk.sheet, name="desk-request"),
    path("desk/sealed-reads", sealed_desk.listed, name="desk-sealed"),
    path("desk/sealed-reads/<str:system>/<uuid:record>", sealed_desk.sheet, name="desk-sealed-read"),
]
urlpatterns = {"portal": PORTAL, "node": NODE}.get(settings().role, [*PORTAL, *NODE])
exchange = [
    path("person-requests/ask", requests_api.ask),
    path("person-requests/asked", requests_api.asked),
    path("person-requests/lift", requests_api.lift),
    path("person-requests/told", requests_api.told),
    path("person-requests/openapi.json", description(lambda: requests_api.OPENAPI)),
    path("reads/of-case", api.of_case),
    path("reads/openapi.json", description(lambda: api.OPENAPI)),
    path("own-reads/of-person", own_api.of_person),
    path("own-reads/one", own_api.one),
    path("own-reads/proof", own_api.proof),
    path("own-reads/openapi.json", description(lambda: own_api.OPENAPI)),
    path("consents/agreed", consent_api.agreed),
    path("consents/openapi.json", description(lambda: consent_api.OPENAPI)),
    *([] if settings().role == "node" else govstack.routes("consent")),
    path("consent/openapi.json", description(govstack.document)),
    path("sealed-reads/postpone", sealed_api.postpone),
    path("sealed-reads/waiting", sealed_api.waiting),
    path("sealed-reads/counts", sealed_api.counts_here),
    path("sealed-reads/openapi.json", description(lambda: sealed_api.OPENAPI)),
    path("breaches/report", breaches_api.report),
    path("breaches/acknowledged", breaches_api.acknowledged),
    path("breaches/persons", breaches_api.persons),
    path("breaches/counts", breaches_api.counts),
    path("breaches/openapi.json", description(lambda: breaches_api.OPENAPI)),
]
plain = [path("api/sealed-reads", sealed_api.counts, name="sealed-counts")]
described = sealed_api.PATHS
