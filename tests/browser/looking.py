"""A page in Debian's Chromium, what it asked for and what it complained of, and a folder behind a web server."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from playwright.sync_api import Browser, Page, Playwright

WIDE, NARROW = 1280, 390
"""Pixels: a laptop and a telephone."""
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NO_BROWSER = f"no {NAMES[0]} on the PATH; install it with: apt-get install {NAMES[0]}"
FOREIGN = re.compile(r"https?://(?!127\.0\.0\.1[:/])")
OWN = ("file:", "data:", "blob:", "about:", "http://127.0.0.1:")


def chromium(playwright: Playwright) -> Browser:
    """The browser that is installed; Playwright's own is not asked for.

    Raises:
        FileNotFoundError: There is none; says how to install it.
    """
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        raise FileNotFoundError(NO_BROWSER)
    return playwright.chromium.launch(executable_path=path, args=list(FLAGS))


@dataclass
class Looked:
    """A page and what was seen of it so far."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @property
    def left(self) -> list[str]:
        """Requests to other places than the page's own."""
        return [url for url in self.requests if not url.startswith(OWN)]

    @property
    def overflow(self) -> int:
        """Pixels by which the page is wider than the window."""
        return self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@contextmanager
def looking_at(browser: Browser, address: str, width: int = WIDE, **options: bool) -> Iterator[Looked]:
    """Open an address in a window of its own."""
    context = browser.new_context(viewport={"width": width, "height": 900}, **options)
    # seen and not answered: without a network some would be waited for
    context.route(FOREIGN, lambda route: route.abort())
    looked = Looked(context.new_page())
    looked.page.on("console", lambda said: looked.complaints.append(said.text) if said.type == "error" else None)
    looked.page.on("pageerror", lambda error: looked.complaints.append(str(error)))
    looked.page.on("request", lambda request: looked.requests.append(request.url))
    looked.page.set_default_timeout(60_000)
    try:
        looked.page.goto(address)
        yield looked
    finally:
        context.close()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing: tests tell what went wrong."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a web server of this process that serves a folder."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
