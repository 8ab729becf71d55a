"""The audit of published files: what is sound passes, and whatever is changed, cut or exchanged is found."""

import random
import re
import subprocess
import sys
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from onedoor.kernel.ledger import (
    Checkpoint,
    Frontier,
    Leaf,
    LedgerError,
    ProofFile,
    Tree,
    Verifier,
    audit,
    bundle_of,
    leaf_hash,
    tiles_of,
    verify_checkpoint,
)

NAME = "onedoor/VN/GOV/G15/CIVIL-STATUS"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
LOG = Verifier(NAME, KEY.public_key())
LEAVES = [Leaf(UUID(int=number), "privacy.read", number.to_bytes(32)) for number in range(600)]
TREE = Tree()
TREE.extend(one.hash() for one in LEAVES)
Files = dict[str, bytes]


def checkpoint(size: int) -> Checkpoint:
    return Checkpoint(NAME, size, TREE.root(size))


def published(size: int, leaves: list[Leaf] = LEAVES, tree: Tree = TREE) -> Files:
    files: Files = {}
    for tile in tiles_of(size):
        nodes = range(tile.start, tile.start + tile.width)
        files[tile.path] = b"".join(tree.storage.node(8 * tile.level, number) for number in nodes)
        if tile.level == 0:
            files[tile.bundle] = bundle_of(leaves[number].content() for number in nodes)
    return files


def audited(files: Files, size: int, before: Checkpoint | None = None) -> int:
    seen = (before,) if before else ()
    return max((done for done, _ in audit(lambda path, _: files.get(path), checkpoint(size), *seen)), default=0)


