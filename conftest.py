"""The database of every test: a plugin's fixture would yield to pytest-django's own, this one does not."""

import pytest

from onedoor.site.embedded import Server


@pytest.fixture(scope="session")
def django_db_modify_db_settings(postgres: Server) -> None:
    """Start the test server before pytest-django makes this process its own database on it."""
    assert postgres.answers()
