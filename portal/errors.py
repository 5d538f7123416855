"""The pages' error table: categories of the domain to statuses, every refusal a page in Chinese."""

import structlog
from flask import Blueprint, Response, current_app, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from loyalty.kernel import errors
from loyalty.kernel.waiting import RETRY_AFTER_SECONDS, retry_after
from portal.context import request_id

log = structlog.get_logger("web")

STATUSES: dict[type[errors.LoyaltyError], int] = {
    errors.InvalidInput: 422,
    errors.NotAuthenticated: 401,
    errors.NotAllowed: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.LimitReached: 429,
    errors.Unavailable: 503,
}
HTTP_MESSAGES = {
    400: "请求不正确，请返回后重试",
    401: "请先登录",
    403: "没有权限访问此页面",
    404: "没有找到这个页面",
    405: "不支持这样访问此页面",
    413: "提交的内容太大",
    415: "不支持的内容格式",
    429: "操作过于频繁，请稍后再试",
}


def status_of(error: errors.LoyaltyError) -> int:
    """Return the HTTP status of an error's category."""
    return next(status for kind, status in STATUSES.items() if isinstance(error, kind))


def form_again(page: str, error: errors.LoyaltyError | None) -> Response:
    """Answer with the page of a form; when its sending was refused, with the status and the wait of the refusal."""
    if error is None:
        return make_response(page)
    _note(error)
    return _with_wait(make_response(page, status_of(error)), error.retry_after_seconds)


def unrouted(error: HTTPException) -> Response:
    """Answer a path or method that no route matches with a page that stands alone."""
    return _page("portal/unrouted.html", error.code or 500)


def install(blueprint: Blueprint, *, template: str) -> None:
    """Answer the errors of a blueprint's pages with ``template``."""

    def page(status: int, message: str, code: str, wait_seconds: int = RETRY_AFTER_SECONDS) -> Response:
        return _page(template, status, message, code, wait_seconds)

    @blueprint.errorhandler(errors.LoyaltyError)
    def refused(error: errors.LoyaltyError) -> Response:
        _note(error)
        return page(status_of(error), error.message, error.code, error.retry_after_seconds)

    @blueprint.errorhandler(CSRFError)
    def stale_form(_error: CSRFError) -> Response:
        return page(400, "页面已过期，请返回刷新后重试", "csrf")

    @blueprint.errorhandler(HTTPException)
    def refused_by_framework(error: HTTPException) -> Response:
        if error.response is not None:
            return make_response(error.response)
        return page(error.code or 500, "", "")

    @blueprint.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        if current_app.testing:
            raise error
        log.exception("failed", endpoint=request.endpoint)
        return page(500, "系统出错了，我们已收到通知，请稍后再试", "internal_error")


def _page(
    template: str, status: int, message: str = "", code: str = "", wait_seconds: int = RETRY_AFTER_SECONDS
) -> Response:
    text = message or HTTP_MESSAGES.get(status, "请求无法处理")
    body = render_template(template, status=status, message=text, request_id=request_id())
    response = make_response(body, status)
    response.headers["X-Error-Code"] = code or f"http_{status}"
    return _with_wait(response, wait_seconds)


def _note(error: errors.LoyaltyError) -> None:
    log.info("refused", code_name=error.code, endpoint=request.endpoint)


def _with_wait(response: Response, seconds: int) -> Response:
    if response.status_code in (429, 503):
        response.headers["Retry-After"] = str(retry_after(seconds))
    return response
