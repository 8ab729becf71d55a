"""Django's settings, by the role of the process; everything that varies comes from `onedoor.kernel.settings`."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.conf.locale import LANG_INFO

from onedoor.kernel import nation
from onedoor.kernel.settings import current

ONEDOOR = current()
NATION = nation.current()
SOURCE = Path(__file__).parents[1]
ROOMS = {
    "portal": [
        "store",
        "exchange",
        "identity",
        "privacy",
        "registers",
        "notices",
        "pubsub",
        "procedures",
        "cases",
        "measurement",
        "site",
    ],
    "node": ["store", "exchange", "identity", "privacy", "registers", "pubsub", "procedures", "cases", "site"],
    "test": [
        "store",
        "exchange",
        "identity",
        "privacy",
        "registers",
        "notices",
        "pubsub",
        "procedures",
        "cases",
        "measurement",
        "site",
    ],
}
"""The rooms of each role, from below to above."""


def _built(rooms: list[str]) -> list[str]:
    """Return the app modules of those *rooms* that are Django apps."""
    return [f"onedoor.{room}" for room in rooms if find_spec(f"onedoor.{room}.apps")]


def _database(url: str) -> dict[str, Any]:
    """Return Django's description of the PostgreSQL database at *url*."""
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    options: dict[str, Any] = {"application_name": f"onedoor-{ONEDOOR.role}", "prepare_threshold": 5}
    if ONEDOOR.role != "test":
        # What is acknowledged is on the disk, whatever the server or the role has as its default.
        options["options"] = "-c synchronous_commit=on"
        options["pool"] = {"min_size": 1, "max_size": 12, "num_workers": 1, "max_idle": 60, "timeout": 10}
    return {
        "ENGINE": "onedoor.store.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "tools",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.get("host", parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": options,
        "CONN_HEALTH_CHECKS": True,
        "TEST": {"NAME": f"test_{os.getpid()}"},
    }


SECRET_KEY = ONEDOOR.secret
DEBUG = False
ALLOWED_HOSTS = (
    ["*"] if ONEDOOR.role == "test" else [urlsplit(ONEDOOR.public_url).hostname or "", "localhost", "127.0.0.1"]
)
INSTALLED_APPS = [
    "procrastinate.contrib.django",
    "django.contrib.contenttypes",
    *_built(ROOMS.get(ONEDOOR.role, ROOMS["test"])),
]
DATABASES = {"default": _database(ONEDOOR.database_url)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PROXIES = ONEDOOR.proxies
MIDDLEWARE = [
    "onedoor.site.proxies.addresses",
    "onedoor.site.middleware.requests",
    "onedoor.site.middleware.headers",
    "onedoor.site.limits.bodies",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "onedoor.site.middleware.Doorkeeper",
    "django.middleware.csrf.CsrfViewMiddleware",
]
ROOT_URLCONF = "onedoor.site.urls"
WSGI_APPLICATION = "onedoor.site.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [str(folder) for folder in sorted(SOURCE.glob("*/templates"))],
        "APP_DIRS": False,
        "OPTIONS": {
            "environment": "onedoor.site.jinja.environment",
            "context_processors": ["onedoor.site.form_token.form_token"],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.Jinja2"

USE_I18N = True
USE_TZ = True
TIME_ZONE = str(NATION.zone)
LANGUAGES = [(code, LANG_INFO.get(code, {}).get("name_local", code)) for code in NATION.languages]
LANGUAGE_CODE = LANGUAGES[0][0]
LOCALE_PATHS = [str(path) for path in sorted(SOURCE.glob("*/locale"))]

STATIC_URL = "/static/"
SESSION_ENGINE = "onedoor.identity.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = ONEDOOR.public_url.startswith("https:")
# Cookies know hosts, not ports: on one host each member has its own. Over TLS no neighbouring host can plant one.
SESSION_COOKIE_NAME = ("__Host-" if SESSION_COOKIE_SECURE else "") + f"onedoor-{ONEDOOR.member}".rstrip("-")
SESSION_COOKIE_AGE = 12 * 3600
CSRF_COOKIE_NAME = f"{SESSION_COOKIE_NAME}-form"
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
# A proxy in front speaks TLS, so this process does not see from which address its own pages are.
CSRF_TRUSTED_ORIGINS = ["{0.scheme}://{0.netloc}".format(urlsplit(ONEDOOR.public_url))] if SESSION_COOKIE_SECURE else []
CSRF_FAILURE_VIEW = "onedoor.site.errors.forgery"
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024
LOGGING_CONFIG = None

PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "tasks"
