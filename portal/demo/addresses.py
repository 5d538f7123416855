"""Addresses of our own pages, as they stand in menus and messages."""

from flask import current_app

from portal.context import container


def path_of(endpoint: str) -> str:
    """Return the path of a page."""
    return current_app.url_map.bind("").build(endpoint)


def page(endpoint: str) -> str:
    """Return the full address of a page, made from ``PUBLIC_BASE_URL``."""
    return container().settings.public_base_url + path_of(endpoint)
