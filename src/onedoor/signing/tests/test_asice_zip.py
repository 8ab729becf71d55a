"""What strangers may do to a container's ZIP file: each is refused within limits of time and memory."""

import io
import random
import struct
import tracemalloc
import warnings
import zipfile
import zlib

import pytest

from onedoor.signing.asice import container as reading
from onedoor.signing.asice import integrity
from onedoor.signing.asice.findings import Reason, Why
from onedoor.signing.tests.attacked import findings, reasons, whys
from onedoor.signing.tests.containers import SIGNATURES, container, zipped


def raw(entries: list[tuple[str, bytes]]) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w") as archive:
        warnings.simplefilter("ignore")
        for name, data in entries:
            archive.writestr(name, data)
    return file.getvalue()


def test_two_entries_of_one_name_are_refused():
    entries = [*container().items()]
    assert whys(raw([*entries, ("message.xml", b"other")])) == {Why.TWICE}
    assert whys(zipped(dict(entries) | {"Message.XML": b"other"})) == {Why.TWICE}


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/passwd", "a\\b", "META-INF/../x", "nested/file", "a\x1b[2J", "ệ.xml", "", ".hidden"]
)
def test_names_that_lead_elsewhere_are_refused(name):
    assert findings(zipped(container() | {name: b"x"}))[0][0] is Reason.NOT_A_CONTAINER


def test_the_folder_of_the_evidence_hides_nothing():
    assert whys(raw([*container().items(), ("META-INF/", b"hidden")])) == {Why.NAME}
    assert integrity.check(io.BytesIO(raw([*container().items(), ("META-INF/", b"")]))).verdict == "valid"


@pytest.mark.parametrize("at", ["before", "after", "between"])
def test_bytes_that_one_reader_sees_and_another_does_not_are_refused(at):
    data = zipped(container())
    start = data.index(b"PK\1\2")
    hidden = zipped({"message.xml": b"other"})
    hidden = hidden[: hidden.index(b"PK\1\2")]
    if at == "before":
        data = hidden + data
    elif at == "after":
        data += hidden
    else:
        data = bytearray(data[:start] + hidden + data[start:])
        end = data.rindex(b"PK\5\6")
        data[end + 16 : end + 20] = struct.pack("<L", start + len(hidden))
        data = bytes(data)
    assert reasons(data) == {Reason.NOT_A_CONTAINER}


@pytest.mark.parametrize(
    ("places", "by", "why"),
    [
        ((4,), 1, Why.AFTER_END),
        ((6,), 1, Why.AFTER_END),
        ((8,), -1, Why.AFTER_END),
        ((8, 10), -1, Why.DIRECTORY),
        ((16,), -1, Why.DIRECTORY),
    ],
    ids=["disk", "first disk", "entries here", "entries", "start"],
)
def test_what_the_end_says_of_the_directory_must_be_so(places, by, why):
    data = bytearray(zipped(container()))
    end = data.rindex(b"PK\5\6")
    for place in places:
        told = struct.unpack_from("<H", data, end + place)[0]
        struct.pack_into("<H", data, end + place, told + by)
    assert whys(bytes(data)) == {why}


@pytest.mark.parametrize(
    ("most", "why"), [("LARGEST_FILE", Why.FILE), ("_LARGEST_DIRECTORY", Why.ENTRIES), ("LARGEST_CONTENT", Why.CONTENT)]
)
def test_a_file_its_directory_and_its_content_have_a_largest_size(monkeypatch, most, why):
    monkeypatch.setattr(reading, most, 10)
    assert findings(zipped(container())) == [(Reason.TOO_LARGE, why)]


def test_of_a_file_without_an_end_only_so_much_is_read():
    asked = []

    class Endless(io.BytesIO):
        def read(self, size=-1):
            asked.append(size)
            return bytes(max(size, 0))

    assert [one.reason for one in integrity.check(Endless()).findings] == [Reason.NOT_A_CONTAINER]
    assert len(asked) == 1
    assert 0 < asked[0] < 1 << 20


def test_bytes_after_the_end_of_a_packed_stream_are_refused():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        info = zipfile.ZipInfo("attachment1")
        info.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(info, b"body")
    data = bytearray(file.getvalue())
    packed = struct.unpack_from("<L", data, 18)[0]
    data[30 + 11 + packed : 30 + 11 + packed] = b"hidden"
    central = data.index(b"PK\1\2")
    for place in (18, central + 20):
        struct.pack_into("<L", data, place, packed + 6)
    struct.pack_into("<L", data, data.rindex(b"PK\5\6") + 16, central)
    assert whys(bytes(data)) == {Why.HIDDEN}


@pytest.mark.parametrize(("place", "value"), [(8, 99), (6, 1), (14, 7), (22, 7), (30, ord("x"))])
def test_what_is_said_of_an_entry_in_two_places_must_agree(place, value):
    data = bytearray(zipped(container()))
    data[place] = value
    assert whys(bytes(data)) <= {Why.TWO_ACCOUNTS, Why.DAMAGED}


