"""No byte of a container changes unseen: it changes the verdict, or means nothing to what is told of the message."""

import io
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from onedoor.signing.asice import integrity
from onedoor.signing.tests.containers import container, zipped

PARTS = ("META-INF/signatures.xml", "META-INF/timestamp.tst", "ts-hashchain.xml")

VECTORS = sorted((Path(__file__).parents[4] / "tests" / "vectors" / "xroad" / "asice").glob("*.asice"))
OURS = {"plain": {"stamp_chain": False}, "classic": {"classic": True, "chain": True}}
FILES = {**{path.stem: path.read_bytes() for path in VECTORS}, **{n: zipped(container(**p)) for n, p in OURS.items()}}


def told(data: bytes) -> tuple[object, ...]:
    """Return the verdict on *data* and, when it is valid, everything that is interpreted."""
    found = integrity.check(io.BytesIO(data))
    if found.verdict != "valid":
        return (found.verdict,)
    read, stamped = found.signature, found.time_stamp
    assert read is not None
    assert stamped is not None
    signed = (read.references, read.signed_at, read.value, read.certificate)
    # Who a responder's certificate comes from is asked by whoever trusts it, so the copy that came along may change.
    responses = {replace(one, carried=()) for one in found.responses}
    return found.verdict, sorted(found.entries), found.message, signed, stamped, responses


def flips(name: str, seed: int, count: int) -> None:
    data, generator = FILES[name], random.Random(seed)
    honest = told(data)
    for _ in range(count):
        changed = bytearray(data)
        changed[generator.randrange(len(data))] ^= 1 << generator.randrange(8)
        assert told(bytes(changed)) in ([honest] if honest[0] == "valid" else []) + [("invalid",)]


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_changes_the_verdict_or_nothing_that_is_told(name):
    flips(name, seed=1, count=250)


@pytest.mark.soak
@pytest.mark.parametrize("name", FILES)
def test_every_flipped_bit_changes_the_verdict_or_nothing_that_is_told(name):
    flips(name, seed=2, count=50_000)


@pytest.mark.parametrize("entry", ["META-INF/signatures.xml", "META-INF/timestamp.tst", "sig-hashchain.xml"])
def test_a_flipped_bit_inside_an_entry_does_no_more(entry):
    """Inside the entries, where a checksum does not already refuse it."""
    entries, generator = container(chain=True), random.Random(3)
    honest = told(zipped(entries))
    for _ in range(80):
        changed = bytearray(entries[entry])
        changed[generator.randrange(len(changed))] ^= 1 << generator.randrange(8)
        assert told(zipped(entries | {entry: bytes(changed)})) in (honest, ("invalid",))


def rearranged(text: bytes, generator: random.Random) -> bytes:
    """Return an XML document with one element dropped, doubled, moved, renamed, emptied or given another's words."""
    root = etree.fromstring(text)
    one, other = (generator.choice(list(root.iter())) for _ in range(2))
    parent, act = one.getparent(), generator.randrange(7)
    if act == 0 and parent is not None:
        parent.remove(one)
    elif act == 1:
        other.append(etree.fromstring(etree.tostring(one)))
    elif act == 2 and parent is not None and one not in list(other.iterancestors()) and one is not other:
        other.append(one)
    elif act == 3:
        one.tag = other.tag
    elif act == 4:
        one.text = other.text
    elif act == 5 and one.attrib:
        one.set(generator.choice(list(one.attrib)), generator.choice([*other.attrib.values(), "", "#", "/", "\u9f8d"]))
    else:
        one.clear()
    return etree.tostring(root)


@pytest.mark.parametrize("plan", OURS)
def test_a_signature_with_parts_rearranged_is_refused_or_means_the_same(plan):
    entries, generator = container(**OURS[plan]), random.Random(4)
    honest = told(zipped(entries))
    for _ in range(80):
        entry = generator.choice([name for name in entries if "hashchain" in name or "signatures" in name])
        found = told(zipped(entries | {entry: rearranged(entries[entry], generator)}))
        # Statements on the certificate (OCSP) are not signed with the message; whoever trusts it asks for them.
        assert found == ("invalid",) or (found[:-1] == honest[:-1] and found[-1] <= honest[-1])


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_no_container(data):
    assert told(data) == ("invalid",)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PARTS), st.binary(max_size=300))
def test_arbitrary_bytes_are_no_part_of_one(entry, data):
    assert told(zipped(container_once() | {entry: data})) == ("invalid",)


def container_once(kept: dict[str, bytes] = {}) -> dict[str, bytes]:  # noqa: B006
    if not kept:
        kept |= container()
    return kept


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 1 << 30), st.integers(0, 40), st.binary(max_size=30))
def test_pieces_cut_out_and_put_in_do_no_harm(place, length, piece):
    data = FILES["asic-verifier-cli_valid-batch-ts"]
    at = place % len(data)
    assert told(data[:at] + piece + data[at + length :]) in (told(data), ("invalid",))
