"""A page of headless Chromium, for tests and for the pictures of the docs."""

import contextlib
import shutil
from collections.abc import Iterator

from playwright.sync_api import Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = "needs Chromium, which is not here (Debian, Ubuntu: apt install chromium)"
OPTIONS = (
    "--no-sandbox",  # of use against strange pages; these are ours
    "--disable-gpu",
    "--disable-dev-shm-usage",
)
MILLISECONDS = 90_000  # until something is given up


def find_chromium() -> str | None:
    """The program, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextlib.contextmanager
def open_page(width: int = 1280, height: int = 820) -> Iterator[Page]:
    """Opens the one page of a browser of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=OPTIONS
        )
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(MILLISECONDS)
        yield page
        browser.close()
