"""The witness as a real process over HTTP: it cosigns growth, refuses a second history, and forgets nothing."""

import asyncio
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from onedoor.exchange.witness.cosigning import Witness
from onedoor.exchange.witness.main import Application, WitnessServer
from onedoor.exchange.witness.record import Record, own_key
from onedoor.kernel.ledger import LedgerError, Tree, Verifier, join_note, leaf_hash, signed_at, split_note
from onedoor.kernel.ledger.notes import Checkpoint
from onedoor.kernel.ledger.witnessing import Addition, BadPolicy, Policy

NAME, ORIGIN = "witness.example/w1", "onedoor/VN/GOV/G15/CIVIL-STATUS"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
LOG = Verifier(ORIGIN, KEY.public_key())


def tree_of(story: str, size: int) -> Tree:
    tree = Tree()
    tree.extend(leaf_hash(f"{story} {number}".encode()) for number in range(size))
    return tree


TREE, OTHER = tree_of("the one", 40), tree_of("another", 40)
Asked = tuple[int, str, str]


@dataclass
class Running:
    port: int
    watch: int
    state: Path
    environ: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "onedoor.site", "witness"]
        self.process = subprocess.Popen(command, env=self.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            with socket.socket() as sock:
                if sock.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        pytest.fail("the witness does not listen")

    def stop(self, how: signal.Signals) -> int:
        assert self.process
        self.process.send_signal(how)
        return self.process.wait(10)

    def asks(self, method: str, path: str, body: bytes | None = None, port: int = 0) -> Asked:
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=5)
        connection.request(method, path, body)
        answer = connection.getresponse()
        found = answer.status, answer.getheader("Content-Type") or "", answer.read().decode()
        connection.close()
        return found

    def add(self, addition: Addition | str) -> Asked:
        text = addition if isinstance(addition, str) else addition.text()
        return self.asks("POST", "/add-checkpoint", text.encode())


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("witness")
    (folder / "policy").write_text(f"# the ledgers of a nation\n\nlog {LOG}\nquorum none\n")
    port, watch = free_port(), free_port()
    running = Running(port, watch, folder / "state", {
        "PATH": os.environ["PATH"],
        "ONEDOOR_ROLE": "witness",
        "ONEDOOR_STATE": str(folder / "state"),
        "ONEDOOR_LISTEN": f"127.0.0.1:{port}",
        "ONEDOOR_WATCH_LISTEN": f"127.0.0.1:{watch}",
        "ONEDOOR_LEDGER_POLICY": str(folder / "policy"),
        "ONEDOOR_WITNESS_NAME": NAME,
    })  # fmt: skip
    running.start()
    yield running
    running.stop(signal.SIGTERM)


def adding(old: int, size: int, tree: Tree = TREE, *, since: Tree | None = None) -> Addition:
    note = Checkpoint(ORIGIN, size, tree.root(size)).sign(ORIGIN, KEY)
    return Addition(old, tuple((since or tree).consistency(old, size)) if old else (), note)


def test_it_cosigns_growth_refuses_all_else_and_forgets_nothing_when_killed(witness: Running) -> None:
    cosigner = Verifier.parse(witness.asks("GET", "/key")[2].strip())
    assert cosigner.name == NAME
    begun = int(time.time())
    status, _, line = witness.add(adding(0, 7))
    assert status == 200
    moment = signed_at(join_note(split_note(adding(0, 7).note)[0], [line.strip()]), cosigner)
    assert moment is not None
    assert begun <= moment <= time.time()
    # Held against the specification without the kernel.
    raw = b64decode(line.split(" ")[2])
    root = b64encode(TREE.root(7)).decode()
    signed = f"cosignature/v1\ntime {int.from_bytes(raw[4:12])}\n{ORIGIN}\n7\n{root}\n"
    cosigner.key.verify(raw[12:], signed.encode())

    assert witness.add(adding(7, 7))[0] == 200  # asked again, cosigned again
    assert witness.add(adding(0, 9)) == (409, "text/x.tlog.size", "7\n")  # tells where it stands
    assert witness.add(adding(7, 7, OTHER)) == (409, "text/x.tlog.size", "7\n")  # another history of that length
    assert witness.add(adding(7, 20, OTHER))[0] == 422  # a longer one
    assert witness.add(adding(7, 20, OTHER, since=TREE))[0] == 422
    assert witness.add(Addition(9, (), adding(0, 7).note))[0] == 400  # backwards
    witness.stop(signal.SIGKILL)
    witness.start()
    assert Verifier.parse(witness.asks("GET", "/key")[2].strip()) == cosigner
    assert witness.add(adding(0, 7, OTHER)) == (409, "text/x.tlog.size", "7\n")
    assert witness.add(adding(7, 20))[0] == 200
    assert witness.add(adding(7, 20, OTHER)) == (409, "text/x.tlog.size", "20\n")

    said = witness.asks("GET", "/metrics", port=witness.watch)[2]
    assert 'onedoor_witness_requests_total{outcome="cosigned"} 1.0' in said
    assert f'onedoor_witness_size{{ledger="{ORIGIN}"}} 20.0' in said
    assert witness.asks("GET", "/health", port=witness.watch)[0] == 200


