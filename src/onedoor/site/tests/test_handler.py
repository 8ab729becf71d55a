"""Where an address leads is kept for the next who asks it: in its language, and only where it leads somewhere."""

import pytest
from django.test import RequestFactory
from django.urls import Resolver404
from django.utils.translation import override

from onedoor.site.handler import Handler


def test_an_address_leads_where_it_led_before_and_each_language_has_its_own(rf: RequestFactory) -> None:
    handler, asked = Handler(), rf.get("/en/sign-in")
    with override("en"):
        first = handler.resolve_request(asked)
        assert handler.resolve_request(rf.get("/en/sign-in")) is first
        assert (asked.resolver_match, first.route, first.url_name) == (first, "en/sign-in", "sign-in")
    with override("fr"), pytest.raises(Resolver404):
        handler.resolve_request(rf.get("/en/sign-in"))


def test_what_leads_nowhere_is_looked_for_each_time(rf: RequestFactory) -> None:
    for _ in range(2):
        with pytest.raises(Resolver404):
            Handler().resolve_request(rf.get("/en/nowhere"))
