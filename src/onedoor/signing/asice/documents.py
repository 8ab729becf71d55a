"""XML from strangers, read without entities, document types, comments or network, and within limits."""

import base64
import binascii
import re

from lxml import etree

from onedoor.signing.asice.findings import Broken, Reason, Why

MOST_TAGS = 50_000
"""Tags of a signature's document or a hash chain; the largest that is written here has some thousands."""
MOST_TAGS_OF_A_MESSAGE = 1_000_000
MOST_AT_A_TAG = 32
"""Attributes of a tag, and namespaces in force at it: to canonicalise takes time in the square of either."""
_WELL_FORMED = re.compile(rb"(?:\xef\xbb\xbf)?(?>\s+|<\?(?>.*?\?>)|<!--(?>.*?-->))*+<[A-Za-z_]", re.DOTALL)
_OTHER_ENCODING = re.compile(rb"^<\?xml[^>]*encoding\s*=\s*[\"'](?!utf-8[\"'])", re.IGNORECASE)
_SPACE = re.compile(r"[ \t\r\n]+")
_IDS = ("Id", "ID", "id")


def parse(data: bytes, entry: str) -> etree._Element:
    """Return the root of a signature's document: no comments, no processing instructions, every id once."""
    root = _root(data, entry, MOST_TAGS, keep_comments=True)
    if _crowded(root):
        raise Broken(Reason.TOO_LARGE, why=Why.PART)
    ids = []
    for node in root.iter():
        if not isinstance(node.tag, str):
            raise _refused(entry, Why.COMMENTS)
        if any(str(name).startswith("{http://www.w3.org/XML/1998/namespace}") for name in node.attrib):
            raise _refused(entry, Why.XML_ATTRIBUTES)
        ids += [value for name in _IDS if (value := node.get(name)) is not None]
    if len(ids) != len(set(ids)):
        raise _refused(entry, Why.ID_TWICE)
    if root.getprevious() is not None or root.getnext() is not None:
        raise _refused(entry, Why.COMMENTS)
    return root


def parse_message(data: bytes, entry: str) -> etree._Element:
    """Return the root of a message's document; comments and instructions are left out."""
    return _root(data, entry, MOST_TAGS_OF_A_MESSAGE, keep_comments=False)


def children(parent: etree._Element, entry: str, *tags: str) -> list[etree._Element]:
    """Return the children of *parent*, all of which have one of *tags*."""
    found = list(parent)
    if any(child.tag not in tags for child in found):
        raise _refused(entry, Why.STRANGE_ELEMENT)
    return found


def only(parent: etree._Element, tag: str, entry: str) -> etree._Element:
    """Return the one child of *parent* with *tag*."""
    found = [child for child in parent if child.tag == tag]
    if len(found) != 1:
        raise _refused(entry, Why.NOT_ONCE)
    return found[0]


def text(element: etree._Element, entry: str) -> str:
    """Return the text of an element without children, spaces at its ends left out."""
    if len(element):
        raise _refused(entry, Why.STRANGE_ELEMENT)
    return (element.text or "").strip()


def binary(element: etree._Element, entry: str) -> bytes:
    """Return the octets that an element's text spells in base64."""
    try:
        return base64.b64decode(_SPACE.sub("", text(element, entry)), validate=True)
    except (binascii.Error, ValueError):
        raise _refused(entry, Why.NOT_BASE64) from None


def attribute(element: etree._Element, name: str, entry: str) -> str:
    """Return an attribute that must be there."""
    value = element.get(name)
    if value is None:
        raise _refused(entry, Why.NO_ATTRIBUTE)
    return value


def _root(data: bytes, entry: str, most: int, *, keep_comments: bool) -> etree._Element:
    if data.count(b"<") > most:
        raise Broken(Reason.TOO_LARGE, why=Why.PART)
    if b"\0" in data or _OTHER_ENCODING.match(data):
        raise _refused(entry, Why.NOT_UTF8)
    if not _WELL_FORMED.match(data):  # a document type would stand here: nothing it declares is ever looked at
        raise _refused(entry, Why.DOCTYPE)
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=not keep_comments,
        remove_comments=not keep_comments,
        remove_pis=not keep_comments,
    )
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise _refused(entry, Why.NOT_XML) from None


def _crowded(root: etree._Element) -> bool:
    """Return whether a tag has more attributes, or more namespaces in force, than is canonicalised in good time."""
    in_force = 0
    for event, found in etree.iterwalk(root, events=("start", "start-ns", "end-ns")):
        if event != "start":
            in_force += 1 if event == "start-ns" else -1
        if in_force > MOST_AT_A_TAG or (event == "start" and len(found.attrib) > MOST_AT_A_TAG):
            return True
    return False


def _refused(entry: str, why: Why) -> Broken:
    return Broken(Reason.BAD_XML, entry=entry, why=why)
