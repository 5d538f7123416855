"""Mini-program codes (小程序码) without a number limit."""

import re
from urllib.parse import quote

from flask import Response

from sandbox import picture
from sandbox.dispatch import Answer, Call, endpoint
from sandbox.errors import ApiError

SCENE = re.compile(r"[0-9a-zA-Z!#$&'()*+,/:;=?@\-._~]+")
VERSIONS = ("release", "trial", "develop")


@endpoint("/wxa/getwxacodeunlimit", kind="mp", minute=5000)
def unlimited(call: Call) -> Answer:
    """A picture that leads to a page with a ``scene`` of at most 32 characters."""
    scene = call.text("scene", refuse=40129)
    if len(scene) > 32:
        raise ApiError(40129)
    if not SCENE.fullmatch(scene):
        raise ApiError(40169)
    if "scancode_time" in scene:
        raise ApiError(85096)
    page = _page(call)
    width = call.integer("width", refuse=40097, default=430)
    if call.body.get("env_version", "release") not in VERSIONS or not 280 <= width <= 1280:
        raise ApiError(40097)
    return Response(picture.code(_stored(call, page, scene), width=width), content_type="image/png")


def _page(call: Call) -> str:
    """The page; it must be released unless ``check_path`` is false. No leading slash, no query."""
    released = call.account.pages
    page = call.text("page", refuse=41030, default=released[0] if released else "")
    checks = call.body.get("check_path", True)
    if page.startswith("/") or "?" in page:
        raise ApiError(41030)
    if checks and (page not in released or not call.account.is_released):
        raise ApiError(41030)
    return page


def _stored(call: Call, page: str, scene: str) -> str:
    """The text in the code, the same for the same page and scene; scanning it opens the page with that scene."""
    text = f"https://mp.weixin.qq.com/a/~{call.account.appid}~{quote(page, safe='')}~{quote(scene, safe='')}"
    call.world.store.run(
        "INSERT OR IGNORE INTO links VALUES (?, 'wxacode', ?, ?, ?, NULL)",
        text, call.account.appid, page, f"scene={quote(scene, safe='')}",
    )  # fmt: skip
    return text
