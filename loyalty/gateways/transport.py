"""HTTP as every gateway uses it: pooled, never without a timeout, and in one place led to the sandbox.

The original host becomes the first segment of the path, so that one sandbox plays all hosts.
"""

import os
import weakref
from collections.abc import Mapping
from urllib.parse import urlsplit

from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter

TIMEOUT_SECONDS = (3.0, 10.0)
"""To connect, and between two bytes of the answer."""
CONNECTIONS = 16
_adapters: "weakref.WeakSet[HTTPAdapter]" = weakref.WeakSet()

Timeout = float | tuple[float, float] | tuple[float, None] | None


class GatewayAdapter(HTTPAdapter):
    """Adds the timeout that a library forgot, and sends everything to the sandbox when there is one."""

    def __init__(self, sandbox_url: str | None, *, timeout: tuple[float, float] = TIMEOUT_SECONDS) -> None:
        self._sandbox_url = sandbox_url
        self._timeout = timeout
        super().__init__(pool_connections=4, pool_maxsize=CONNECTIONS)
        _adapters.add(self)

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: Timeout = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        """Send one request."""
        if self._sandbox_url is not None:
            request = _redirected(request, self._sandbox_url)
            proxies = None  # chosen for the real host; the sandbox stands on this machine
        return super().send(request, stream, timeout or self._timeout, verify, cert, proxies)


def _redirected(request: PreparedRequest, sandbox_url: str) -> PreparedRequest:
    parts = urlsplit(request.url or "")
    redirected = request.copy()
    query = f"?{parts.query}" if parts.query else ""
    redirected.url = f"{sandbox_url.rstrip('/')}/{parts.netloc}{parts.path}{query}"
    return redirected


def mount(session: Session, *, sandbox_url: str | None) -> Session:
    """Make a session use the adapter for everything it sends."""
    adapter = GatewayAdapter(sandbox_url)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _forget_connections() -> None:
    for adapter in list(_adapters):
        adapter.close()


# A pooled socket shared by parent and child would mix their answers.
os.register_at_fork(after_in_child=_forget_connections)
