"""Each role starts with its own rooms alone, and no route of any role lacks an access rule."""

import json
import os
import subprocess
import sys

import psycopg
import pytest
from procrastinate.contrib.django.utils import connector_params

from onedoor.kernel.settings import current
from onedoor.site.settings import ROOMS

START = """
import json, sys
from onedoor.site.wsgi import application
from django.conf import settings
from django.urls import get_resolver
from onedoor.kernel.access import Access

def routes(patterns, before=""):
    for one in patterns:
        name = before + str(one.pattern)
        if hasattr(one, "url_patterns"):
            yield from routes(one.url_patterns, name)
        else:
            yield name, isinstance(getattr(one.callback, "access", None), Access)

models = sorted({name.split(".")[1] for name in sys.modules if name.startswith("onedoor.") and ".models" in name})
cookies = [settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME]
found = {"models": models, "routes": list(routes(get_resolver().url_patterns)), "cookies": cookies}
found |= {"session": settings.DATABASES["default"]["OPTIONS"].get("options", "")}
print(json.dumps(found | {"origins": settings.CSRF_TRUSTED_ORIGINS}))
"""


@pytest.fixture(scope="module", params=["portal", "node"])
def started(request):
    environ = os.environ | {
        "ONEDOOR_ROLE": request.param,
        "ONEDOOR_MEMBER": "G15",
        "ONEDOOR_SUBSYSTEM": "VN/GOV/G15/CIVIL-STATUS",
        "ONEDOOR_DATABASE_URL": "postgresql://nobody@/nothing",
        "ONEDOOR_SECRET": "only for this test, long enough to be taken",
        "ONEDOOR_STATE": str(current().state),
        "ONEDOOR_PUBLIC_URL": "https://civil-status.example:8443",
    }
    done = subprocess.run([sys.executable, "-c", START], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return request.param, json.loads(done.stdout)


def test_a_role_loads_the_tables_of_its_own_rooms_alone(started):
    role, found = started
    assert set(found["models"]) <= set(ROOMS[role])


def test_every_route_declares_who_may_take_it(started):
    _, found = started
    assert len(found["routes"]) > 10
    assert [name for name, ruled in found["routes"] if not ruled] == []


def test_cookies_are_a_members_own_and_no_neighbour_can_plant_them(started):
    _, found = started
    assert found["cookies"] == ["__Host-onedoor-G15", "__Host-onedoor-G15-form"]
    assert found["origins"] == ["https://civil-status.example:8443"]


@pytest.mark.django_db
def test_what_a_session_acknowledges_is_on_the_disk_whatever_the_server_has_as_its_default(started):
    _, found = started
    for options, synced in (({}, "off"), ({"options": found["session"]}, "on")):
        with psycopg.connect(**connector_params(), **options) as door:
            assert door.execute("SHOW synchronous_commit").fetchone() == (synced,)
