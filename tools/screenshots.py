"""Pictures of the report and of Kedro-Viz for the README: ``docs/images/report.png`` and ``docs/images/kedro_viz.png``.

They are taken of what ``make run`` and ``make viz-site`` have left, in the Chromium that is installed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

WINDOW: ViewportSize = {"width": 1600, "height": 1000}
SITE = Path("build/viz")
PIPELINE, CHOSEN = "data_engineering", "tensors"
"""What Kedro-Viz shows, and the node that is open."""
SECTION = "Disparity"
"""The tab of the report that is open."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report", type=Path, default=Path("data/embedded/08_reporting/report.html"))
    parser.add_argument("--images", type=Path, default=Path("docs/images"))
    wanted = parser.parse_args()
    for path, remedy in ((wanted.report, "make run"), (SITE, "make viz-site")):
        if not path.exists():
            sys.exit(f"Error: {path}: not there; run {remedy} first")
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        sys.exit("Error: chromium: not on the PATH; install it with: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        picture_of_report(browser, wanted.report, wanted.images / "report.png")
        picture_of_viz(browser, wanted.images / "kedro_viz.png")


def picture_of_report(browser: Browser, report: Path, image: Path) -> None:
    page = browser.new_page(viewport=WINDOW)
    page.goto(report.absolute().as_uri())
    page.get_by_role("tab", name=SECTION).click()
    take(page, image)


def picture_of_viz(browser: Browser, image: Path) -> None:
    page = browser.new_page(viewport=WINDOW)
    page.add_init_script("localStorage.setItem('KedroViz', JSON.stringify({showFeatureHints: false}))")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=SITE)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        page.goto(f"http://127.0.0.1:{server.server_port}/?pid={PIPELINE}&sn={CHOSEN}")
        page.locator(".pipeline-metadata__preview-html").wait_for()
        # until the graph stands still
        page.wait_for_timeout(2000)
        take(page, image)
        server.shutdown()


def take(page: Page, image: Path) -> None:
    image.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=image)
    print(image)


if __name__ == "__main__":
    main()
