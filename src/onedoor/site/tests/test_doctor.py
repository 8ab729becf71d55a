"""What the doctor says of a server that need not keep what it acknowledged."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from django.db import connection

from onedoor.site import doctor, messages
from onedoor.site.databases import Database
from onedoor.site.embedded import SUPERUSER, Server
from onedoor.site.installation import Installation, System


def said(url: str) -> list[str]:
    system = System(Path("node-G15"), Database("node-G15", url), None)
    messages.use("en")
    try:
        return list(doctor.durability(cast("Installation", SimpleNamespace(systems=lambda: [system]))))
    finally:
        messages.use(None)


@pytest.mark.django_db
def test_a_server_whose_crash_takes_what_it_acknowledged_is_named(postgres: Server) -> None:
    unsafe = said(postgres.url(SUPERUSER, connection.settings_dict["NAME"]))  # for its speed, as tests are no records
    assert [one.partition(": ")[0] for one in unsafe] == [
        "The server of the database node-G15 has fsync off",
        "The server of the database node-G15 has full_page_writes off",
    ]
