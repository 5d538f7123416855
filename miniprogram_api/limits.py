"""Rate limits of the routes that cost money or let strangers in; per address, counted in Redis.

Without Redis each process counts for itself, so that an outage loosens the limit but never
refuses a member.
"""

from collections.abc import Iterable
from typing import Any

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

limiter = Limiter(
    key_func=get_remote_address,
    in_memory_fallback_enabled=True,
    key_prefix="miniprogram",
    headers_enabled=True,
    default_limits=[],
)


def install(app: Flask, redis_url: str, *, blueprints: Iterable[str]) -> None:
    """Count in this Redis; only requests to ``blueprints``, by name, can be limited."""
    app.config["RATELIMIT_STORAGE_URI"] = redis_url.replace("unix://", "redis+unix://", 1)
    limiter.init_app(app)
    names = list(blueprints)
    # Put on the whole application, its hooks would cost every other request more than many a view does.
    tables: tuple[Any, ...] = (app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs)
    for hooks in tables:
        hook = hooks[None].pop()
        for name in names:
            hooks[name].append(hook)
