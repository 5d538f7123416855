"""The API's error table and the one shape of every refusal.

``{"error": {"code", "message", "details"}, "request_id"}``: ``code`` is stable and for programs,
``message`` is Chinese and for people. 401 log in again, 403 not allowed, 404 not found or not for
this caller, 409 the state refuses, 413 too large, 422 the values are wrong (``details.fields``
names them), 429 slow down and 503 come back: both with ``Retry-After``, 500 our fault.
"""

import structlog
from flask import Blueprint, Response, current_app, jsonify, request
from werkzeug.exceptions import HTTPException

from loyalty.kernel import errors
from loyalty.kernel.waiting import RETRY_AFTER_SECONDS, retry_after

log = structlog.get_logger("miniprogram_api")

STATUSES: dict[type[errors.LoyaltyError], int] = {
    errors.InvalidInput: 422,
    errors.NotAuthenticated: 401,
    errors.NotAllowed: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.LimitReached: 429,
    errors.Unavailable: 503,
}
HTTP_ERRORS = {
    400: ("bad_request", "请求格式不正确"),
    401: ("not_authenticated", "请先登录"),
    404: ("not_found", "没有找到对应的接口或内容"),
    405: ("method_not_allowed", "不支持的请求方法"),
    413: ("body_too_large", "提交的内容太大"),
    415: ("unsupported_media_type", "请使用 application/json"),
    422: ("invalid_request", "提交的内容不正确"),
    429: ("limit_reached", "操作过于频繁，请稍后再试"),
}


def install(blueprint: Blueprint) -> None:
    """Answer every error of a blueprint in the API's shape."""
    blueprint.register_error_handler(errors.LoyaltyError, refused)
    blueprint.register_error_handler(HTTPException, refused_by_framework)
    blueprint.register_error_handler(Exception, failed)


def refused(error: errors.LoyaltyError) -> Response:
    """Answer an anticipated refusal of the domain."""
    log.info("refused", error=error.code, endpoint=request.endpoint)
    return told(error)


def told(error: errors.LoyaltyError) -> Response:
    """Return the answer to a refusal, which only the line of its request tells in the log."""
    status = next(status for kind, status in STATUSES.items() if isinstance(error, kind))
    return answer(status, error.code, error.message, dict(error.details), error.retry_after_seconds)


def refused_by_framework(error: HTTPException) -> Response:
    """Answer what Flask or the schemas refused."""
    status = error.code or 500
    code, message = HTTP_ERRORS.get(status, (f"http_{status}", "请求无法处理"))
    fields = getattr(error, "data", {}).get("messages")
    response = answer(status, code, message, {"fields": fields} if fields else {})
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def failed(error: Exception) -> Response:
    """Answer a fault of ours; the log has the traceback, the caller only the request id."""
    if current_app.testing:
        raise error
    log.exception("failed", endpoint=request.endpoint)
    return answer(500, "internal_error", "系统出错了，请稍后再试", {})


def answer(
    status: int, code: str, message: str, details: dict[str, object], wait_seconds: int = RETRY_AFTER_SECONDS
) -> Response:
    """Make an error answer in the API's one shape; who may come back is told when, not all at the same moment."""
    response = jsonify(
        error={"code": code, "message": message, "details": details}, request_id=request.environ.get("request_id", "")
    )
    response.status_code = status
    if status in (429, 503):
        response.headers["Retry-After"] = str(retry_after(wait_seconds))
    return response