def said_of_the_last(data: bytes, place: int, form: str, *values: int) -> bytes:
    """Return *data* with *values* said of its last entry in both places, at *place* of its own head."""
    changed = bytearray(data)
    for head, after in ((b"PK\3\4", 0), (b"PK\1\2", 2)):
        struct.pack_into(form, changed, data.rindex(head) + place + after, *values)
    return bytes(changed)


@pytest.mark.parametrize(("place", "value"), [(6, 1), (6, 0x40), (8, 12), (8, 9)])
def test_an_entry_that_other_readers_would_unpack_otherwise_is_refused(place, value):
    assert whys(said_of_the_last(zipped(container()), place, "<H", value)) == {Why.TWO_ACCOUNTS}


def test_a_packed_stream_has_an_end():
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = stream.compress(b"body") + stream.flush(zlib.Z_SYNC_FLUSH)
    data = said_of_the_last(raw([*container().items(), ("attachment2", packed)]), 8, "<H", zipfile.ZIP_DEFLATED)
    assert whys(said_of_the_last(data, 14, "<LLL", zlib.crc32(b"body"), len(packed), 4)) == {Why.DAMAGED}


def test_what_one_place_alone_says_of_how_an_entry_is_written_is_refused():
    data = bytearray(zipped(container()))
    data[7] ^= 0x08  # that its name is UTF-8
    assert whys(bytes(data)) == {Why.TWO_ACCOUNTS}


def test_bytes_before_the_first_entry_that_the_directory_counts_with_are_refused():
    file = io.BytesIO(b"other")
    file.seek(0, 2)
    with zipfile.ZipFile(file, "a") as archive:
        for name, data in container().items():
            archive.writestr(zipfile.ZipInfo(name), data)
    assert whys(file.getvalue()) == {Why.BEFORE_START}


def test_an_entry_that_reaches_over_the_next_one_is_refused():
    data = raw([*container().items(), ("attachment2", b"over"), ("attachment3", b"under")])
    last, end = data.rindex(b"PK\3\4"), data.index(b"PK\1\2")
    start = last - len(b"over")
    whole = (zlib.crc32(data[start:end]), end - start, end - start)
    changed, name = bytearray(data), b"attachment2"
    struct.pack_into("<LLL", changed, start - len(name) - 16, *whole)
    struct.pack_into("<LLL", changed, data.rindex(name) - 46 + 16, *whole)
    assert whys(bytes(changed)) == {Why.OVERLAP}


def test_entries_that_lie_over_each_other_are_refused():
    data = bytearray(zipped(container()))
    central = [at for at in range(len(data)) if data[at : at + 4] == b"PK\1\2"]
    struct.pack_into("<L", data, central[2] + 42, 0)
    assert reasons(bytes(data)) == {Reason.NOT_A_CONTAINER}


def test_a_bomb_of_many_entries_is_refused():
    many = {f"a{number}": b"" for number in range(reading.MOST_ENTRIES + 1)}
    assert findings(zipped(many)) == [(Reason.TOO_LARGE, Why.ENTRIES)]


def test_a_bomb_of_zeros_is_refused_before_it_is_unpacked():
    assert findings(zipped(container() | {"attachment2": bytes(64 << 20)})) == [(Reason.TOO_LARGE, Why.CONTENT)]
    assert (
        integrity.check(io.BytesIO(zipped(container(attachments={"attachment1": bytes(1 << 20)})))).verdict == "valid"
    )


def test_a_bomb_that_lies_about_its_size_is_stopped_where_it_lies(monkeypatch):
    data = bytearray(zipped({"attachment1": bytes(24 << 20)}))
    for place in (22, data.index(b"PK\1\2") + 24):
        struct.pack_into("<L", data, place, 10)
    unpacked = []
    monkeypatch.setattr(zlib, "crc32", lambda chunk, _: unpacked.append(len(chunk)) or 1)
    assert findings(bytes(data)) == [(Reason.NOT_A_CONTAINER, Why.DAMAGED)]
    assert sum(unpacked) < 1 << 20


def test_a_container_inside_a_container_is_only_an_attachment():
    inner = zipped({"message.xml": b"x", "bomb": bytes(10 << 20)})
    assert integrity.check(io.BytesIO(zipped(container(attachments={"attachment1": inner})))).verdict == "valid"


def test_a_large_attachment_is_checked_in_constant_memory():
    body = random.Random(1).randbytes(12 << 20)
    data = zipped(container(attachments={"attachment1": body}), zipfile.ZIP_STORED)
    file = io.BytesIO(data)
    tracemalloc.start()
    found = integrity.check(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.verdict == "valid"
    assert peak < 4 << 20


def test_a_part_that_is_interpreted_has_a_largest_size():
    for entry in (SIGNATURES, "ts-hashchain.xml", "META-INF/timestamp.tst"):
        padded = container() | {entry: b" " * (reading.LARGEST_PART + 1)}
        assert (Reason.TOO_LARGE, Why.PART) in findings(zipped(padded, zipfile.ZIP_STORED))
    message = b"A" * (reading.LARGEST_MESSAGE + 1)
    assert (Reason.TOO_LARGE, Why.PART) in findings(zipped(container(message=message), zipfile.ZIP_STORED))
