"""The database of every test: a plugin's fixture would yield to pytest-django's own, this one does not.

And who asks it for personal data: a statement from where tests/queries.yaml names nobody fails the test it comes in.
"""

from collections.abc import Iterator

import pytest
from tests import queries

from onedoor.site.embedded import Server


@pytest.fixture(scope="session")
def django_db_modify_db_settings(postgres: Server) -> None:
    """Start the test server before pytest-django makes this process its own database on it."""
    assert postgres.answers()


@pytest.fixture(scope="session")
def strays() -> Iterator[list[str]]:
    """Give the statements on personal data from modules that are not declared, as they come."""
    found: list[str] = []
    with queries.watched(found):
        yield found


@pytest.fixture(autouse=True)
def _nobody_else_asks(strays: list[str]) -> Iterator[None]:
    strays.clear()
    yield
    assert not strays, "say in tests/queries.yaml who may issue these, and why"
