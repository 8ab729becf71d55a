"""Webhooks: told over HTTPS what changed, signed, and nowhere that the operator did not allow or that is not public."""

import base64
import hmac
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from onedoor.kernel.watch import trace
from onedoor.privacy.consents import webhooks
from onedoor.privacy.consents.webhooks import NotDelivered
from onedoor.privacy.models import Revision
from onedoor.privacy.tests.consent_api import INSURANCE, MOTHER, OF, agreement, ask, give, individual, say
from onedoor.store import jobs

SECRET = "of-this-test-alone-32"
pytestmark = pytest.mark.django_db


class Heard(BaseHTTPRequestHandler):
    """Keeps what it is told, and answers as it is told to."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((dict(self.headers), body))  # type: ignore[attr-defined]
        if self.server.drips:  # type: ignore[attr-defined]
            self.drip()
            return
        self.send_response(self.server.answer)  # type: ignore[attr-defined]
        self.send_header("Location", "https://localhost:1/")
        self.end_headers()

    def drip(self) -> None:
        """Answer a sign now and then: no single one is late."""
        with suppress(OSError):
            for sign in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 200:
                self.wfile.write(bytes([sign]))
                time.sleep(0.02)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give an HTTPS server on loopback, which for this test counts as public."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now, names = datetime.now(UTC), x509.SubjectAlternativeName([x509.DNSName("localhost")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    certificate = made.add_extension(names, critical=True).sign(key, SHA256()).public_bytes(Encoding.PEM)
    (tmp_path / "pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate)
    here = HTTPServer(("127.0.0.1", 0), Heard)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pem")
    here.socket = context.wrap_socket(here.socket, server_side=True)
    here.heard, here.answer, here.drips = [], 204, False  # type: ignore[attr-defined]
    thread = threading.Thread(target=here.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    monkeypatch.setattr(webhooks, "public", lambda address: ip_address(address).is_loopback)
    monkeypatch.setattr(webhooks, "trust", lambda: ssl.create_default_context(cadata=certificate.decode()))
    allow(monkeypatch, f"localhost:{here.server_port}")
    yield here
    here.shutdown()
    here.server_close()
    thread.join()


def allow(monkeypatch: pytest.MonkeyPatch, *hosts: str) -> None:
    monkeypatch.setattr(webhooks, "settings", lambda: SimpleNamespace(webhook_hosts=hosts))


def hook(address: str, status: int = 200, **changes: object) -> Any:
    body = {"id": "", "payloadUrl": address, "contentType": "application/json", "disabled": False, "secretKey": SECRET}
    return (ask("POST", "/config/webhook/", {"webhook": {**body, **changes}}, status=status) or {}).get("webhook")


def queued() -> list[dict[str, str]]:
    from procrastinate.contrib.django.models import ProcrastinateJob

    found = ProcrastinateJob.objects.filter(task_name="privacy.deliver_webhook").order_by("id")
    return [{name: said for name, said in one.args.items() if name != trace.HEADER} for one in found]


def test_a_webhook_is_told_what_changed_by_ids_alone_and_signed(server: Any) -> None:
    made = hook(f"https://localhost:{server.server_port}/told?by=onedoor")
    who = individual()
    record = give(agreement(), who)["consentRecord"]
    say(record, who, optIn=False)
    events = queued()
    assert [one["event"] for one in events] == ["consentRecord.created", "consentRecord.updated"]
    for one in events:
        webhooks.deliver(**one)
    headers, body = server.heard[0]
    assert json.loads(body) == {
        "type": "consentRecord.created",
        "data": {"consentRecordId": record["id"], "revisionId": events[0]["revision"]},
    }
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mac = base64.b64encode(hmac.digest(SECRET.encode(), signed, "sha256")).decode()
    assert headers["webhook-signature"] == f"v1,{mac}"
    assert abs(int(headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60
    assert MOTHER not in f"{server.heard}{events}"
    assert server.heard[1][0]["webhook-id"] != headers["webhook-id"]
    ask("DELETE", f"/config/webhook/{made['id']}/")
    webhooks.deliver(**events[0])
    assert len(server.heard) == 2, "a webhook that is gone is told no more"


@pytest.mark.parametrize("status", [302, 410, 500])
def test_what_is_not_answered_with_success_is_tried_again_and_no_redirection_followed(server: Any, status: int) -> None:
    hook(f"https://localhost:{server.server_port}/")
    give(agreement(), individual())
    server.answer = status
    with pytest.raises(NotDelivered, match=str(status)):
        webhooks.deliver(**queued()[0])
    retry = jobs.app.tasks["privacy.deliver_webhook"].retry_strategy
    assert retry.max_attempts == 12


def test_a_server_that_drips_its_answer_holds_nobody_up(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    hook(f"https://localhost:{server.server_port}/")
    give(agreement(), individual())
    server.drips = True
    monkeypatch.setattr(webhooks, "SECONDS", 0.6)
    began = time.monotonic()
    with pytest.raises(NotDelivered, match="did not come in time"):
        webhooks.deliver(**queued()[0])
    assert 0.5 < time.monotonic() - began < 20
    assert server.heard


def test_a_server_that_does_not_prove_its_name_is_told_nothing(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    hook(f"https://localhost:{server.server_port}/")
    give(agreement(), individual())
    monkeypatch.setattr(webhooks, "trust", ssl.create_default_context)
    with pytest.raises(NotDelivered, match="does not prove its name"):
        webhooks.deliver(**queued()[0])
    assert not server.heard


def test_a_name_that_leads_inside_is_never_followed(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    hook(f"https://localhost:{server.server_port}/")
    give(agreement(), individual())
    monkeypatch.undo()
    allow(monkeypatch, f"localhost:{server.server_port}")
    with pytest.raises(NotDelivered, match="not a public address"):
        webhooks.deliver(**queued()[0])
    assert not server.heard


def test_a_host_that_is_no_name_is_not_known(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    hook(f"https://localhost:{server.server_port}/")
    give(agreement(), individual())
    monkeypatch.setattr(webhooks, "_allowed", lambda _: urlsplit("https://a..b/"))
    with pytest.raises(NotDelivered, match="its host is not known"):
        webhooks.deliver(**queued()[0])


@pytest.mark.parametrize(
    "address",
    [
        "http://hooks.example/", "https://other.example/", "https://hooks.example:8443/", "https://a@hooks.example/",
        "https://hooks.example.evil.example/", "https://169.254.169.254/", "https://[::1]/", "//hooks.example/", "",
        "https://hooks.example/#x", "https://[/",
    ],
)  # fmt: skip
def test_only_https_hosts_that_the_operator_names_are_taken(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    allow(monkeypatch, "hooks.example")
    hook(address, status=400)
    assert not Revision.objects.exists()


def test_without_a_host_that_is_allowed_there_are_no_webhooks() -> None:
    hook("https://hooks.example/", status=400)


def test_a_secret_is_kept_sealed_and_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    allow(monkeypatch, "hooks.example")
    made = hook("https://Hooks.example/")
    assert made["secretKey"] == ""
    path = f"/config/webhook/{made['id']}/"
    changed = ask("PUT", path, {"webhook": {**made, "disabled": True}})["webhook"]
    assert (changed["disabled"], changed["secretKey"]) == (True, "")
    assert ask("GET", "/config/webhooks/")["webhooks"] == [changed]
    kept = Revision.objects.filter(object=made["id"])
    assert all(not one.plain and SECRET.encode() not in bytes(one.sealed) for one in kept)
    assert webhooks.revisions.one("Webhook", made["id"]).data["secretKey"] == SECRET
    ask("GET", path, by=INSURANCE, status=404)
    give(agreement(), individual())
    assert queued() == [], "one that is disabled is told nothing"
    hook("https://hooks.example/", status=400, secretKey="short")
    hook("https://hooks.example/", status=400, contentType="text/xml")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "::1", "::", "fe80::1", "fd00:ec2::254", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "2002:7f00:1::",
        "ff02::1", "64:ff9b::7f00:1",
    ],
)  # fmt: skip
def test_an_address_that_is_not_of_the_internet_is_known(address: str) -> None:
    assert not webhooks.public(address)


@given(st.ip_addresses(v=4))
def test_an_address_of_the_internet_is_public_however_it_is_written(address: Any) -> None:
    public = address.is_global and not address.is_multicast
    assert webhooks.public(str(address)) == webhooks.public(f"::ffff:{address}") == public


def test_forgotten_and_signed_records_are_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    allow(monkeypatch, "hooks.example")
    hook("https://hooks.example/")
    who = individual()
    give(agreement(forgettable=True), who)
    ask("DELETE", f"{OF}/", individual=who)
    assert [one["event"] for one in queued()] == ["consentRecord.created", "consentRecord.forgotten"]
