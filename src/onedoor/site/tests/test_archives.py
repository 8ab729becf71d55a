"""What goes into which archive, and that a changed or foreign one restores nothing."""

import hashlib
import hmac
import io
import json
import os
import tarfile
import time

import pytest

from onedoor.site import archives
from onedoor.site.archives import BadArchive

KEY = b"a key of the archive of the keys"


def made(var, name: str, content: bytes = b"x"):
    path = var / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "data"),
    [
        ("gateway-G15/configuration.signed", b"x", True),
        ("gateway-G15/log/00000001.log", b"x", True),
        ("gateway-G15/log.key", b"x", False),
        ("directory/sources/internal/configuration-anchor.xml", b"<a/>", True),
        ("directory/sources/internal/0123.key", b"x", False),
        ("node-G15/seals/trust.pem", b"-----BEGIN CERTIFICATE-----", True),
        ("node-G15/seals/both.pem", b"-----BEGIN PRIVATE KEY-----", False),
        ("node-G15/keys/master", b"x", False),
        ("versions/0123/services/birth.yaml", b"x", True),
        ("node-G15/a-file-of-tomorrow", b"x", False),
    ],
)
def test_what_is_not_known_to_be_harmless_counts_as_a_key(tmp_path, name, content, data):
    path = made(tmp_path, name, content)
    assert list(archives.files(tmp_path)) == [path]
    assert archives.is_data(path, tmp_path) is data


def test_what_is_made_anew_or_belongs_to_no_process_is_left_out(tmp_path):
    for name in ("node-G15/database-url", "gateway-G15/log/lock", "log/node.log", "postgres/passwords/portal",
                 "portal/ledger/published/entries.jsonl", "portal/keys/persons.sqlite-wal"):  # fmt: skip
        made(tmp_path, name)
    assert list(archives.files(tmp_path)) == []


def test_an_archive_comes_back_as_it_was_and_a_changed_one_does_not(tmp_path):
    made(tmp_path, "in/files/portal/a.pem", b"certificate")
    to = tmp_path / "out" / "data.tar.gz"
    archives.pack(tmp_path / "in", to, {"id": "7"}, KEY)
    assert to.stat().st_mode & 0o777 == 0o600
    about = archives.unpack(to, tmp_path / "back", KEY)
    assert about["id"] == "7"
    assert (tmp_path / "back" / "files/portal/a.pem").read_bytes() == b"certificate"
    whole = to.read_bytes()
    to.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadArchive, match="its end is missing"):
        archives.unpack(to, tmp_path / "half", KEY)
    with pytest.raises(BadArchive, match="there is no such file"):
        archives.manifest(tmp_path / "nothing.gz")
    to.write_bytes(b"no archive")
    with pytest.raises(BadArchive, match="it is no archive"):
        archives.manifest(to)
    with tarfile.open(to, "w:gz") as archive:
        archive.add(tmp_path / "in/files/portal/a.pem", "a.pem")
    with pytest.raises(BadArchive, match="not what a backup of onedoor holds"):
        archives.manifest(to)
    made(tmp_path, "in/files/portal/a.pem", b"forgery")
    repack(tmp_path / "in", to)
    with pytest.raises(BadArchive, match=r"a\.pem was changed"):
        archives.unpack(to, tmp_path / "changed", KEY)


def repack(folder, to):
    """Write an archive as somebody would who can write files but has no key: manifest and seal stay as they are."""
    first = [folder / archives.MANIFEST, folder / archives.SEAL]
    with tarfile.open(to, "w:gz") as archive:
        for path in (*first, *sorted(one for one in folder.rglob("*") if one.is_file() and one not in first)):
            archive.add(path, str(path.relative_to(folder)))


@pytest.mark.parametrize("key", [b"", b"another key of thirty-two bytes."])
def test_digests_that_fit_count_for_nothing_without_the_key(tmp_path, key):
    to = tmp_path / "data.tar.gz"
    made(tmp_path, "in/files/portal/a.pem", b"certificate")
    archives.pack(tmp_path / "in", to, {"id": "7"}, KEY)
    made(tmp_path, "in/files/portal/a.pem", b"forgery")
    archives.pack(tmp_path / "in", to, {"id": "7"}, key)
    with pytest.raises(BadArchive, match=r"manifest\.json was changed"):
        archives.unpack(to, tmp_path / "back", KEY)
    assert not (tmp_path / "back").exists()
    assert archives.unpack(to, tmp_path / "back", None)["id"] == "7"


