"""Web authorisation (网页授权): how a fan in WeChat's browser becomes a caller.

The state is random, kept in a cookie of this browser together with where to return to, and good
once. Snapshot-page users (快照页) get a page that explains, never a session.
"""

import hmac
import secrets
from typing import Any, cast

from flask import Response, make_response, redirect, render_template, request, url_for
from itsdangerous import BadSignature, URLSafeTimedSerializer

from loyalty.gateways.answers import OAuthIdentity
from loyalty.gateways.errors import WechatCodeInvalid, WechatCodeUsed, WechatIdentityUnknown
from loyalty.gateways.protocols import OAuthScope, OfficialAccount
from loyalty.kernel.database import Session
from loyalty.kernel.errors import LimitReached, LoyaltyError, Unavailable
from loyalty.kernel.transaction import run
from loyalty.members import service as members
from loyalty.members.rules.identities import Door, IdentityKind
from loyalty.members.rules.profile import clean_nickname
from portal.context import container
from portal.h5 import session
from portal.h5.blueprint import blueprint
from portal.h5.paths import inside

STATE_COOKIE = "h5_oauth"
STATE_SECONDS = 600


@blueprint.get("/login")
@session.public
def login() -> Response:
    """Send the browser to WeChat, silently."""
    return _to_wechat(scope="snsapi_base", attempt=0)


@blueprint.get("/login/profile")
@session.visitors_too
def login_with_profile() -> Response:
    """Ask WeChat for consent to show the nickname; reached only by the link that says why."""
    return _to_wechat(scope="snsapi_userinfo", attempt=0)


@blueprint.get("/oauth/<appid>")
@session.public
def returned(appid: str) -> Response:
    """Take the code that WeChat sent the browser back with."""
    state = _state(appid)
    if state is None:
        return _known_or(lambda: _message("登录已过期", "请返回公众号重新打开页面。", 400))
    code = request.args.get("code", "")
    if not code:
        return _message("您取消了授权", "不授权也可以随时回来；需要会员服务时请重新打开页面。", 403)
    account = container().official_account(appid)
    try:
        identity = account.exchange_code(code)
    except WechatCodeUsed:
        return _known_or(lambda: _again(state))
    except WechatCodeInvalid:
        return _again(state)
    if identity.is_snapshot:
        return _message("当前为预览页面", "请点击右下角「使用完整服务」后继续。", 200)
    return _enter(account, identity, state)


def _enter(account: OfficialAccount, identity: OAuthIdentity, state: dict[str, Any]) -> Response:
    at = container().clock.now()
    unionid = identity.unionid or _unionid_of_follower(account, identity.openid)
    nickname = _nickname(account, identity)

    def open_session(database_session: Session) -> str:
        known = members.identify(
            database_session,
            appid=account.appid,
            openid=identity.openid,
            unionid=unionid,
            kind=IdentityKind.OFFICIAL_ACCOUNT,
            is_snapshot=identity.is_snapshot,
            at=at,
        )
        if nickname and known.member_id is not None:
            members.set_nickname(
                database_session, vault=container().vault, member_id=known.member_id, nickname=nickname, at=at
            )
        return members.open_session(database_session, identity_id=known.id, door=Door.H5, at=at)

    token = run(container().database, open_session)
    response = cast(Response, redirect(inside(state["next"])))
    session.remember(response, token)
    response.delete_cookie(STATE_COOKIE)
    return response


def _unionid_of_follower(account: OfficialAccount, openid: str) -> str | None:
    """Silent authorisation tells no unionid; for a follower WeChat tells it apart. It may come later."""
    try:
        return account.follower(openid).unionid
    except (Unavailable, LimitReached, WechatIdentityUnknown):
        return None


def _nickname(account: OfficialAccount, identity: OAuthIdentity) -> str | None:
    """Return the nickname that the person consented to show, when it can be one here."""
    if "snsapi_userinfo" not in identity.scope:
        return None
    try:
        profile = account.fetch_profile(openid=identity.openid, access_token=identity.access_token)
        return clean_nickname(profile.nickname)
    except LoyaltyError:
        return None


def _to_wechat(*, scope: OAuthScope, attempt: int, next_path: str | None = None) -> Response:
    account = _account()
    nonce = secrets.token_hex(16)
    return_to = container().settings.public_base_url + url_for("h5.returned", appid=account.appid)
    location = account.authorize_url(return_to=return_to, state=nonce, scope=scope)
    response = cast(Response, redirect(location))
    state = {"nonce": nonce, "next": next_path or request.values.get("next", ""), "scope": scope, "attempt": attempt}
    session.set_cookie(response, STATE_COOKIE, _serializer().dumps(state), seconds=STATE_SECONDS)
    return response


def _state(appid: str) -> dict[str, Any] | None:
    try:
        state = _serializer().loads(request.cookies.get(STATE_COOKIE, ""), max_age=STATE_SECONDS)
    except BadSignature:
        return None
    given = request.args.get("state", "")
    is_ours = hmac.compare_digest(given.encode(), str(state["nonce"]).encode())
    return cast(dict[str, Any], state) if is_ours and appid == _account().appid else None


def _again(state: dict[str, Any]) -> Response:
    """Start anew once; a second bad code is shown, not looped on."""
    if state["attempt"] >= 1:
        return _message("微信授权没有成功", "请返回公众号重新打开页面。", 400)
    return _to_wechat(scope=state["scope"], attempt=state["attempt"] + 1, next_path=state["next"])


def _known_or(otherwise: Any) -> Response:
    """A reloaded return page belongs to somebody who is logged in already."""
    if request.cookies.get(session.COOKIE) and session.caller() is not None:
        return cast(Response, redirect(url_for("h5.card")))
    return cast(Response, otherwise())


def _account() -> OfficialAccount:
    accounts = container().official_accounts
    appid = request.args.get("appid", "") or (request.view_args or {}).get("appid", "")
    return accounts[appid] if appid in accounts else next(iter(accounts.values()))


def _message(title: str, text: str, status: int) -> Response:
    return make_response(render_template("h5/message.html", title=title, text=text), status)


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(container().settings.secret_key, salt="h5-oauth-state")
