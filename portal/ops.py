"""For those who run it: liveness, readiness, metrics, and WeChat's domain check files."""

import hmac

from flask import Blueprint, Response, abort, request
from redis.exceptions import RedisError

from loyalty.kernel import schema
from loyalty.kernel.errors import Unavailable
from portal.context import container
from portal.metrics import exposition

blueprint = Blueprint("ops", __name__)


@blueprint.get("/healthz")
def healthz() -> dict[str, str]:
    """Tell that the process lives."""
    return {"status": "ok"}


@blueprint.get("/readyz")
def readyz() -> tuple[dict[str, str], int]:
    """Tell whether requests can be served: the database must answer, the queue server should."""
    state = {"database": "ok", "redis": "ok"}
    try:
        schema.ping(container().database)
    except Unavailable:
        state["database"] = "down"
    try:
        container().redis.ping()
    except RedisError:
        state["redis"] = "down"
    return state, 200 if state["database"] == "ok" else 503


@blueprint.get("/metrics")
def metrics() -> Response:
    """Expose the metrics to whoever holds ``METRICS_TOKEN``, or to this machine when none is set."""
    expected = container().settings.metrics_token
    if expected:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), expected.encode()):
            abort(403)
    elif request.remote_addr not in ("127.0.0.1", "::1"):
        abort(403)
    return Response(exposition(container()), mimetype="text/plain; version=0.0.4")


@blueprint.get("/<name>.txt")
def domain_check_file(name: str) -> Response:
    """Serve a file by which WeChat proves that a domain is ours, such as ``MP_verify_….txt``."""
    content = container().settings.domain_check_files.get(f"{name}.txt")
    if content is None:
        abort(404)
    return Response(content, mimetype="text/plain")
