"""A sandbox of its own for each test, a stranger's backend behind it, and a browser for those marked ``browser``."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page

from sandbox import server
from tests.sandbox_phone.stranger import Stranger, serve, world
from tests.support.browser import new_context


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    """The backend, already known to a running sandbox at ``stranger.sandbox``."""
    backend = Stranger()
    http = serve(backend)
    sandbox = server.start(world(backend.url))
    backend.sandbox = sandbox.url
    yield backend
    sandbox.stop()
    http.shutdown()
    http.server_close()


@pytest.fixture
def control(stranger: Stranger) -> Callable[..., Any]:
    """Calls the control API: ``control("POST", "/users", nickname="小林")``."""

    def call(method: str, path: str, **body: Any) -> Any:
        answer = requests.request(method, f"{stranger.sandbox}/_sim{path}", json=body or None, timeout=10)
        answer.raise_for_status()
        return answer.json()

    return call


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser without a past."""
    found = new_context(browser, width=375, height=760)
    yield found
    found.close()


@pytest.fixture
def phone(context: BrowserContext, stranger: Stranger, control: Callable[..., Any]) -> Iterator[Page]:
    """The phone of 小林, open on her chats; fails the test on a script error."""
    user = control("POST", "/users", nickname="小林", phone="+8613800000001")
    context.add_cookies([{"name": "sim_user", "value": str(user["id"]), "url": stranger.sandbox}])
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "console",
        lambda line: problems.append(line.text) if line.type == "error" and "Failed to load" not in line.text else None,
    )
    page.goto(f"{stranger.sandbox}/")
    page.wait_for_selector("body[data-ready=true]")
    yield page
    assert problems == []