@given(st.integers(0, 600), st.integers(0, 600))
def test_the_edge_of_a_tree_gives_its_root(size: int, other: int) -> None:
    edge = Frontier()
    for leaf in LEAVES[: min(size, other)]:
        edge.add(leaf.hash())
    assert edge.root() == TREE.root(min(size, other))


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 600])
def test_a_sound_ledger_passes_and_is_seen_to_have_only_grown(size: int) -> None:
    assert audited(published(size), size) == size
    for before in (0, 1, size // 2, size):
        if before <= size:
            audited(published(size), size, checkpoint(before))
            other = Checkpoint(NAME, before, bytes(32))
            with pytest.raises(LedgerError, match="not those that were seen"):
                audited(published(size), size, other)


def test_a_ledger_that_shrank_or_has_another_name_is_found() -> None:
    for before in (checkpoint(257), Checkpoint("another", 3, TREE.root(3))):
        with pytest.raises(LedgerError, match="seen before"):
            audited(published(256), 256, before)


@pytest.mark.parametrize("size", [1, 255, 256, 257, 600])
def test_a_history_that_is_whole_in_itself_is_not_the_one_that_was_signed(size: int) -> None:
    leaves = [LEAVES[0]._replace(kind="forged"), *LEAVES[1:]]
    tree = Tree()
    tree.extend(one.hash() for one in leaves)
    with pytest.raises(LedgerError, match="do not give the root that was signed"):
        audited(published(size, leaves, tree), size)


def test_a_part_that_became_whole_in_the_meantime_is_read_from_the_whole() -> None:
    files = published(300) | published(600)
    del files["tile/0/001.p/44"], files["tile/entries/001.p/44"]
    assert audited(files, 300) == 300


def test_random_changes_are_all_found() -> None:
    chance = random.Random(4)
    sound = published(600)
    for _ in range(300):
        files = dict(sound)
        path = chance.choice(sorted(files))
        change(files, path, chance)
        if files != sound:
            with pytest.raises(LedgerError):
                audited(files, 600)


def change(files: Files, path: str, chance: random.Random) -> None:
    data = bytearray(files[path])
    at = chance.randrange(len(data))
    what = chance.choice(("flip", "cut", "remove", "exchange", "add", "swap"))
    if what == "flip":
        data[at] ^= 1 << chance.randrange(8)
    elif what == "cut":
        del data[at:]
    elif what == "add":
        data.insert(at, chance.randrange(256))
    elif what == "swap":
        data[:] = data[at:] + data[:at]
    files[path] = bytes(data)
    if what == "remove":
        del files[path]
    elif what == "exchange":
        other = chance.choice(sorted(files))
        files[path], files[other] = files[other], files[path]


def proof(index: int, size: int) -> ProofFile:
    note = checkpoint(size).sign(NAME, KEY)
    return ProofFile(LEAVES[index].content(), index, tuple(TREE.inclusion(index, size)), note)


@given(st.integers(1, 600).flatmap(lambda size: st.tuples(st.integers(0, size - 1), st.just(size))))
def test_a_proof_survives_its_file_and_names_entry_and_checkpoint(case: tuple[int, int]) -> None:
    index, size = case
    text = proof(index, size).text()
    assert text.startswith("c2sp.org/tlog-proof@v1\nextra ")
    assert ProofFile.parse(text).text() == text
    assert ProofFile.parse(text).verify(LOG) == (LEAVES[index], checkpoint(size))


def test_a_proof_by_another_program_verifies() -> None:
    """Written by hand from the specification, computed here without the kernel."""
    left, right = (f"onedoor ledger entry 1\n{UUID(int=n)}\nk\n{'00' * 32}\n".encode() for n in (1, 2))
    hashes = [sha256(b"\x00" + one).digest() for one in (left, right)]
    root = sha256(b"\x01" + hashes[0] + hashes[1]).digest()
    body = f"{NAME}\n2\n{b64encode(root).decode()}\n"
    key_id = sha256(NAME.encode() + b"\n\x01" + KEY.public_key().public_bytes_raw()).digest()[:4]
    signature = b64encode(key_id + KEY.sign(body.encode())).decode()
    text = (
        f"c2sp.org/tlog-proof@v1\nextra {b64encode(right).decode()}\nindex 1\n{b64encode(hashes[0]).decode()}\n\n"
        f"{body}\n\N{EM DASH} {NAME} {signature}\n"
    )
    leaf, signed = ProofFile.parse(text).verify(LOG)
    assert (leaf.id, leaf.kind, signed.size) == (UUID(int=2), "k", 2)


def test_every_changed_sign_of_a_proof_is_found() -> None:
    text = proof(70, 600).text()
    for at in range(0, len(text), 3):
        other = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
        with pytest.raises(LedgerError):
            ProofFile.parse(other).verify(LOG)


def test_a_proof_under_another_key_name_or_without_its_witness_is_refused() -> None:
    note = checkpoint(3).sign("another", KEY)
    with pytest.raises(LedgerError, match="a checkpoint of"):
        verify_checkpoint(note, Verifier("another", KEY.public_key()))
    witness = Verifier("w", KEY.public_key(), b"\x04")
    with pytest.raises(LedgerError, match="did not cosign"):
        proof(1, 3).verify(LOG, [witness])
    with pytest.raises(LedgerError, match="nobody"):
        proof(1, 3).verify(Verifier(NAME, Ed25519PrivateKey.generate().public_key()))


def test_an_entry_that_is_not_written_as_this_ledger_writes_is_refused() -> None:
    for content in (b"", b"\xff", LEAVES[0].content()[:-1], LEAVES[0].content().upper(), b"a\nb\nc\nd\n"):
        with pytest.raises(LedgerError):
            Leaf.parse(content)
    assert leaf_hash(LEAVES[0].content()) == LEAVES[0].hash()


CHECK = Path(__file__).parents[4] / "docs" / "how-to" / "check-the-trail-yourself.md"


def test_a_program_that_imports_nothing_of_ours_sees_that_a_ledger_only_grew(tmp_path: Path) -> None:
    program = re.search(r"```python\n(.*?)```", CHECK.read_text("utf-8"), re.DOTALL)
    assert program
    assert "onedoor" not in program[1]
    (tmp_path / "grown.py").write_text(program[1])
    for path, content in published(600).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    for size in (1, 256, 300, 600):
        (tmp_path / f"seen-{size}").write_text(checkpoint(size).sign(NAME, KEY))
    (tmp_path / "another").write_text(Checkpoint(NAME, 300, TREE.root(299)).sign(NAME, KEY))

    def grown(*names: str) -> tuple[int, str]:
        command = [sys.executable, "-I", "grown.py", ".", *names]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    told = "one history: 1 entries, then 256 entries, then 300 entries, then 600 entries\n"
    assert grown("seen-1", "seen-256", "seen-300", "seen-600") == (0, told)
    assert grown("another", "seen-600") == (1, "another is of another history\n")
    assert grown("seen-1", "seen-300") == (0, "one history: 1 entries, then 300 entries\n"), "its part became whole"
    bundle = tmp_path / "tile/entries/000"
    bundle.write_bytes(bundle.read_bytes()[:-1] + b"x")
    assert grown("seen-1", "seen-600") == (1, "seen-600 is of another history\n")
