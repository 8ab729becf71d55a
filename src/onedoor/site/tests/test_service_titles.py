"""Every service of the exchange that the engine offers tells its title in each language of the nation."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from onedoor.exchange.service import VIA_GATEWAY
from onedoor.kernel.openapi import NAMES


def described(routes: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    for one in routes:
        where = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from described(one.url_patterns, where)
        elif where.startswith("exchange/") and where.endswith("/openapi.json") and "<" not in where:
            yield where


@pytest.mark.django_db
def test_every_own_service_tells_its_title_in_each_language() -> None:
    found = list(described(get_resolver().url_patterns))
    assert len(found) > 12
    for where in found:
        info = Client().get(f"/{where}", **{VIA_GATEWAY: True}).json()["info"]  # type: ignore[arg-type]
        assert info[NAMES]["en"] == info["title"], where
        assert len(set(info[NAMES].values())) == len(info[NAMES]) == 3, where
