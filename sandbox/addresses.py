"""Reading of web addresses that others wrote."""

from urllib.parse import urlsplit


def web_host(url: str) -> str | None:
    """The host name of an http or https address; None for anything else, malformed ones included."""
    try:
        parts = urlsplit(url)
        return parts.hostname if parts.scheme in ("http", "https") else None
    except ValueError:
        return None
