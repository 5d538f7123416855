"""The device (设备) that a page was opened on: a random value in a cookie, for limits and for risk."""

import secrets

from flask import Response, request

from loyalty.kernel.checking import is_tidy
from portal.h5 import session

COOKIE = "h5_device"
_DAYS = 365
_LENGTH_MAX = 64


def known() -> str | None:
    """Return what this browser was given before; whatever makes no sense counts as nothing."""
    device = request.cookies.get(COOKIE, "")
    return device if is_tidy(device, _LENGTH_MAX) else None


def fresh() -> str:
    """Return a value for a browser that has none."""
    return secrets.token_hex(12)


def remember(response: Response, device: str) -> None:
    """Keep it in the browser."""
    session.set_cookie(response, COOKIE, device, days=_DAYS)
