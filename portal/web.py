"""What every web answer has in common: request id, access log, security headers, body limit."""

import time
import uuid

import structlog
from flask import Flask, Request, Response, g, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter, Map

from loyalty.settings import Settings
from portal.metrics import count_request

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
        """Open an empty session without looking for its key and signature where no cookie came."""
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)


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
    # Before the CSRF check, whose refusal already names the request.
    app.before_request(_begin)
    csrf.init_app(app)
    if settings.trusted_proxy_count:
        count = settings.trusted_proxy_count
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count)  # type: ignore[method-assign]
    headers = _security_headers(settings)

    @app.after_request
    def finish(response: Response) -> Response:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        response.headers["X-Request-Id"] = g.get("request_id", "")
        _log(response)
        return response


def _begin() -> None:
    g.started = time.perf_counter()
    g.request_id = uuid.uuid4().hex
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _log(response: Response) -> None:
    seconds = time.perf_counter() - g.get("started", time.perf_counter())
    endpoint = request.endpoint or "unknown"
    count_request(endpoint, response.status_code, seconds)
    log.info(
        "request",
        method=request.method,
        endpoint=endpoint,
        status=response.status_code,
        ms=round(seconds * 1000, 1),
    )


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