@pytest.mark.parametrize("link", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_a_link_in_the_place_of_a_file_is_refused(tmp_path, link):
    made(tmp_path, "in/files/portal/a.pem", b"certificate")
    archives.pack(tmp_path / "in", tmp_path / "whole", {"id": "7"}, KEY)
    with tarfile.open(tmp_path / "whole") as whole, tarfile.open(tmp_path / "changed", "w:gz") as changed:
        for member in whole:
            if member.name.endswith(".pem"):
                member.type, member.linkname, member.size = link, archives.MANIFEST, 0
            changed.addfile(member, whole.extractfile(member) if member.size else None)
    with pytest.raises(BadArchive, match=r"a\.pem was changed"):
        archives.unpack(tmp_path / "changed", tmp_path / "back", KEY)


def test_nothing_comes_back_that_the_archive_does_not_answer_for(tmp_path):
    made(tmp_path, "in/files/portal/a.pem", b"certificate")
    to = tmp_path / "data.tar.gz"
    archives.pack(tmp_path / "in", to, {"id": "7"}, KEY)
    made(tmp_path, "in/files/portal/planted.pem", b"forgery")
    repack(tmp_path / "in", to)
    with pytest.raises(BadArchive, match=r"planted\.pem was changed"):
        archives.unpack(to, tmp_path / "planted", KEY)


@pytest.mark.parametrize("database", ["../portal", "postgres", "node_g15/../x", ""])
def test_a_database_of_no_system_is_refused(tmp_path, database):
    made(tmp_path, "in/files/portal/a.pem")
    to = tmp_path / "data.tar.gz"
    archives.pack(tmp_path / "in", to, {"id": "7", "databases": ["portal", "node_g15", database]})
    with pytest.raises(BadArchive, match="was changed"):
        archives.unpack(to, tmp_path / "back")


def sealed(to, name: str, said: bytes, body: bytes, **headers: str) -> None:
    """Write an archive as who has the key could, of one file with *headers* that is *said* to hold that."""
    written = json.dumps({"format": archives.FORMAT, "digests": {name: hashlib.sha256(said).hexdigest()}}).encode()
    seal = hmac.new(KEY, written, "sha256").hexdigest().encode()
    with tarfile.open(to, "w:gz") as archive:
        for called, content in ((archives.MANIFEST, written), (archives.SEAL, seal), (name, body)):
            member = tarfile.TarInfo(called)
            member.size = len(content)
            member.pax_headers = headers if called == name else {}
            archive.addfile(member, io.BytesIO(content))


@pytest.mark.parametrize("name", ["../outside.pem", "/tmp/outside-of-onedoor.pem"])
def test_a_file_that_would_leave_its_folder_is_refused_though_it_is_sealed(tmp_path, name):
    sealed(tmp_path / "data.tar.gz", name, b"planted", b"planted")
    with pytest.raises(BadArchive, match="not what a backup of onedoor holds"):
        archives.unpack(tmp_path / "data.tar.gz", tmp_path / "back", KEY)
    assert not (tmp_path / "back" / name).exists()


def test_a_private_file_comes_back_private(tmp_path):
    made(tmp_path, "in/files/portal/a.pem", b"certificate").chmod(0o600)
    archives.pack(tmp_path / "in", tmp_path / "data.tar.gz", {"id": "7"})
    archives.unpack(tmp_path / "data.tar.gz", tmp_path / "back")
    assert (tmp_path / "back" / "files/portal/a.pem").stat().st_mode & 0o777 == 0o600


def test_a_file_with_holes_fills_no_disk(tmp_path):
    size = 1 << 24
    sparse = {"GNU.sparse.map": "0,1", "GNU.sparse.size": str(size)}
    sealed(tmp_path / "data.tar.gz", "files/portal/a.pem", b"x" + bytes(size - 1), b"x", **sparse)
    with pytest.raises(BadArchive, match="was changed"):
        archives.unpack(tmp_path / "data.tar.gz", tmp_path / "back", KEY)
    assert not list(tmp_path.glob("back/**/*.pem"))


def test_a_file_larger_than_the_manifest_says_fills_no_disk(tmp_path):
    made(tmp_path, "in/files/portal/a.pem", b"certificate")
    to = tmp_path / "data.tar.gz"
    archives.pack(tmp_path / "in", to, {"id": "7"}, KEY)
    with tarfile.open(to) as archive:
        packed = [(one, archive.extractfile(one).read()) for one in archive]
    with tarfile.open(to, "w:gz") as archive:
        for member, content in packed:
            written = bytes(1 << 24) if member.name.endswith(".pem") else content
            member.size = len(written)
            archive.addfile(member, io.BytesIO(written))
    with pytest.raises(BadArchive, match=r"a\.pem was changed"):
        archives.unpack(to, tmp_path / "back", KEY)
    assert not list(tmp_path.glob("back/**/*.pem"))


@pytest.mark.parametrize(("written", "told"), [(1_700_000_000, 1_700_000_000), (9_999_999_999, None)])
def test_a_file_comes_back_as_old_as_it_was_and_none_from_the_future(tmp_path, written, told):
    before = time.time()
    os.utime(made(tmp_path, "in/files/gateway-G15/operations-1-0.gz"), (written, written))
    archives.pack(tmp_path / "in", tmp_path / "data.tar.gz", {"id": "7"})
    archives.unpack(tmp_path / "data.tar.gz", tmp_path / "back")
    moment = (tmp_path / "back/files/gateway-G15/operations-1-0.gz").stat().st_mtime
    assert moment == told or (told is None and before - 1 <= moment <= time.time())


def test_damaged_bytes_are_a_sentence(tmp_path):
    made(tmp_path, "in/files/portal/a.pem", bytes(range(256)) * 400)
    to = tmp_path / "data.tar.gz"
    archives.pack(tmp_path / "in", to, {"id": "7"})
    whole = bytearray(to.read_bytes())
    for at in range(40, len(whole), 7):
        whole[at] ^= 0x55
    to.write_bytes(bytes(whole))
    with pytest.raises(BadArchive):
        archives.unpack(to, tmp_path / "back")
