"""The phone over HTTP: its files, its policy, the list of codes."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

import requests

from tests.sandbox_phone.stranger import OA, Stranger

NAMED_BY_PAGE = re.compile(r'(?:src|href)="([^"]+)"')
NAMED_BY_SCRIPT = re.compile(r'^import .* from "([^"]+)";$', re.MULTILINE)


def _reachable(page: str) -> dict[str, requests.Response]:
    """The page and every file it loads, found by following its references."""
    found: dict[str, requests.Response] = {}
    waiting = [page]
    while waiting:
        url = waiting.pop()
        if url in found:
            continue
        found[url] = requests.get(url, timeout=5)
        named_by = NAMED_BY_PAGE if url == page else NAMED_BY_SCRIPT
        waiting += [urljoin(url, name) for name in named_by.findall(found[url].text)]
    return found


class TestFiles:
    def test_everything_the_page_names_is_served_by_the_sandbox_itself(self, stranger: Stranger) -> None:
        files = _reachable(f"{stranger.sandbox}/")

        assert all(url.startswith(stranger.sandbox) for url in files)
        assert {answer.status_code for answer in files.values()} == {200}
        assert any(url.endswith("/js/mp/check-in.js") for url in files)

    def test_no_script_or_style_stands_inside_the_page(self, stranger: Stranger) -> None:
        page = requests.get(f"{stranger.sandbox}/", timeout=5)

        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", page.text)
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]
        assert "unsafe" not in page.headers["Content-Security-Policy"]

    def test_pages_of_any_origin_may_load_the_sdk(self, stranger: Stranger) -> None:
        script = requests.get(f"{stranger.sandbox}/jssdk.js", timeout=5)

        assert script.headers["Content-Type"].startswith("text/javascript")
        assert script.headers["Access-Control-Allow-Origin"] == "*"


class TestCodes:
    def test_a_code_made_by_the_platform_call_is_listed_with_its_scene(self, stranger: Stranger) -> None:
        made = _make_code(stranger, scene="store-001", seconds=60)

        listed = requests.get(f"{stranger.sandbox}/phone/codes", timeout=5).json()["items"]

        assert [(one["appid"], one["scene"], one["ticket"], one["url"], one["is_expired"]) for one in listed] == [
            (OA, "store-001", made["ticket"], made["url"], False)
        ]

    def test_a_code_past_its_time_is_marked_expired(self, stranger: Stranger, control: Callable[..., Any]) -> None:
        _make_code(stranger, scene="store-001", seconds=60)

        control("POST", "/clock", advance_seconds=61)

        assert requests.get(f"{stranger.sandbox}/phone/codes", timeout=5).json()["items"][0]["is_expired"] is True


def _make_code(stranger: Stranger, *, scene: str, seconds: int) -> dict[str, Any]:
    body = {"action_name": "QR_STR_SCENE", "expire_seconds": seconds, "action_info": {"scene": {"scene_str": scene}}}
    return stranger.call("/cgi-bin/qrcode/create", body)