def test_it_says_what_is_wrong_with_a_request(witness: Running) -> None:
    note = adding(0, 3).note
    stranger = Checkpoint("stranger", 3, TREE.root(3)).sign("stranger", KEY)
    forged = Checkpoint(ORIGIN, 3, TREE.root(3)).sign(ORIGIN, Ed25519PrivateKey.generate())
    for body, status in (
        (Addition(0, (), stranger).text(), 404),
        (Addition(0, (), forged).text(), 403),
        (Addition(0, (), note.replace(f"{ORIGIN}\n3", f"{ORIGIN}\n4")).text(), 403),
        ("", 400),
        ("old 0\n", 400),
        (f"old 00\n\n{note}", 400),
        (f"new 0\n\n{note}", 400),
        (f"old 0\nAAAA\n\n{note}", 400),
        ("old 0\n" + "A" * 43 + "=\n" * 64 + f"\n{note}", 400),
        (f"old 0\n\n{ORIGIN}\n3\n", 400),
        ("x" * 300_000, 413),
    ):
        assert witness.add(body)[0] == status, body[:60]
    assert witness.asks("POST", "/add-checkpoint", b"\xff\xfe")[0] == 400
    assert witness.asks("GET", "/add-checkpoint")[0] == 405
    assert witness.asks("POST", "/key", b"") == (405, "text/plain; charset=utf-8", "Please ask /key by GET.\n")
    assert witness.asks("GET", "/")[0] == 404


HALF = b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\n"
SLOW = (HALF + b"Content-Length: 262144\r\n\r\n", HALF + b"X: ")


def serving(tmp_path: Path, patience: float) -> Awaitable[asyncio.Server]:
    witness = Witness(NAME, own_key(tmp_path / "key"), [LOG], Record(tmp_path / "logs"))
    return asyncio.start_server(WitnessServer(Application(witness), patience).serve, "127.0.0.1", 0, limit=8192)


def test_slow_clients_do_not_silence_it(tmp_path: Path) -> None:
    async def ask() -> None:
        served = await serving(tmp_path, 60)
        port = served.sockets[0].getsockname()[1]
        slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
        for number, (_, writer) in enumerate(slow):
            writer.write(SLOW[number % 2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        body = adding(0, 7).text().encode()
        writer.write(HALF + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        assert (await reader.read()).startswith(b"HTTP/1.1 200 OK\r\n")
        assert not any(one.at_eof() for one, _ in slow)
        for one in (writer, *(writer for _, writer in slow)):
            one.close()
        served.close()

    asyncio.run(ask())


@pytest.mark.parametrize("first", SLOW)
def test_a_slow_client_is_told_to_hurry_and_one_that_drips_gains_no_time(tmp_path: Path, first: bytes) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            writer.write(b"a")
            await asyncio.sleep(0.05)

    async def ask() -> None:
        served = await serving(tmp_path, 0.4)
        port = served.sockets[0].getsockname()[1]
        resting, dripping = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        resting[1].write(first)
        dripping[1].write(first)
        drops = asyncio.ensure_future(drip(dripping[1]))
        assert (await resting[0].read()).startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        with suppress(ConnectionResetError):  # an answer that meets a drop is lost
            assert (await dripping[0].read()).startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        for _, writer in (resting, dripping):
            writer.close()
        await drops
        served.close()

    asyncio.run(ask())


def test_a_request_survives_its_text() -> None:
    addition = adding(7, 20)
    assert Addition.parse(addition.text()) == addition
    assert addition.text().startswith("old 7\n")


def test_a_record_that_was_altered_is_not_built_upon(tmp_path: Path) -> None:
    key = own_key(tmp_path / "key")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert own_key(tmp_path / "key").public_key() == key.public_key()
    record, own = Record(tmp_path / "logs"), Verifier(NAME, key.public_key())
    record.keep(ORIGIN, Checkpoint(ORIGIN, 3, TREE.root(3)).sign(NAME, key))
    assert record.last(ORIGIN, own).size == 3
    (path,) = (tmp_path / "logs").iterdir()
    path.write_text(path.read_text().replace("\n3\n", "\n2\n"))
    with pytest.raises(LedgerError):
        record.last(ORIGIN, own)
    record.keep(ORIGIN, Checkpoint("another", 3, TREE.root(3)).sign(NAME, key))
    with pytest.raises(LedgerError, match="another ledger"):
        record.last(ORIGIN, own)


def test_a_policy_names_ledgers_and_witnesses_and_its_faults_by_line(tmp_path: Path) -> None:
    path, cosigner = tmp_path / "policy", Verifier(NAME, KEY.public_key(), b"\x04")
    path.write_text(f"log {LOG}\n\twitness  w {cosigner} http://127.0.0.1:1\nwitness v {cosigner}\ngroup g any w\n")
    assert Policy.read(path) == Policy(((LOG, ""),), ((cosigner, "http://127.0.0.1:1"), (cosigner, "")))
    for line in ("log", f"log {cosigner}", f"witness w {LOG}", "witness w", f"logs {LOG}", "log x"):
        path.write_text(f"# first\n{line}\n")
        with pytest.raises(BadPolicy, match="Line 2"):
            Policy.read(path)


def test_a_witness_loads_no_django() -> None:
    program = "import sys; from onedoor.exchange.witness import main; assert 'django' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", program], env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
