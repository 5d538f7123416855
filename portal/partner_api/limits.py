"""Rate limits: so many requests a minute as the key may send, counted in Redis.

Without Redis each process counts for itself, so that an outage loosens the limit but never stops a till.
"""

from collections.abc import Iterable
from typing import Any

from flask import Flask
from flask_limiter import Limiter

from portal.partner_api.auth import caller


def _key() -> str:
    return caller().key_id


def _rate() -> str:
    return f"{caller().requests_per_minute}/minute"


def install(app: Flask, redis_url: str, *, blueprints: Iterable[str]) -> None:
    """Count in this Redis, after the guards of ``blueprints``, by name, and for nothing else."""
    app.config["RATELIMIT_STORAGE_URI"] = redis_url.replace("unix://", "redis+unix://", 1)
    limiter = Limiter(
        key_func=_key,
        application_limits=[_rate],
        in_memory_fallback_enabled=True,
        key_prefix="partner",
        headers_enabled=True,
    )
    limiter.init_app(app)
    names = list(blueprints)
    tables: tuple[Any, ...] = (app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs)
    for hooks in tables:
        hook = hooks[None].pop()
        for name in names:
            hooks[name].append(hook)
