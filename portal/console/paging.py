"""Addresses of pages of a list: the same filters, another cursor."""

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
    arguments: dict[str, str | None] = {**request.args.to_dict(), **changes}
    kept = {name: value for name, value in arguments.items() if value}
    return url_for(request.endpoint or "", **(request.view_args or {}), **kept)  # type: ignore[arg-type]
