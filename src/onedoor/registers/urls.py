"""Routes of the room: below ``/exchange/``, a person's pages at the portal, the owner's desk at a node."""

from django.urls import path, register_converter

from onedoor.kernel.settings import current as settings
from onedoor.registers import api, correction_desk, correction_pages, corrections_api
from onedoor.registers.definition import held


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

app_name = "registers"
PORTAL = [
    path("corrections/", correction_pages.asked, name="corrections"),
    path("corrections/new", correction_pages.ask, name="correction-new"),
]
NODE = [
    path("desk/corrections/", correction_desk.listed, name="desk-corrections"),
    path("desk/corrections/<str:code>", correction_desk.sheet, name="desk-correction"),
]
urlpatterns = {"portal": PORTAL, "node": NODE}.get(settings().role, [*PORTAL, *NODE])
exchange = [
    path("corrections/told", corrections_api.told),
    path("corrections/answered", corrections_api.answered),
    path("corrections/openapi.json", corrections_api.description),
    path("<slug:register>/corrections", corrections_api.ask),
    path("<slug:register>/corrections/asked", corrections_api.asked),
    path("<slug:register>/lookup", api.lookup),
    path("<slug:register>/records", api.records),
    path("<held_register:register>/openapi.json", api.description),
]
