"""What every web answer has in common: request id, access log, security headers, body limit."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import structlog
from flask import Flask, Request, Response
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter, Map

from loyalty.settings import Settings
from portal.metrics import count_request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

BODY_BYTES_MAX = 1024 * 1024
ROW_ID_MAX = 2**63 - 1
csrf = CSRFProtect()
log = structlog.get_logger("web")


class RowId(IntegerConverter):
    """A number in an address; one beyond every row's id matches no route, as an unknown one finds no row."""

    def __init__(self, map_: Map) -> None:
        super().__init__(map_, max=ROW_ID_MAX)


class FlashCookies(SecureCookieSessionInterface):
    """Flask's session, which holds only what the next page says; most requests come without its cookie."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Open an empty session without looking for its key and signature where no cookie came at all."""
        if "HTTP_COOKIE" not in request.environ:
            return self.session_class()
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Save what a view has said for the next page; most say nothing."""
        if session.accessed or session.modified:
            super().save_session(app, session, response)


def install(app: Flask, settings: Settings) -> None:
    """Put the common hooks on the application, before any route."""
    app.url_map.converters["int"] = RowId
    app.config.update(
        SECRET_KEY=settings.secret_key,
        MAX_CONTENT_LENGTH=BODY_BYTES_MAX,
        MAX_FORM_MEMORY_SIZE=BODY_BYTES_MAX,
        SESSION_COOKIE_NAME="portal_flash",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SECURE=settings.public_base_url.startswith("https://"),
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
    )
    app.session_interface = FlashCookies()
    csrf.init_app(app)
    if settings.trusted_proxy_count:
        count = settings.trusted_proxy_count
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count)  # type: ignore[method-assign]
    app.wsgi_app = EveryAnswer(app.wsgi_app, _security_headers(settings))  # type: ignore[method-assign]


class EveryAnswer:
    """Around the application: names each request, adds the common headers to its answer, counts and logs it.

    Not by hooks of Flask, since on the shortest requests those would cost as much as everything else.
    """

    def __init__(self, application: WSGIApplication, headers: Mapping[str, str]) -> None:
        self._application = application
        self._headers = {name.lower(): (name, value) for name, value in headers.items()}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        started = time.perf_counter()
        request_id = environ["request_id"] = uuid.uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        status, endpoint = 0, "unknown"

        def begin(line: str, headers: list[tuple[str, str]], *exc_info: Any) -> Callable[[bytes], object]:
            nonlocal status, endpoint
            status, endpoint = int(line[:3]), environ["werkzeug.request"].endpoint or endpoint
            given = {name.lower() for name, _ in headers}
            headers.extend(header for name, header in self._headers.items() if name not in given)
            headers.append(("X-Request-Id", request_id))
            return start_response(line, headers, *exc_info)

        answer = self._application(environ, begin)
        seconds = time.perf_counter() - started
        count_request(endpoint, status, seconds)
        log.info(
            "request",
            method=environ["REQUEST_METHOD"],
            endpoint=endpoint,
            status=status,
            ms=round(seconds * 1000, 1),
        )
        return answer


def _security_headers(settings: Settings) -> dict[str, str]:
    """Return the headers of every answer; a trial also lets the sandbox's phone frame the pages."""
    sandbox = f" {settings.wechat_sandbox_url}" if settings.wechat_sandbox_url else ""
    policy = {
        "default-src": "'self'",
        "script-src": f"'self'{sandbox}",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": f"'self'{sandbox}",
        "frame-ancestors": f"'self'{sandbox}",
        "form-action": f"'self'{sandbox}",
        "base-uri": "'none'",
        "object-src": "'none'",
    }
    headers = {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "strict-origin-when-cross-origin",
    }
    if settings.is_production:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return headers
