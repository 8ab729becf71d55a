"""Draw story.png from the pages of a running nation: `make run`, then `.venv/bin/python docs/images/make.py`."""

import argparse
import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).parent
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
QUIET = ("no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking")
NEXT = "main .actions button >> nth=0"
APPLY = "services/vn.birth-linked/apply"
WIDTH, HEIGHT = 420, 1040
MOST = 300 * 1024
FRAME = """<!doctype html><meta charset="utf-8"><style>
body{margin:0;padding:28px;width:max-content;background:#0b3d3a;display:flex;gap:24px}
img{display:block;width:%dpx;height:%dpx;background:#fff;border-radius:14px;
border-top:4px solid #da251d;padding-top:20px}
</style>%s"""


def main() -> None:
    """Take the three pages and put them side by side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--portal", default="http://localhost:8000")
    parser.add_argument("--language", default="en")
    given = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[f"--{name}" for name in QUIET])
        page = signed_in(browser, f"{given.portal}/{given.language}")
        with drafted(page, f"{given.portal}/{given.language}"):
            shots = [shot(page)]
        page.goto(f"{given.portal}/{given.language}/cases/")
        page.click("main .reads li:has(.tag--ok) h3 a >> nth=0")
        shots.append(shot(page))
        page.goto(f"{page.url.rstrip('/')}/reads")
        shots.append(shot(page))
        picture = side_by_side(browser, shots)
        browser.close()
    if len(picture) > MOST:
        raise SystemExit(f"The picture has {len(picture)} bytes, more than {MOST}.")
    (HERE / "story.png").write_bytes(picture)


def signed_in(browser: Browser, site: str) -> Page:
    """Return a page of the mother's, on a phone."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    page.goto(f"{site}/sign-in")
    page.check("input[value=mother]")
    page.click("main button[type=submit]")
    return page


@contextmanager
def drafted(page: Page, site: str) -> Iterator[None]:
    """Open the page of the child's name in a new draft, and throw the draft away afterwards."""
    throw_away(page, site)
    page.goto(f"{site}/{APPLY}")
    page.click(NEXT)
    page.check("input[value=mother]")
    page.click(NEXT)
    if page.locator("input[name=notice]").count():
        page.check("input[name=notice] >> nth=0")
        page.fill("input[name=child_name]", "Lê Trần An Nhiên")
        page.click(NEXT)
        page.goto(f"{site}/{APPLY}/child")
    page.fill("input[name=child_name]", "Lê Trần An Nhiên")
    yield
    throw_away(page, site)


def throw_away(page: Page, site: str) -> None:
    """Delete the mother's draft, if she has one."""
    page.goto(f"{site}/{APPLY}/saved")
    if page.locator("main details").count():
        page.click("main details summary")
        page.click("main details button[type=submit]")


def shot(page: Page) -> bytes:
    """Return the page from its heading on, one screen high."""
    page.evaluate("document.activeElement.blur()")
    top = page.evaluate("document.querySelector('main h1').getBoundingClientRect().top + scrollY - 4")
    return page.screenshot(full_page=True, clip={"x": 0, "y": top, "width": WIDTH, "height": HEIGHT})


def side_by_side(browser: Browser, shots: list[bytes]) -> bytes:
    """Return one picture of all *shots*."""
    images = "".join(f'<img src="data:image/png;base64,{base64.b64encode(one).decode()}">' for one in shots)
    page = browser.new_page(viewport={"width": len(shots) * (WIDTH + 24) + 32, "height": HEIGHT + 60})
    page.set_content(FRAME % (WIDTH, HEIGHT, images))
    return page.screenshot(full_page=True)


if __name__ == "__main__":
    main()
