"""Identifiers and targets."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onedoor.exchange.gateway import monitoring
from onedoor.exchange.identifiers import BadIdentifier, read_identifier, read_target, write_identifier

SERVICE = "/r1/VN/GOV/G15/CIVIL-STATUS/births"
PARTS = st.text(alphabet="ABCabc019'()+,-.=?", min_size=1, max_size=20)


@settings(deadline=None)
@given(st.lists(PARTS, min_size=4, max_size=4))
def test_an_identifier_is_read_as_it_was_written(parts: list[str]) -> None:
    identifier = "/".join(parts)
    assert read_identifier(write_identifier(identifier), 4) == identifier


def test_a_target_is_taken_apart() -> None:
    target = read_target(f"{SERVICE}/lookup/x%20y?a=1&b=%2F".encode())
    assert (target.service, target.path, target.query) == (
        "VN/GOV/G15/CIVIL-STATUS/births",
        "/lookup/x%20y",
        "a=1&b=%2F",
    )
    assert (target.provider, target.code) == ("VN/GOV/G15/CIVIL-STATUS", "births")


@pytest.mark.parametrize(
    "rest",
    [
        "/..",
        "/a/../b",
        "/%2e%2e/b",
        "/%2E./b",
        "/%252e%252e/b",
        "/%25252e%25252e/b",
        "/a%2fb",
        "/a%5Cb",
        "/a\\b",
        "//a",
        "/a//b",
        "/%00",
        "/a%0d%0ab",
        "/./a",
        "/..;x=1/a",
        "/%2e%3Bx/a",
        "/;x",
        "/a#b",
        "/%2525252525252e",
    ],
)
def test_a_path_that_climbs_is_refused(rest: str) -> None:
    with pytest.raises(BadIdentifier):
        read_target(f"{SERVICE}{rest}".encode())


@pytest.mark.parametrize("raw", ["/r1/VN/GOV/G15/births", "/r2/VN/GOV/G15/X/births", "/r1/VN/GOV/G15//births", "x", ""])
def test_a_target_of_another_shape_is_refused(raw: str) -> None:
    with pytest.raises(BadIdentifier):
        read_target(raw.encode())


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_target_or_refused(raw: bytes) -> None:
    try:
        target = read_target(b"/r1/VN/GOV/G15/CIVIL-STATUS/births/" + raw)
    except BadIdentifier:
        return
    assert ".." not in target.path.split("/")
    assert "\r" not in target.path


def test_only_a_member_itself_is_asked_for_operational_data() -> None:
    asked = b"getSecurityServerHealthData"
    assert monitoring.meant("POST", b"/r1/VN/GOV/G01/" + asked) == ("VN/GOV/G01", asked.decode())
    for path in (b"/r1/VN/GOV/G01/SYSTEM/", b"/r1/VN/GOV/G01/SYSTEM/service/", b"/r1/VN/GOV/", b"/r2/VN/GOV/G01/"):
        assert monitoring.meant("POST", path + asked) is None
    with pytest.raises(BadIdentifier):
        monitoring.meant("POST", b"/r1/VN/GOV/%2F/" + asked)
