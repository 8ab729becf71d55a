"""A body that is too large is refused before it is kept; logs hold no addresses and no news of strangers."""

import io
import logging
import re

import pytest
import structlog
from django.http import HttpResponse
from django.test import Client
from django.urls import path

from onedoor.kernel.access import PUBLIC, access
from onedoor.site import errors, limits, logs


@access(PUBLIC)
def form(request):
    return HttpResponse(",".join(request.POST) or "nothing")


@access(PUBLIC)
def broken(request, code):
    raise ValueError(code)


urlpatterns = [path("form", form), path("cases/<str:code>", broken)]
handler400 = handler403 = handler404 = errors.refused
handler500 = errors.broken
pytestmark = pytest.mark.urls(__name__)


class Endless:
    """A body that nobody may begin to read."""

    def read(self, *_arguments):
        raise AssertionError("the body was read")

    readline = read


class Broken:
    """A body that ends before its end."""

    def read(self, *_arguments):
        raise OSError("the connection was closed")

    readline = read


PART = b'--X\r\nContent-Disposition: form-data; name="field"\r\n%s\r\n'


@pytest.mark.parametrize("length", [str(limits.LARGEST + 1), "9" * 5000])
def test_too_large_a_body_is_refused_unread(length):
    client = Client(enforce_csrf_checks=True)
    client.cookies["onedoor-form"] = "a" * 32
    kind = {"CONTENT_TYPE": "multipart/form-data; boundary=X", "CONTENT_LENGTH": length, "wsgi.input": Endless()}
    response = client.generic("POST", "/form", **kind)
    assert response.status_code == 413
    assert re.search("16 M[Bo]", response.content.decode())
    assert response.headers["X-Frame-Options"] == "DENY"


def test_an_ordinary_body_is_read():
    assert Client().post("/form", {"field": "a" * 100_000}).content == b"field"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b""),
        ("multipart/form-data; boundary=é", b"--X--"),
        ("multipart/form-data; boundary=X", PART % b"Content-Transfer-Encoding: base64\r\n" + b"!!!\r\n--X--\r\n"),
        ("application/x-www-form-urlencoded; charset=utf-7", b"field=1"),
        ("application/x-www-form-urlencoded", b"&".join(b"field%d=1" % number for number in range(2000))),
    ],
)
def test_a_form_that_is_none_is_refused_and_no_fault_of_ours(kind, body):
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.cookies["onedoor-form"] = "a" * 32
    assert client.generic("POST", "/form", body, content_type=kind).status_code == 400


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data; boundary=X", PART % b"" + b"half a \0 word\r\n--X--\r\n"),
        ("application/x-www-form-urlencoded", b"field=half+a%00word"),
        ("application/x-www-form-urlencoded", b"fi%00eld=1"),
    ],
)
def test_a_form_that_no_database_can_keep_is_refused(kind, body):
    assert Client().generic("POST", "/form", body, content_type=kind).status_code == 422


def test_a_form_that_breaks_off_is_refused_and_no_fault_of_ours():
    kind = {"CONTENT_TYPE": "multipart/form-data; boundary=X", "CONTENT_LENGTH": "1000", "wsgi.input": Broken()}
    assert Client(raise_request_exception=False).generic("POST", "/form", **kind).status_code == 400


def test_at_an_address_that_nobody_types_there_is_nothing():
    assert Client(raise_request_exception=False).get("/cases/%00").status_code == 404


@pytest.fixture
def logged():
    before, stream = logging.getLogger().handlers, io.StringIO()
    logs.set_up("info")
    logging.getLogger().handlers[0].setStream(stream)
    yield stream.getvalue
    logging.getLogger().handlers = before
    logging.getLogger("django.security").setLevel(logging.NOTSET)
    structlog.reset_defaults()


def test_a_failure_is_logged_without_the_address_that_names_a_case(logged):
    assert Client(raise_request_exception=False).get("/cases/2611-7K4M-Q8").status_code == 500
    lines = logged()
    assert "ValueError" in lines
    assert "2611-7K4M-Q8" not in lines


def test_what_is_not_there_and_what_a_stranger_sends_is_no_error_in_the_log(logged, settings):
    settings.ALLOWED_HOSTS = ["localhost"]
    client = Client(raise_request_exception=False)
    assert client.get("/nowhere", headers={"host": "localhost"}).status_code == 404
    client.get("/form", headers={"host": "evil.example"})
    assert '"level": "error"' not in logged()


def test_a_log_that_cannot_be_written_does_not_print_the_words_of_an_error(logged, capsys):
    logging.getLogger().handlers[0].stream.close()
    try:
        raise ValueError("Nguyễn Thị Đào 001099000001")
    except ValueError:
        logging.getLogger("other").exception("failed")
    logging.getLogger().handlers[0].setStream(io.StringIO())
    assert "001099000001" not in capsys.readouterr().err
