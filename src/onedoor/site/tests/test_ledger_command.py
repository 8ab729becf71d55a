"""``onedoor ledger``: a proof and an audit with public files alone, and what each says when something is wrong."""

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from django.db import transaction

from onedoor.kernel.ledger import Tile
from onedoor.site import cli, messages, published
from onedoor.site.commands import ledger_own
from onedoor.site.published import Publisher
from onedoor.store import details, ledger

pytestmark = pytest.mark.django_db
DETAILS = b"what was entered"


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    messages.use("en")
    yield
    messages.use(None)


def grow(count: int) -> list[str]:
    with transaction.atomic():
        entries = [ledger.append("privacy.read", sha256(DETAILS).digest()) for _ in range(count)]
    ledger.integrate()
    return [str(one.id) for one in entries]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    grow(300)
    Publisher(tmp_path / "published")
    return tmp_path / "published"


@pytest.fixture
def proof(folder: Path, tmp_path: Path) -> Path:
    path = tmp_path / "one.tlog-proof"
    path.write_text(ledger_own.proof_of(ledger.leaves(70, 71)[0], 70, folder).text())
    return path


def told(capsys: pytest.CaptureFixture[str], *arguments: object, leaves: int = 0) -> str:
    assert cli.run(["ledger", *map(str, arguments), "--language", "en"]) == leaves
    found = capsys.readouterr()
    return found.err if leaves == cli.FAILED else found.out


def test_a_proof_says_in_words_what_it_proves(capsys, folder: Path, proof: Path, tmp_path: Path) -> None:
    said = told(capsys, "verify", proof, "--key", ledger.verifier())
    assert "(privacy.read, by its id made at 20" in said
    assert "stands at position 70 among the 300 entries of the ledger onedoor/" in said
    assert "No witness was asked for" in said
    details = tmp_path / "details"
    details.write_bytes(DETAILS)
    said = told(capsys, "verify", proof, "--key", folder / "key", "--details", details)
    assert "to the last sign" in said


def test_details_of_something_else_are_one_verdict(capsys, folder: Path, proof: Path, tmp_path: Path) -> None:
    details = tmp_path / "details"
    for content, why in (
        (DETAILS + b" not", "these details are not those that were entered"),
        (b"onedoor read 3\n\nAAAA\n", "a claim is"),
    ):
        details.write_bytes(content)
        said = told(capsys, "verify", proof, "--key", folder / "key", "--details", details, leaves=1)
        assert said.startswith(f"Not proved: {why}")
        assert said.count("\n") == 1


def test_what_proves_nothing_and_what_is_no_proof_leave_differently(capsys, folder: Path, proof: Path) -> None:
    key, sound = str(ledger.verifier()), proof.read_text()
    proof.write_text(sound.replace("\nindex 70\n", "\nindex 71\n"))
    assert told(capsys, "verify", proof, "--key", key, leaves=1).startswith("Not proved: ")
    other = "w+f1a8f2ac+BA" + key.rpartition("+")[2][2:]
    assert "no public key" in told(capsys, "verify", proof, "--key", other, leaves=2)
    assert "of the other kind" in told(capsys, "verify", proof, "--key", key, "--witness", key, leaves=2)
    proof.write_text("no proof")
    assert "cannot be read as a proof" in told(capsys, "verify", proof, "--key", key, leaves=2)
    proof.write_bytes(b"\xff" * 10)
    assert "cannot be read" in told(capsys, "verify", proof, "--key", key, leaves=2)
    proof.write_text(sound + "x" * 300_000)
    assert "cannot be read" in told(capsys, "verify", proof, "--key", key, leaves=2)
    assert "there is no such file" in told(capsys, "verify", folder / "nothing", "--key", key, leaves=2)


def test_verifying_needs_neither_settings_nor_django(proof: Path) -> None:
    program = "import sys; from onedoor.site import cli; cli.run(sys.argv[1:]); assert 'django' not in sys.modules"
    arguments = ("ledger", "verify", proof, "--key", str(ledger.verifier()))
    done = subprocess.run([sys.executable, "-c", program, *arguments], env={}, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"Proved: ")


def test_an_audit_needs_the_public_files_alone(capsys, folder: Path, tmp_path: Path) -> None:
    said = told(capsys, "audit", folder)
    assert "holds: 300 entries" in said
    assert "privacy.read: 300" in said
    assert "The key came from the ledger itself" in said
    state = tmp_path / "seen"
    assert "itself" not in told(capsys, "audit", folder, "--key", ledger.verifier(), "--state", state)
    grow(300)
    Publisher(folder)
    assert "its first 300 entries are those" in told(capsys, "audit", folder, "--state", state)
    assert "600" in json.loads(state.read_text())["checkpoint"]


