"""Routes of the room: below ``/exchange/``, a person's pages at the portal, the owner's desk at a node."""

from django.urls import path, register_converter

from onedoor.exchange.service import description
from onedoor.kernel.settings import current as settings
from onedoor.registers import (
    api,
    changes_api,
    correction_desk,
    correction_pages,
    corrections_api,
    govstack,
    openapi,
    own_data_api,
    own_data_pages,
)
from onedoor.registers.definition import held
from onedoor.registers.govstack_openapi import SPELLINGS


class HeldRegister:
    """The id of a register that this system holds; other services have a description of their own."""

    regex = "[a-z][a-z0-9-]*"

    def to_python(self, value: str) -> str:
        """Return *value* when it is such a register; ValueError lets the next route try."""
        if value not in held():
            raise ValueError(value)
        return value

    def to_url(self, value: str) -> str:
        """Return *value* as it stands."""
        return value


register_converter(HeldRegister, "held_register")

DATA = "data/<slug:register>/<int:version>"
app_name = "registers"
PORTAL = [
    path("corrections/", correction_pages.asked, name="corrections"),
    path("corrections/new", correction_pages.ask, name="correction-new"),
    path("my-data/held", own_data_pages.held, name="own-data"),
    path("my-data/held.csv", own_data_pages.as_csv, name="own-data-csv"),
]
NODE = [
    path("desk/corrections/", correction_desk.listed, name="desk-corrections"),
    path("desk/corrections/<str:code>", correction_desk.sheet, name="desk-correction"),
]
urlpatterns = {"portal": PORTAL, "node": NODE}.get(settings().role, [*PORTAL, *NODE])
plain = [] if settings().role == "node" else [path("api/my-data", own_data_pages.as_json, name="own-data-json")]
described = own_data_pages.PATHS
exchange = [
    path("own-data/of-person", own_data_api.of_person),
    path("own-data/openapi.json", description(lambda: own_data_api.OPENAPI)),
    path("corrections/told", corrections_api.told),
    path("corrections/answered", corrections_api.answered),
    path("corrections/late", corrections_api.late),
    path("corrections/openapi.json", description(openapi.of_corrections)),
    path("changes/told", changes_api.told),
    path("changes/openapi.json", description(openapi.of_changes)),
    path("data/openapi.json", description(govstack.document)),
    *(path(f"data/{word}", govstack.personal_data_usage) for word in SPELLINGS["myPersonalDataUsage"]),
    path(f"{DATA}", govstack.listed),
    path(f"{DATA}/create", govstack.create),
    path(f"{DATA}/exists", govstack.exists),
    path(f"{DATA}/read", govstack.read),
    path(f"{DATA}/update", govstack.update),
    *(path(f"{DATA}/{word}", govstack.update_entries) for word in SPELLINGS["updateEntries"]),
    *(path(f"{DATA}/{word}", govstack.update_or_create) for word in SPELLINGS["updateOrCreate"]),
    path(f"{DATA}/<str:name>/delete", govstack.delete),
    *(path(f"{DATA}/<str:name>/{word}/<str:field>.<str:ext>", govstack.read_value) for word in SPELLINGS["readValue"]),
    path("<slug:register>/corrections", corrections_api.ask),
    path("<slug:register>/corrections/asked", corrections_api.asked),
    path("<slug:register>/lookup", api.lookup),
    path("<slug:register>/provenance", api.provenance),
    path("<slug:register>/records", api.records),
    path("<held_register:register>/openapi.json", api.description),
    path("<slug:register>/v<int:version>/lookup", api.lookup),
    path("<slug:register>/v<int:version>/records", api.records),
    path("<slug:register>/v<int:version>/try", api.trial),
    path("<slug:register>/v<int:version>/openapi.json", api.description),
]
