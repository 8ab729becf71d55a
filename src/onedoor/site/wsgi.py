"""The WSGI application of this process, for whatever server runs it."""

import os
import signal

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "onedoor.site.settings")

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from onedoor.kernel.settings import current
from onedoor.site import launch, logs, warmth, watching

SERVES = int(os.environ.get("ONEDOOR_MASTER", "0")) == os.getppid()
if SERVES:
    launch.end_with_parent(os.getppid(), signal.SIGTERM)
logs.set_up(current().log_level)
application = get_wsgi_application()
# The first request should not wait for the views to be imported.
get_resolver().url_patterns  # noqa: B018
if SERVES:
    warmth.begin(pages=True)
    watching.begin(current(), "portal-web", whole=False)
