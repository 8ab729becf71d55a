"""A system's ledger and its witnesses: cosigned when they answer, published when they do not, refused when it lies."""

import contextlib
import socket
import time
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest
from django.db import transaction

from onedoor.exchange.witness.cosigning import Answer, Witness
from onedoor.exchange.witness.main import Application
from onedoor.exchange.witness.record import Record, own_key
from onedoor.kernel.ledger import Verifier, verify_checkpoint
from onedoor.kernel.ledger.witnessing import Policy
from onedoor.site import cli, cosigning, published
from onedoor.site.cosigning import Witnesses
from onedoor.site.published import CHECKPOINT, LedgerBehind, Publisher
from onedoor.site.tests.test_published import grow
from onedoor.store import ledger

pytestmark = pytest.mark.django_db


class Served:
    """A witness behind HTTP, in this process: what it decides is the real thing."""

    def __init__(self, folder: Path, name: str) -> None:
        key = own_key(folder / "key")
        self.verifier = Verifier(name, key.public_key(), b"\x04")
        self.application = Application(Witness(name, key, [ledger.verifier()], Record(folder / "logs")))
        self.asked: list[int] = []
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = served.application.answer("POST", self.path, body)
                served.asked.append(answer.status)
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(answer.body.encode())))
                self.end_headers()
                self.wfile.write(answer.body.encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[list[Served]]:
    found = [Served(tmp_path / name, f"{name}.example") for name in ("w1", "w2")]
    yield found
    for one in found:
        one.stop()


def known(served: list[Served]) -> Witnesses:
    return Witnesses(Policy(witnesses=tuple((one.verifier, one.url) for one in served)))


def test_each_checkpoint_carries_the_cosignatures_of_all_witnesses(served: list[Served], tmp_path: Path) -> None:
    folder, keys = tmp_path / "published", [one.verifier for one in served]
    grow(3)
    publisher = Publisher(folder, known(served))
    for count in (0, 300, 1):
        grow(count)
        publisher.publish()
        signed = verify_checkpoint((folder / CHECKPOINT).read_text(), ledger.verifier(), keys)
        assert signed.size == ledger.size_and_root()[0]
    assert [one.asked for one in served] == [[200, 200, 200]] * 2
    grow(1)
    Publisher(folder, known(served))  # started anew, it asks each witness where it stands
    assert [one.asked[3:] for one in served] == [[409, 200]] * 2
    arguments = ["ledger", "audit", str(folder), "--language", "en"]
    assert cli.run([*arguments, *(word for one in keys for word in ("--witness", str(one)))]) == 0
    assert cli.run([*arguments, "--witness", str(Verifier("w3", keys[0].key, b"\x04"))]) == 1


def test_a_silent_witness_holds_nothing_up_and_cosigns_later(served: list[Served], tmp_path: Path) -> None:
    folder, (first, second) = tmp_path / "published", served
    witnesses = known(served)
    witnesses.all[1].url = "http://127.0.0.1:1"
    grow(3)
    publisher = Publisher(folder, witnesses)
    note = (folder / CHECKPOINT).read_text()
    assert verify_checkpoint(note, ledger.verifier(), [first.verifier]).size == 3
    assert "w2.example" not in note
    witnesses.all[1].url = second.url
    publisher.publish()
    assert (folder / CHECKPOINT).read_text() == note  # it rests
    witnesses.all[1].rests_until = 0.0
    publisher.publish()
    verify_checkpoint((folder / CHECKPOINT).read_text(), ledger.verifier(), [first.verifier, second.verifier])
    assert first.asked == [200]


def test_a_witness_that_answers_drop_by_drop_holds_the_ledger_up_for_no_longer_than_its_patience(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cosigning, "PATIENCE", 0.3)
    over = Event()

    def drip(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n")
            while not over.wait(0.1):
                connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        Thread(target=drip, args=(listening,), daemon=True).start()
        verifier = Verifier("w.example", own_key(tmp_path / "key").public_key(), b"\x04")
        grow(3)
        begun = time.monotonic()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        witnesses = Witnesses(Policy(witnesses=((verifier, url),)))
        publisher = Publisher(tmp_path / "published", witnesses)
        asking = witnesses.all[0]._asking
        assert asking
        assert isinstance(asking.exception(20), TimeoutError)  # nor is the thread that asks kept for ever
        grow(1)
        publisher.publish()
        assert time.monotonic() - begun < 20
        assert publisher.last.size == 4
        over.set()


def test_a_witness_that_would_speak_something_else_stops_no_ledger(tmp_path: Path) -> None:
    def switch(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(2**16)
            connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        Thread(target=switch, args=(listening,), daemon=True).start()
        verifier = Verifier("w.example", own_key(tmp_path / "key").public_key(), b"\x04")
        grow(3)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        publisher = Publisher(tmp_path / "published", Witnesses(Policy(witnesses=((verifier, url),))))
    assert publisher.note == ledger.checkpoint()


@pytest.mark.parametrize("answer", ["another's", "none", "forged"])
def test_what_is_no_cosignature_of_that_witness_is_not_put_under_a_checkpoint(
    answer: str, served: list[Served], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, other = (one.application for one in served)
    told = {
        "another's": other.add,
        "none": lambda _body: Answer(200, "cosigned", "all is well\n"),
        "forged": lambda _body: Answer(200, "cosigned", f"— w1.example {b64encode(named + bytes(72)).decode()}\n"),
    }
    named = served[0].verifier.key_id
    monkeypatch.setattr(first, "answer", lambda _method, _path, body: told[answer](body))
    grow(3)
    publisher = Publisher(tmp_path / "published", known(served[:1]))
    assert publisher.note == ledger.checkpoint()


def test_a_second_history_gets_no_cosignature(served: list[Served], tmp_path: Path) -> None:
    with transaction.atomic():
        before = transaction.savepoint()
        grow(4)
        Publisher(tmp_path / "one", known(served))
        transaction.savepoint_rollback(before)
    grow(6)
    Publisher(tmp_path / "another", known(served))
    note = (tmp_path / "another" / CHECKPOINT).read_text()
    assert "example" not in note
    assert [one.asked for one in served] == [[200, 409, 422]] * 2


def test_what_a_witness_has_seen_is_known_after_a_crash(
    served: list[Served], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "published"
    with transaction.atomic():
        before = transaction.savepoint()
        grow(4)
        with monkeypatch.context() as patch:
            patch.setattr(Publisher, "_show", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                Publisher(folder, known(served))
        told = published.read(folder)
        transaction.savepoint_rollback(before)
    assert not (folder / CHECKPOINT).exists()
    grow(2)
    with pytest.raises(LedgerBehind, match=r"holds 2 entries.*4 were published"):
        Publisher(folder, known(served))
    assert len(told[0]) == 4
