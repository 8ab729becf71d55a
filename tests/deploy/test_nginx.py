"""TLS in front of the portal: the configuration that operators get, run by a real nginx on this computer."""

import http.client
import re
import shutil
import socket
import ssl
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import path

from onedoor.kernel.access import PUBLIC, access
from onedoor.signing.certificates import Authority, Subject, pem
from onedoor.signing.keys import load_key, new_key, save_key

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "nginx" / "onedoor.conf"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
NAME = "onedoor.example"
AROUND = """
daemon off; pid {folder}/pid; error_log {folder}/error.log; {user}
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  include {folder}/onedoor.conf;
}}
"""
STRANGER = ("127.0.0.2", 0)


@access(PUBLIC)
def who(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{request.META['REMOTE_ADDR']} {sorted(k for k in request.META if 'FORWARDED' in k)}")


urlpatterns = [path("who", who)]
pytestmark = [
    pytest.mark.skipif(not NGINX, reason="nginx is not installed: bin/system-packages installs it"),
    pytest.mark.urls(__name__),
    pytest.mark.django_db(transaction=True),
]


@dataclass(frozen=True)
class Front:
    """A running nginx: its two ports, and what its certificate is trusted by."""

    tls: int
    plain: int
    trust: Path

    def get(self, address: str, headers: dict[str, str] | None = None) -> tuple[int, Message, bytes]:
        context = ssl.create_default_context(cafile=self.trust)
        link = http.client.HTTPSConnection(NAME, self.tls, context=context, source_address=STRANGER, timeout=10)
        link._create_connection = lambda _place, *more: socket.create_connection(("127.0.0.1", self.tls), *more)  # type: ignore[attr-defined]
        return asked(link, address, headers)

    def speaks(self, version: ssl.TLSVersion) -> bool:
        context = ssl.create_default_context(cafile=self.trust)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = version
        try:
            with (
                socket.create_connection(("127.0.0.1", self.tls), timeout=10) as link,
                context.wrap_socket(link, server_hostname=NAME) as spoken,
            ):
                return spoken.version() is not None
        except ssl.SSLError:
            return False


def asked(
    link: http.client.HTTPConnection, address: str, headers: dict[str, str] | None = None
) -> tuple[int, Message, bytes]:
    """Return status, headers and body of the answer, and end the connection."""
    with closing(link):
        link.request("GET", address, headers=headers or {})
        answer = link.getresponse()
        return answer.status, answer.headers, answer.read()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


@pytest.fixture
def front(tmp_path: Path, live_server, settings) -> Iterator[Front]:  # type: ignore[no-untyped-def]
    """Give nginx in front of the real application, its ports and certificate put in the place of the example's."""
    settings.PROXIES = ("127.0.0.1",)
    authority = Authority.open(tmp_path / "ca")
    save_key(tmp_path / "portal.key", new_key())
    key = load_key(tmp_path / "portal.key")
    certificate = authority.issue(Subject("portal"), key.public_key(), "tls", names=(NAME,))
    (tmp_path / "portal.pem").write_bytes(pem([certificate]))
    (tmp_path / "trust.pem").write_bytes(pem([authority.certificate]))
    found = Front(free_port(), free_port(), tmp_path / "trust.pem")
    text = re.sub(r"(?m)^.*listen \[::\].*\n", "", CONFIGURATION.read_text())
    for old, new in (
        ("listen 443 ", f"listen 127.0.0.1:{found.tls} "),
        ("listen 80;", f"listen 127.0.0.1:{found.plain};"),
        ("/etc/onedoor/tls", str(tmp_path)),
        ("server 127.0.0.1:8000", f"server {urlsplit(live_server.url).netloc.replace('localhost', '127.0.0.1')}"),
    ):
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "onedoor.conf").write_text(text)
    user = "user root;" if tmp_path.owner() == "root" else ""
    (tmp_path / "nginx.conf").write_text(AROUND.format(folder=tmp_path, user=user))
    with running(tmp_path, found.tls):
        yield found


class running:  # noqa: N801 - reads as a verb where it is used
    """nginx with the configuration in *folder*, until the end of the block."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self.process = subprocess.Popen([str(NGINX), "-p", folder, "-c", folder / "nginx.conf"], stderr=subprocess.PIPE)

    def __enter__(self) -> None:
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and self.process.poll() is None:
            with socket.socket() as door:
                if door.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        self.process.kill()
        raise AssertionError(self.process.communicate()[1].decode())

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.communicate(timeout=10)


def test_tls_1_2_and_1_3_are_spoken_and_nothing_older(front: Front) -> None:
    spoken = [one.name for one in (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
              if front.speaks(one)]  # fmt: skip
    assert spoken == ["TLSv1_2", "TLSv1_3"]


def test_browsers_are_told_to_stay_with_tls_and_those_without_are_sent_there(front: Front) -> None:
    for address, status in (("/who", 200), ("/metrics", 404), ("/health", 404)):
        answer = front.get(address)
        assert (answer[0], answer[1].get_all("Strict-Transport-Security")) == (status, ["max-age=31536000"])
    link = http.client.HTTPConnection("127.0.0.1", front.plain, timeout=10)
    sent = asked(link, "/vi/?a=1", {"Host": NAME})
    assert (sent[0], sent[1]["Location"]) == (308, f"https://{NAME}/vi/?a=1")


def test_the_portal_knows_who_asks_and_what_a_stranger_claims_is_not_passed_on(front: Front) -> None:
    claims = {"X-Forwarded-For": "192.0.2.7", "Forwarded": "for=192.0.2.7", "X-Forwarded-Proto": "http"}
    assert front.get("/who")[2] == front.get("/who", claims)[2] == b"127.0.0.2 []"


def test_who_is_not_a_known_proxy_is_not_believed(live_server, settings) -> None:  # type: ignore[no-untyped-def]
    settings.PROXIES = ("192.0.2.1",)
    place = urlsplit(live_server.url)
    link = http.client.HTTPConnection(place.hostname or "", place.port, timeout=10, source_address=STRANGER)
    assert asked(link, "/who", {"X-Forwarded-For": "192.0.2.7"})[2] == b"127.0.0.2 []"
