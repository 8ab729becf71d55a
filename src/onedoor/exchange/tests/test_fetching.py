"""What a stranger's server answers: so many bytes, so long, and nothing that goes round either limit."""

import ssl
import time
import tracemalloc
from pathlib import Path

import pytest

from onedoor.exchange.tests.hostile import Hostile, answering, dripping, flooding
from onedoor.kernel.fetching import BadAnswer, Server, TooLong
from onedoor.signing.certificates import Authority, Subject, save_certificates
from onedoor.signing.keys import new_key, save_key

NEGATIVE = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n"
UPGRADE = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
ENDLESS = b"HTTP/1.1 200 OK\r\n\r\n"


def test_an_answer_is_taken_up_to_its_limit() -> None:
    with Hostile(answering(b"x" * 100)) as one:
        assert Server(one.url, 5.0).ask("GET", "checkpoint", 100) == (200, b"x" * 100)
        with pytest.raises(TooLong):
            Server(one.url, 5.0).ask("GET", "checkpoint", 99)
    with Hostile(ENDLESS + b"until the end") as one:
        assert Server(one.url, 5.0).ask("GET", "key", 100)[1] == b"until the end"
    with Hostile(answering(b"x" * 100)[:-1]) as one, pytest.raises(BadAnswer, match="not whole"):
        Server(one.url, 5.0).ask("GET", "key", 100)
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
    with Hostile(chunked) as one, pytest.raises(BadAnswer, match="Transfer-Encoding"):
        Server(one.url, 5.0).ask("GET", "key", 100)
    with Hostile(UPGRADE) as one, pytest.raises(BadAnswer, match="no HTTP"):
        Server(one.url, 5.0).ask("POST", "add-checkpoint", 100, b"body")
    for wrong in ("127.0.0.1:99999", "a..b", "a" * 64):
        with pytest.raises(BadAnswer, match="no address"):
            Server(f"http://{wrong}", 5.0).ask("GET", "key", 100)


def test_a_connection_is_kept_and_one_that_ended_made_anew() -> None:
    def twice(connection: object, _over: object) -> None:
        connection.recv(2**16)  # type: ignore[attr-defined]
        connection.sendall(answering(b"second"))  # type: ignore[attr-defined]

    with Hostile(answering(b"first"), twice) as one:
        server = Server(one.url, 5.0)
        assert [server.ask("GET", "a", 9)[1] for _ in range(2)] == [b"first", b"second"]
        time.sleep(0.1)
        assert server.ask("GET", "a", 9)[1] == b"first"


@pytest.mark.parametrize("first", [NEGATIVE, ENDLESS, b"HTTP/1.1 200 OK\r\nX: "])
def test_nothing_goes_round_the_limit_on_bytes(first: bytes) -> None:
    with Hostile(first, flooding) as one:
        tracemalloc.start()
        with pytest.raises(BadAnswer):
            Server(one.url, 5.0).ask("GET", "checkpoint", 65_536)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 2**22  # the flood's own megabytes included


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n"])
def test_nothing_goes_round_the_limit_on_time(first: bytes) -> None:
    with Hostile(first, dripping) as one:
        begun = time.monotonic()
        with pytest.raises((TimeoutError, BadAnswer)):
            Server(one.url, 0.4).ask("GET", "checkpoint", 65_536)
        assert time.monotonic() - begun < 20


def test_an_https_address_is_asked_by_tls_alone_and_of_who_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Hostile(answering(b"in the clear")) as plain, pytest.raises(ssl.SSLError):
        Server(plain.url.replace("http:", "https:"), 5.0).ask("GET", "key", 100)
    authority, key = Authority.create(tmp_path / "ca"), new_key()
    save_key(tmp_path / "tls.key", key)
    issued = authority.issue(Subject("responder"), key.public_key(), "tls", names=("127.0.0.1",))
    save_certificates(tmp_path / "tls.pem", [issued])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tls.pem", tmp_path / "tls.key")
    for trusted in (False, True):
        with Hostile(answering(b"sealed"), tls=context) as one:
            server = Server(one.url, 5.0)
            if trusted:
                monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca" / "ca.pem"))
                assert server.ask("GET", "key", 100) == (200, b"sealed")
            else:
                with pytest.raises(ssl.SSLCertVerificationError):
                    server.ask("GET", "key", 100)


def test_no_redirection_is_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    with Hostile(f"HTTP/1.1 302 Found\r\nLocation: file://{tmp_path}/secret\r\n\r\n".encode()) as one:
        assert Server(one.url, 5.0).ask("GET", "checkpoint", 100)[0] == 302
