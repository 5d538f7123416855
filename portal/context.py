"""What a request needs at hand: the container, and who and where the caller is."""

from typing import cast

from flask import current_app, request

from loyalty.container import Container


def container() -> Container:
    """Return the application's container."""
    return cast(Container, current_app.extensions["container"])


def request_id() -> str:
    """Return the id of this request, as it stands in the log and in error answers."""
    return cast(str, request.environ["request_id"])


def client_ip() -> str:
    """Return the caller's address, behind as many proxies as ``TRUSTED_PROXY_COUNT`` says."""
    return request.remote_addr or "0.0.0.0"  # noqa: S104 - a value to store, nothing is bound
