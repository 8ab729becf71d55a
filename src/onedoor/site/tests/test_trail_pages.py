"""Every page by which people watch over their data and check documents: nothing for axe to find, in each language."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, cast

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.utils import translation
from playwright.sync_api import Route, sync_playwright
from tests.browser.conftest import FLAGS, PROGRAM

from onedoor.cases import service
from onedoor.cases.models import IssuedResult
from onedoor.cases.tests import conftest as cases
from onedoor.cases.tests.conftest import MOTHER, NOW, Transport, work
from onedoor.cases.tests.story import SignIn, handed_over, only
from onedoor.cases.views.issued import ComparedView
from onedoor.exchange.service import Answer, Call
from onedoor.kernel import nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.errors import OnedoorError
from onedoor.privacy.breaches import writing
from onedoor.privacy.requests import keeping
from onedoor.privacy.service import Reader
from onedoor.signing.verdict import Reason

people, lab, seals, transport, weddings, sign_in = (
    cases.people, cases.lab, cases.seals, cases.transport, cases.weddings, cases.sign_in,
)  # fmt: skip
monday, fathers_origin = cases.monday, cases.fathers_origin
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("people", "seals", "transport"),
    pytest.mark.timeout(300),
]
SITE = "http://portal.test"
ONLY_FAULTS = {"resultTypes": ["violations"]}
LINKED = re.compile(r'(?:href|src)="(/static/[^"?#]+)')
ONE_READ = re.compile(r'href="/[a-z]+/(reads/[^"/]+/[0-9a-f-]{36})"')
OWN = (
    *("reads", "reads?agency=commune-00199&since=2026-01-01&purpose=birth-registration", "reads?since=yesterday"),
    *("consents", "my-data", "my-data/held", "my-data/ask/restrict", "my-data/ask/erase"),
    *("sealed-reads", "breaches", "how-you-can-check-us"),
)
PHONE = {"width": 390, "height": 900}
Ask = Callable[[str], HttpResponse]
"""What gives a page in a language."""


def shown(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Ask]]:
    """Yield each page, by its address, after a birth that one agency has ended."""
    code = handed_over(sign_in("mother")).code
    registrar = sign_in("civil-status")
    service.accept(only(registrar), registrar)
    work()
    chair = Actor(person="c", post="commune-00199.chair", agency="commune-00199", level=2)
    started = writing.start(chair, "form-1", {"what": "A file was left open."}).code
    found = writing.find(writing.start(chair, "form-2", {}).code, chair, NOW).code
    asker = Reader("VN/GOV/G22/PORTAL", "account-1", "personal-rights", "l91-2025")
    asked = keeping.ask(keeping.Wanted(MOTHER, "restrict", "", "Please stop."), reader=asker, key="k-1").code
    visitors = {name: _signed_in(name) for name in ("mother", "chair", "chief")}
    one = ONE_READ.search(visitors["mother"].get("/vi/reads").content.decode())
    assert one
    of = {
        "mother": [*OWN, one[1], f"cases/{code}/reads"],
        "chair": ["desk/breaches/", *(f"desk/breaches/{name}" for name in (started, found, f"{found}/persons"))],
        "chief": ["desk/requests", f"desk/requests/{asked}", "desk/sealed-reads"],
    }
    for persona, paths in of.items():
        for path in paths:
            yield path, partial(_got, visitors[persona], path)
    yield from _verdicts(monkeypatch)


def _got(visitor: Client, path: str, language: str) -> HttpResponse:
    return cast("HttpResponse", visitor.get(f"/{language}/{path}"))


def _signed_in(persona: str) -> Client:
    visitor = Client()
    visitor.post("/en/sign-in", {"persona": persona})
    return visitor


def _verdicts(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Ask]]:
    """Yield the page of verification with each verdict: what a file gives, then all that a signature may be."""
    issued = IssuedResult.objects.get(kind="birth_certificate")
    path, file = f"verify/{issued.pk}", issued.content()
    real = service.compare(file, str(issued.pk), "")
    assert real.good

    def sent(content: bytes | None, told: ComparedView | None, language: str) -> HttpResponse:
        body = {} if content is None else {"file": SimpleUploadedFile("f.pdf", content)}
        with monkeypatch.context() as other:
            if told:
                other.setattr(service, "compare", lambda *_: told)
            return cast("HttpResponse", Client().post(f"/{language}/{path}", body))

    yield path, partial(_got, Client(), path)
    yield f"{path}?none", partial(sent, None, None)
    for name, content in (("same", file), ("differs", file[:-1] + b"?"), ("another", b"%PDF-1.7 of somebody else")):
        yield f"{path}?{name}", partial(sent, content, None)
    later = {"revocation": "later", "revoked_at": NOW + timedelta(days=1)}
    for name, told in _more(real, later).items():
        yield f"{path}?{name}", partial(sent, file, told)


def _more(real: ComparedView, later: Mapping[str, Any]) -> dict[str, ComparedView]:
    """Return what the page is told of signatures which the tests of signatures make: here its words are looked at."""
    reasons = tuple(reason.value for reason in Reason)
    return {
        "revoked-later": replace(real, **later),
        "revocation-unknown": replace(real, revocation="unknown", proven_at=None, proven_by=""),
        "not-ours": replace(real, verdict="not-ours", signed=False),
        "unsigned": replace(real, signed=False, reasons=reasons),
    }


@pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.soak)])
def test_no_page_of_the_trail_has_a_fault_for_axe_in_any_language(
    sign_in: SignIn, transport: Transport, monkeypatch: pytest.MonkeyPatch, *, whole: bool
) -> None:
    """Each page in one language, all languages in turn; in the long run each page in each."""

    def carry(call: Call) -> Answer | OnedoorError:
        with translation.override(translation.get_language()):  # another system answers in its own language
            return Transport.carry(transport, call)

    monkeypatch.setattr(transport, "carry", carry)
    languages = nation.current().languages
    pages = {
        f"/{language}/{path}": ask(language)
        for place, (path, ask) in enumerate(shown(sign_in, monkeypatch))
        for at, language in enumerate(languages)
        if whole or place % len(languages) == at
    }
    wrong = {name: page.status_code for name, page in pages.items() if page.status_code != 200}
    assert set(wrong.values()) <= {422}, wrong
    verdicts = {
        name for page in pages.values() for name in re.findall(r'data-verdict="([^"]+)"', page.content.decode())
    }
    assert verdicts == {"same", "differs", "not-ours", "unsigned"}
    linked = {one for page in pages.values() for one in LINKED.findall(page.content.decode())}
    files = {one: Client().get(one) for one in linked}
    contents = {one: b"".join(answer) for one, answer in files.items()}

    def serve(route: Route) -> None:
        path = route.request.url.removeprefix(SITE)
        if path in files:
            route.fulfill(headers={"Content-Type": files[path]["Content-Type"]}, body=contents[path])
        elif page := pages.get(path):
            headers = {name: value for name, value in page.items() if name != "Content-Length"}
            route.fulfill(headers=headers, body=page.content.decode())
        else:
            route.fulfill(status=404, body="")

    faults = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=list(FLAGS))
        window = browser.new_page(viewport=PHONE, reduced_motion="reduce")
        window.route("**/*", serve)
        for name in pages:
            window.goto(f"{SITE}{name}")
            assert window.locator("html").get_attribute("lang") == name.split("/")[1], name
            found = Axe().run(window, options=ONLY_FAULTS).response["violations"]
            faults += [f"{name}: {one['id']}: {one['help']}: {one['nodes'][0]['html'][:160]}" for one in found]
        browser.close()
    assert not faults, "\n".join(faults)
