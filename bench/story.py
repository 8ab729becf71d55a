"""A whole birth, against as many empty views as it made requests and three bare runs of Typst and pyHanko."""

import io
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests
import typst
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import SigSeedSubFilter

from bench.measure import Ratio, compare
from bench.pages import EMPTY
from bench.stage import quiet
from onedoor.exchange.directory.layout import Layout
from onedoor.procedures import reading
from onedoor.signing.pdf import data_of, qr
from onedoor.site.story.browser import Browser
from onedoor.site.story.places import Places
from onedoor.site.story.play import SERVICE, Story

FLOOR = 4.0
REPEATS = 5
MAIN = '#let data = json(bytes(sys.inputs.data))\n#set text(lang: "vi")\n#include "/{template}"\n'


@dataclass(frozen=True, slots=True)
class Bare:
    """One document made by nothing but Typst and pyHanko: its template, its data, who signs."""

    nation: Path
    template: str
    data: Mapping[str, Any]
    signer: signers.SimpleSigner

    def run(self) -> bytes:
        """Make and sign the document once, with an id of its own."""
        data = {**self.data, "id": str(uuid4()), "case": uuid4().hex[:12]}
        inputs = {"data": json.dumps(data, ensure_ascii=False), "files": "[]", "lang": "vi", "qr": qr(data["id"])}
        made = typst.compile(  # type: ignore[call-overload] # its stub wants text and folder of one type
            MAIN.format(template=self.template).encode(),
            root=self.nation,
            font_paths=typst.Fonts(include_system_fonts=False, font_paths=[self.nation / "templates" / "fonts"]),
            sys_inputs=inputs,
            format="pdf",
            pdf_standards=["a-3b"],
        )
        assert isinstance(made, bytes)
        meta = signers.PdfSignatureMetadata(field_name="Seal", subfilter=SigSeedSubFilter.PADES)
        signed = signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(made)), meta, self.signer)
        return bytes(signed.getvalue())


class Telling:
    """Plays stories one after the other and remembers how many requests the last one made."""

    def __init__(self, places: Places, folder: Path) -> None:
        self.places, self.folder = places, folder
        self.requests = 0
        self.results: list[Path] = []

    def play(self) -> float:
        """Play one story and return its milliseconds."""
        story = Story(self.places, self.folder, quiet)
        with counted() as sent:
            start = time.perf_counter()
            told = story.play()
            taken = 1000 * (time.perf_counter() - start)
        if not told.good:
            raise RuntimeError(f"the story is not good: {told.results}")
        self.requests = len(sent)
        self.results = [Path(result.file) for result in told.results]
        return taken


@contextmanager
def counted() -> Iterator[list[str]]:
    """Count every request that leaves, redirects too: give the list that takes their methods."""
    sent: list[str] = []
    original = requests.Session.send

    def send(self: requests.Session, request: requests.PreparedRequest, **more: Any) -> requests.Response:  # noqa: ANN401
        sent.append(str(request.method))
        return original(self, request, **more)

    requests.Session.send = send  # type: ignore[method-assign]
    try:
        yield sent
    finally:
        requests.Session.send = original  # type: ignore[method-assign]


def measure(places: Places, say: Callable[[str], None]) -> Ratio:
    """Return the ratio of a story to what it cannot do without."""
    say("story")
    telling = Telling(places, places.layout.var / "results")
    telling.play()
    bare = bares(places.layout, telling.results)
    ratio = compare(
        "story of a birth",
        telling.play,
        lambda: anchor(places, telling.requests, bare),
        floor=FLOOR,
        repeats=REPEATS,
    )
    return Ratio(**{**_fields(ratio), "note": f"{telling.requests} requests, 3 documents"})


def _fields(ratio: Ratio) -> dict[str, Any]:
    return {name: getattr(ratio, name) for name in ratio.__dataclass_fields__}


def anchor(places: Places, count: int, bare: list[Bare]) -> float:
    """Return the milliseconds of *count* empty views, by the same browser, and one run of each of *bare*."""
    servers = cycle([places.portal, *(places.desk(one.data["agency"]["id"], "").rsplit("/", 2)[0] for one in bare)])
    browser = Browser(places.language)
    start = time.perf_counter()
    for _, server in zip(range(count), servers, strict=False):
        browser.get(server + EMPTY)
    for one in bare:
        one.run()
    return 1000 * (time.perf_counter() - start)


def bares(layout: Layout, results: list[Path]) -> list[Bare]:
    """Return a bare run for each of the story's *results*: same template, same data, the same agency's key."""
    definition = next(one for one in layout.nation.documents("service") if one.data["service"] == SERVICE)
    templates = {
        key: result["template"]
        for plain in reading.versions(definition.data)
        for key, result in plain["results"].items()
    }
    return [_bare(layout, path, templates) for path in results]


def _bare(layout: Layout, path: Path, templates: Mapping[str, str]) -> Bare:
    data = data_of(path.read_bytes())
    member = layout.nation.agencies[data["agency"]["id"]].member
    seat = next(seat for seat in layout.seats() if seat.member.id == member)
    seal = seat.state / "seals" / data["agency"]["id"]
    signer = signers.SimpleSigner.load(f"{seal}.key", f"{seal}.pem")  # type: ignore[no-untyped-call]
    return Bare(layout.nation.path, templates[data["kind"]], data, signer)
