"""Addresses of pages of a list, and of its export: the same filters, another cursor."""

from urllib.parse import urlencode

from flask import request, url_for

from loyalty.kernel.pagination import decode_cursor


def cursor() -> str | None:
    """Return the cursor of this request, checked.

    Raises:
        InvalidCursor: it was not made by us.
    """
    given = request.args.get("cursor") or None
    decode_cursor(given)
    return given


def address(**changes: str | None) -> str:
    """Return the address of this page with some parameters changed or, when None, left out."""
    return _with_filters(request.endpoint or "", changes)


def export_address(endpoint: str) -> str:
    """Return the address that downloads what the filters of this page show, from its beginning."""
    return _with_filters(endpoint, {"cursor": None})


def chosen_filters() -> dict[str, str]:
    """Return the filters of this request that are set, as the audit log keeps them."""
    return {name: value for name, value in request.args.items() if value}


def _with_filters(endpoint: str, changes: dict[str, str | None]) -> str:
    arguments: dict[str, str | None] = {**request.args.to_dict(), **changes}
    query = urlencode({name: value for name, value in arguments.items() if value})
    # Joined on by hand: of the names that come from outside, url_for takes some for its own options.
    path = url_for(endpoint, **(request.view_args or {}))
    return f"{path}?{query}" if query else path
