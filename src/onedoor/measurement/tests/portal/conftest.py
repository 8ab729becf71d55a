"""The portal and its nodes in one process and one database, as the tests of cases have them."""

from onedoor.cases.tests.conftest import (
    fathers_origin,
    lab,
    monday,
    people,
    seals,
    sign_in,
    transport,
    weddings,
)

__all__ = ["fathers_origin", "lab", "monday", "people", "seals", "sign_in", "transport", "weddings"]