def test_an_audit_finds_what_is_not_as_it_was(capsys, folder: Path, tmp_path: Path) -> None:
    state, before = tmp_path / "seen", {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    told(capsys, "audit", folder, "--state", state)
    for path in (Tile(0, 0).path, Tile(0, 0).bundle, Tile(1, 0, 1).path, Tile(0, 1, 44).path):
        first, *others = before[folder / path]
        (folder / path).write_bytes(bytes([first ^ 1, *others]))
        assert told(capsys, "audit", folder, leaves=1).startswith("The ledger does not hold: ")
        (folder / path).unlink()
        assert "is missing" in told(capsys, "audit", folder, leaves=1)
        (folder / path).write_bytes(before[folder / path])
    (folder / "checkpoint").write_text("nothing")
    told(capsys, "audit", folder, leaves=1)
    (folder / "checkpoint").unlink()
    assert "nothing is published there" in told(capsys, "audit", folder, leaves=2)


def test_an_audit_finds_that_a_ledger_shrank(capsys, folder: Path, tmp_path: Path) -> None:
    state = tmp_path / "seen"
    with transaction.atomic():
        point = transaction.savepoint()
        grow(5)
        Publisher(folder)
        told(capsys, "audit", folder, "--state", state)
        transaction.savepoint_rollback(point)
    other = tmp_path / "other"
    Publisher(other)
    assert "was seen before, and now it has 300" in told(capsys, "audit", other, "--state", state, leaves=1)
    grow(6)
    Publisher(other)
    assert "not those that were seen before" in told(capsys, "audit", other, "--state", state, leaves=1)
    state.write_text("{}")
    assert "what an audit keeps" in told(capsys, "audit", other, "--state", state, leaves=2)


def test_what_was_kept_of_another_ledger_is_no_fault_of_this_one(capsys, folder: Path, tmp_path: Path) -> None:
    state, checkpoint = tmp_path / "seen", folder / "checkpoint"
    told(capsys, "audit", folder, "--state", state)
    checkpoint.write_text(f"another/ledger\n{checkpoint.read_text().partition(chr(10))[2]}")
    assert "was kept for another ledger" in told(capsys, "audit", folder, "--state", state, leaves=2)


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address(folder: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(folder))) as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_audit_over_http_keeps_to_its_limits(capsys, address: str, folder: Path) -> None:
    assert "holds: 300 entries" in told(capsys, "audit", address + "/")
    (folder / Tile(0, 0).path).write_bytes(bytes(9000))
    assert "it has more than 8192 bytes" in told(capsys, "audit", address, leaves=2)
    assert "cannot be read" in told(capsys, "audit", "http://127.0.0.1:1", leaves=2)
    assert "no such folder" in told(capsys, "audit", folder / "nowhere", leaves=2)


def test_a_system_writes_the_proof_of_its_own_entry(
    capsys, monkeypatch: pytest.MonkeyPatch, folder: Path, tmp_path: Path
) -> None:
    monkeypatch.setattr(published, "folder_in", lambda state: folder)
    monkeypatch.setattr("onedoor.site.commands.ledger.settings_of", lambda *roles: None)
    entry, out = str(ledger.leaves(3, 4)[0].id), tmp_path / "out"
    assert str(ledger.verifier()) in told(capsys, "prove", entry, "--out", out)
    assert "position 3 among" in told(capsys, "verify", out, "--key", folder / "key")
    for wrong in ("nonsense", "00000000-0000-0000-0000-000000000000"):
        assert "has no entry" in told(capsys, "prove", wrong, leaves=2)
    (late,) = grow(1)
    assert "not under a published checkpoint yet" in told(capsys, "prove", late, leaves=2)


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[None]:
    """Make the commands for one's own ledger speak of that of the test, with what was entered at hand."""

    def entered(entry: str) -> Iterator[tuple[str, bytes]]:
        yield from ((str(one.id), DETAILS) for one in ledger.leaves(0, 999) if entry in ("", str(one.id)))

    monkeypatch.setattr(published, "folder_in", lambda state: folder)
    monkeypatch.setattr("onedoor.site.commands.ledger.settings_of", lambda *roles: None)
    monkeypatch.setattr(details, "_kinds", {"privacy.read": entered})
    return


@pytest.mark.usefixtures("own")
def test_what_was_entered_is_given_with_its_proof_to_who_may_have_it(capsys, folder: Path, tmp_path: Path) -> None:
    entry, out, kept = ledger.leaves(9, 10)[0].id, tmp_path / "out", tmp_path / "details"
    told(capsys, "prove", entry, "--out", out, "--details", kept)
    assert (kept.read_bytes(), kept.stat().st_mode & 0o777) == (DETAILS, 0o600)
    assert "to the last sign" in told(capsys, "verify", out, "--key", folder / "key", "--details", kept)


@pytest.mark.usefixtures("own")
def test_a_check_names_what_was_altered_by_ids_alone(capsys, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(capsys, "check").startswith("The ledger is sound: 300 entries, root ")
    first, second = (str(one.id) for one in ledger.leaves(0, 2))
    monkeypatch.setattr(details, "_kinds", {"privacy.read": lambda _: iter([(first, b"a person"), (second, DETAILS)])})
    said = told(capsys, "check", leaves=1)
    assert f"{first} (privacy.read, position 0): its details were altered." in said
    assert "1 were altered, 298 are missing and 0 are in no entry" in said
    assert "a person" not in said
    assert said.count("\n") < 120
    (folder / Tile(0, 0).path).write_bytes(bytes(8192))
    assert "does not hold: tile/0/000" in told(capsys, "check", leaves=1)


@pytest.mark.usefixtures("own")
def test_a_check_finds_a_database_behind_what_was_published(capsys, folder: Path) -> None:
    with transaction.atomic():
        point = transaction.savepoint()
        grow(5)
        Publisher(folder)
        transaction.savepoint_rollback(point)
    assert "does not hold the 305 entries that were published" in told(capsys, "check", leaves=1)
