"""Routes of the room, below ``/exchange/``."""

from django.urls import path, register_converter

from onedoor.registers import api
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

exchange = [
    path("<slug:register>/lookup", api.lookup),
    path("<slug:register>/records", api.records),
    path("<held_register:register>/openapi.json", api.description),
]
