"""A table of routes: what it holds is answered, and nothing that only looks like it."""

import pytest

from onedoor.kernel.access import PUBLIC, WATCHER
from onedoor.kernel.routing import EVERY, Route, route_of


def one() -> None:
    """Say one thing.

    And more of it.
    """


ROUTES = (
    Route("GET", "/a.b", PUBLIC, one),
    Route("GET", "/V<version>/<file>", WATCHER, one),
    Route(EVERY, "/r1/<path:service>", PUBLIC, one),
)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/a.b", "/a.b"), ("/axb", ""), ("/a.b/", ""), ("", ""), ("/a.b\n", ""),
        ("/V2/x.xml", "/V<version>/<file>"), ("/V2/x/y", ""), ("/V/x", ""), ("/V2/", ""),
        ("/r1/x/y", "/r1/<path:service>"), ("/r1/", ""), ("/r1", ""),
    ],
)  # fmt: skip
def test_a_path_belongs_to_a_route_as_a_whole_or_to_none(path: str, found: str) -> None:
    route = route_of(ROUTES, path)
    assert (route.path if route else "") == found


def test_a_route_tells_its_first_sentence_and_which_methods_it_takes() -> None:
    assert ROUTES[0].about == "Say one thing."
    assert [ROUTES[0].takes(method) for method in ("GET", "POST")] == [True, False]
    assert ROUTES[2].takes("PATCH")
