"""Addresses of the room: a person's pages at the portal, the desk and the verification page at a node."""

from django.urls import URLPattern, path

from onedoor.cases import (
    desk_pages,
    exchange_urls,
    form_pages,
    lookup_pages,
    pages,
    person_api,
    person_openapi,
    verify_pages,
)
from onedoor.kernel.settings import current as settings

app_name = "cases"

PORTAL = [
    path("services/<str:service_id>/apply", form_pages.start, name="start"),
    path("services/<str:service_id>/apply/review", form_pages.review, name="review"),
    path("services/<str:service_id>/apply/saved", form_pages.saved, name="saved"),
    path("services/<str:service_id>/apply/discard", form_pages.discard, name="discard"),
    path("services/<str:service_id>/apply/<slug:page_id>", form_pages.page, name="page"),
    path("services/<str:service_id>/apply/<slug:page_id>/dispute", form_pages.dispute, name="dispute"),
    path("services/<str:service_id>/apply/<slug:page_id>/refresh", form_pages.refresh, name="refresh"),
    path("suggested", pages.suggested, name="suggested"),
    path("cases/", pages.cases, name="list"),
    path("cases/<str:code>", pages.case, name="case"),
    path("cases/<str:code>/receipt", pages.receipt, name="receipt"),
    path("cases/<str:code>/reads", pages.reads, name="reads"),
    path("cases/<str:code>/results/<slug:kind>", pages.result_file, name="result"),
    path("cases/<str:code>/results/<slug:kind>/about", pages.result_about, name="result-about"),
    path("cases/<str:code>/supplement", pages.supplement, name="supplement"),
    path("cases/<str:code>/withdraw", pages.withdraw, name="withdraw"),
]


def _node() -> list[URLPattern]:
    from onedoor.cases import birth_pages

    return [
        path("desk/", desk_pages.desk, name="desk"),
        path("desk/birth-notice", birth_pages.birth_notice, name="birth-notice"),
        path("desk/look-up", lookup_pages.choose, name="look-up"),
        path("desk/look-up/<slug:purpose>/<slug:register>/<slug:way>", lookup_pages.ask, name="look-up-form"),
        path("desk/<str:task_id>", desk_pages.task, name="desk-task"),
        path("desk/<str:task_id>/decide", desk_pages.decide, name="decide"),
        path("desk/<str:task_id>/take", desk_pages.take, name="take"),
        path("desk/<str:task_id>/files/<slug:field>", desk_pages.file, name="file"),
        path("desk/<str:task_id>/look", desk_pages.look, name="look"),
        path("verify/<str:result_id>", verify_pages.verify, name="verify"),
    ]


_role = settings().role
urlpatterns = [*(PORTAL if _role != "node" else []), *(_node() if _role in ("node", "test") else [])]
exchange = exchange_urls.exchange
plain = person_api.plain if _role != "node" else []
described = person_openapi.PATHS if _role != "node" else {}
