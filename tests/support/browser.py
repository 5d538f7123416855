"""One headless Chromium for all tests that need a browser, and what is written down while a page is open."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--hide-scrollbars", "--lang=zh-CN",
]  # fmt: skip
CHINESE = {"LANGUAGE": "zh_CN"}
"""Date fields and other parts that the browser draws itself are Chinese where its translations are installed."""
TIMEOUT_MS = 10_000


def chromium() -> str:
    """The path of a Chromium; without one the test is skipped, under ``CI=true`` it fails."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is not None:
        return path
    if os.environ.get("CI") == "true":
        pytest.fail("no Chromium found, and CI=true demands the browser tests")
    pytest.skip("no Chromium found (Debian: chromium, chromium-l10n and fonts-noto-cjk)")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser of this process; every test opens a context of its own in it."""
    path = chromium()
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=FLAGS, env={**os.environ, **CHINESE})
        yield found
        found.close()


def new_context(browser: Browser, *, width: int, height: int, has_script: bool = True) -> BrowserContext:
    """A browser without a past, as wide as a phone or a desk."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, locale="zh-CN", java_script_enabled=has_script
    )
    context.set_default_timeout(TIMEOUT_MS)
    return context


@dataclass
class Problems:
    """What a page should never do: script errors, console errors, requests that fail."""

    seen: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Write down whatever goes wrong on a page from now on."""
        page.on("pageerror", lambda error: self.seen.append(f"script: {error}"))
        page.on("console", self._console)
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)

    def _console(self, line: ConsoleMessage) -> None:
        if line.type in ("error", "warning"):
            self.seen.append(f"console: {line.text} ({line.location.get('url')})")

    def _failed(self, request: Request) -> None:
        # A page that is left breaks off what it was still loading.
        if request.failure != "net::ERR_ABORTED":
            self.seen.append(f"request: {request.url} {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.seen.append(f"answer: {response.status} {response.url}")
