"""The exchange listener speaks to the own gateway alone, over TLS 1.3."""

import contextlib
import http.client
import select
import socket
import ssl
import threading
import time
from contextlib import closing
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from onedoor.kernel.settings import current
from onedoor.signing.certificates import Authority, Subject
from onedoor.signing.keys import new_key, save_key
from onedoor.site import connections, listeners


def identity(authority, folder, name, identifier=""):
    key = new_key()
    cert = authority.issue(
        Subject(name, identifier=identifier), key.public_key(), profile="tls", names=["127.0.0.1", "localhost"], days=2
    )
    save_key(folder / f"{name}.key", key)
    (folder / f"{name}.pem").write_bytes(cert.public_bytes(Encoding.PEM))
    return folder / f"{name}.key", folder / f"{name}.pem"


def application(environ, start):
    start("200 OK", [("Content-Type", "text/plain")])
    return [b"gateway" if environ.get(listeners.VIA_GATEWAY) is True else b"somebody"]


@pytest.fixture
def lab(tmp_path):
    authority = Authority.create(tmp_path / "ca")
    (tmp_path / "authority.pem").write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    return {name: identity(authority, tmp_path, name) for name in ("node", "gateway", "other")}


@pytest.fixture
def port(lab):
    key, cert = lab["node"]
    settings = replace(
        current(), tls_key=key, tls_cert=cert, tls_trust=lab["gateway"][1], exchange_listen="127.0.0.1:0"
    )
    server = listeners.own_gateway(settings, application, threads=2)
    server.prepare()
    thread = threading.Thread(target=server.serve)
    thread.start()
    yield server.bind_addr[1]
    server.stop()
    thread.join()


def ask(port, lab, who, version=ssl.TLSVersion.TLSv1_3):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(lab["node"][1])
    context.minimum_version = context.maximum_version = version
    if who:
        context.load_cert_chain(lab[who][1], lab[who][0])
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=5)
    with closing(connection):
        connection.request("GET", "/", headers={"Onedoor-Gateway": "1"})
        return connection.getresponse().read()


def test_the_own_gateway_is_let_in_and_marked(port, lab):
    assert ask(port, lab, "gateway") == b"gateway"


@pytest.mark.parametrize("who", ["other", "node", ""])
def test_another_certificate_of_the_same_authority_or_none_is_cut_off(port, lab, who):
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
        ask(port, lab, who)
    assert ask(port, lab, "gateway") == b"gateway"


def test_an_older_tls_is_cut_off(port, lab):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask(port, lab, "gateway", ssl.TLSVersion.TLSv1_2)


def test_connections_that_say_nothing_hold_nobody_up(port, lab):
    with contextlib.ExitStack() as silent:
        for _ in range(5):  # more than there are threads
            silent.enter_context(closing(socket.create_connection(("127.0.0.1", port))))
        assert ask(port, lab, "gateway") == b"gateway"


def test_who_sends_a_request_bit_by_bit_is_given_up(monkeypatch):
    monkeypatch.setattr(connections, "HEAD_WITHIN", 0.5)
    server = listeners.browsers(replace(current(), listen="127.0.0.1:0"), application, threads=1)
    server.prepare()
    thread = threading.Thread(target=server.serve)
    thread.start()
    began = time.monotonic()
    with closing(socket.create_connection(server.bind_addr, timeout=5)) as slow, contextlib.suppress(OSError):
        slow.sendall(b"GET / HTTP/1.1\r\n")
        while time.monotonic() - began < 30 and not select.select([slow], [], [], 0.1)[0]:
            slow.sendall(b"x")
    took = time.monotonic() - began
    server.stop()
    thread.join()
    assert took < 20


def test_a_plain_listener_never_marks_a_request(lab):
    settings = replace(current(), listen="127.0.0.1:0")
    server = listeners.browsers(settings, application, threads=1)
    server.prepare()
    thread = threading.Thread(target=server.serve)
    thread.start()
    connection = http.client.HTTPConnection("127.0.0.1", server.bind_addr[1], timeout=5)
    with closing(connection):
        connection.request("GET", "/", headers={"Onedoor-Gateway": "1", "onedoor.gateway": "1"})
        answer = connection.getresponse().read()
    server.stop()
    thread.join()
    assert answer == b"somebody"


def test_without_an_identity_there_is_no_listener():
    with pytest.raises(listeners.NoIdentity):
        listeners.own_gateway(replace(current(), tls_key=None), application, threads=1)


@pytest.fixture
def member_port(lab, tmp_path):
    """A listener that trusts its member's own authority, as the directory's lab sets it up."""
    key, cert = lab["node"]
    settings = replace(
        current(),
        subsystem="VN/GOV/G15/CIVIL-STATUS",
        tls_key=key,
        tls_cert=cert,
        tls_trust=tmp_path / "authority.pem",
        exchange_listen="127.0.0.1:0",
    )
    server = listeners.own_gateway(settings, application, threads=2)
    server.prepare()
    thread = threading.Thread(target=server.serve)
    thread.start()
    yield server.bind_addr[1]
    server.stop()
    thread.join()


@pytest.mark.parametrize("name", ["VN/GOV/G15/CIVIL-STATUS", "VN/GOV/G01/GATEWAY", "VN/GOV/G15/GATEWAYS", ""])
def test_of_the_members_authority_only_the_gateway_by_name_is_let_in(member_port, lab, tmp_path, name):
    authority = Authority.load(tmp_path / "ca")
    for own in ("GATEWAY", "GATEWAY-2"):
        lab[own] = identity(authority, tmp_path, own, f"VN/GOV/G15/{own}")
        assert ask(member_port, lab, own) == b"gateway"
    lab["wrong"] = identity(authority, tmp_path, "wrong", name)
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
        ask(member_port, lab, "wrong")
