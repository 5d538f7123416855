"""All anticipated refusals, and the page that lists them: ``python -m tests.support.error_list`` writes it anew."""

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import jobs
import loyalty
import miniprogram_api
import portal
from loyalty.kernel.errors import LoyaltyError
from miniprogram_api.errors import HTTP_ERRORS, STATUSES

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
PACKAGES = (loyalty, portal, miniprogram_api, jobs)
_NAMES = {package.__name__ for package in PACKAGES}

_HEAD = """\
# Error codes

Written by `python -m tests.support.error_list`; a test compares it with the code. Do not edit it by hand.

Every anticipated refusal has a stable code. The mini-program API answers it as
`{"error": {"code", "message", "details"}, "request_id"}`; member and console pages show the message and put the code
into the header `X-Error-Code`. The category decides the HTTP status. 429 and 503 carry `Retry-After`.
Pushes of WeChat (`/callbacks`) are answered with a plain text and statuses of their own.

| category | HTTP status |
| --- | --- |
"""
_CODES_HEAD = """
## Codes

| code | category | message | meaning |
| --- | --- | --- | --- |
"""
_FRAMEWORK_HEAD = """
## What the mini-program API says before the domain is asked

| HTTP status | code | message |
| --- | --- | --- |
"""


def all_errors() -> list[type[LoyaltyError]]:
    """Return every error of ours, categories included."""
    for package in PACKAGES:
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            importlib.import_module(module.name)
    return [kind for kind in _descendants(LoyaltyError) if kind.__module__.split(".")[0] in _NAMES]


def category_of(kind: type[LoyaltyError]) -> type[LoyaltyError]:
    """Return the category that an error belongs to."""
    return next(category for category in STATUSES if issubclass(kind, category))


def page() -> str:
    """Write the page."""
    categories = "".join(f"| `{category.code}` | {status} |\n" for category, status in STATUSES.items())
    codes = "".join(sorted(_row(kind) for kind in all_errors()))
    framework = "".join(f"| {status} | `{code}` | {message} |\n" for status, (code, message) in HTTP_ERRORS.items())
    framework += "| 500 | `internal_error` | 系统出错了，请稍后再试 |\n"
    return _HEAD + categories + _CODES_HEAD + codes + _FRAMEWORK_HEAD + framework


def _row(kind: type[LoyaltyError]) -> str:
    meaning = " ".join((kind.__doc__ or "").strip().split("\n\n")[0].split()).replace("|", "\\|")
    return f"| `{kind.code}` | {category_of(kind).code} | {kind.message} | {meaning} |\n"


def _descendants(kind: type[LoyaltyError]) -> Iterator[type[LoyaltyError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _descendants(child)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
