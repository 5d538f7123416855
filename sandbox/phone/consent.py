"""The pages of web authorisation (网页授权): the consent sheet, its answer, and the platform's error page."""

from flask import Response, make_response, redirect, render_template, request

from sandbox import oauth, users
from sandbox.oauth import AuthorizeRefused, AuthorizeRequest
from sandbox.phone.door import blueprint
from sandbox.world import World, current_world

NOT_IN_WECHAT = 10000
USER_COOKIE = "sim_user"


def consent_page(world: World, asked: AuthorizeRequest, user_id: int) -> Response:
    """Asks the person whether the account may know them; a forced snapshot is not asked for."""
    if asked.forces_snapshot:
        return _sent_on(oauth.decide(world, user_id=user_id, url=asked.url, answer="snapshot"))
    page = render_template("phone/consent.html", account=asked.account, user=users.get(world, user_id), url=asked.url)
    return _guarded(make_response(page))


def refusal_page(code: int, reason: str) -> Response:
    """The platform's error page, e.g. 10003 for a foreign redirect domain."""
    return _guarded(make_response(render_template("phone/refusal.html", code=code, reason=reason)))


@blueprint.post("/phone/authorize")
def answer() -> Response:
    """Takes the answer of the consent sheet and sends the browser back to the page that asked."""
    given = request.form
    person = request.cookies.get(USER_COOKIE, "")
    try:
        url = oauth.decide(
            current_world(), user_id=int(person), url=given.get("url", ""), answer=given.get("answer", "")
        )
    except AuthorizeRefused as refused:
        return refusal_page(refused.code, refused.reason)
    except (ValueError, OverflowError, users.UserNotFound):
        return refusal_page(NOT_IN_WECHAT, "请在微信客户端打开链接")
    return _sent_on(url)


def _sent_on(url: str) -> Response:
    return make_response(redirect(url, code=302))


def _guarded(response: Response) -> Response:
    """The pages are also shown by the platform's own blueprint, which sets no policy."""
    response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'self'; base-uri 'none'"
    response.headers["Cache-Control"] = "no-store"
    return response
