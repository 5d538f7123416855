"""The authorize page and the calls under /sns that need no account token."""

import base64

from flask import Blueprint, Response, make_response, redirect, request

from sandbox import codes, oauth, quotas, user_tokens, users
from sandbox.credentials import check_grant_type, check_secret
from sandbox.dispatch import OK, Answer, Call, endpoint, serve
from sandbox.errors import ApiError
from sandbox.oauth import AuthorizeRefused
from sandbox.phone import consent_page, refusal_page
from sandbox.world import World, current_world

blueprint = Blueprint("oauth", "sandbox.api.oauth")
TEXT = "text/plain"
USER_COOKIE = "sim_user"
"""Says whose phone this browser is."""


@blueprint.get("/open.weixin.qq.com/connect/oauth2/authorize")
def authorize() -> Response:
    """Sends the browser on at once, or asks the person; wrong requests get the platform's error page."""
    world = current_world()
    return serve(
        world,
        appid=request.args.get("appid", ""),
        run=lambda: _authorize(world),
        refuse=lambda error: refusal_page(error.errcode, error.errmsg),
    )


def _browser_user(world: World) -> int | None:
    """Whose phone the asking browser is, by its cookie; None for a browser outside WeChat."""
    text = request.cookies.get(USER_COOKIE, "")
    if not (text.isascii() and text.isdigit()):
        return None
    try:
        return users.get(world, int(text))["id"]
    except (users.UserNotFound, OverflowError):
        return None


def _authorize(world: World) -> Response:
    try:
        asked = oauth.read_request(world, request.url)
    except AuthorizeRefused as refused:
        return refusal_page(refused.code, refused.reason)
    user_id = _browser_user(world)
    if user_id is None:
        return refusal_page(10000, "请在微信客户端打开链接")
    if asked.is_silent:
        return make_response(redirect(oauth.decide(world, user_id=user_id, url=request.url, answer="accept")))
    return consent_page(world, asked, user_id)


@endpoint("/sns/oauth2/access_token", method="GET", needs_token=False, content_type=TEXT)
def access_token(call: Call) -> Answer:
    """Exchanges a code for the person's tokens and openid."""
    account = check_secret(call.world, call.query, address=call.address, kind="oa")
    check_grant_type(call.query, wanted="authorization_code")
    if not call.query.get("code"):
        raise ApiError(41008)
    quotas.count(call.world, appid=account.appid, path="/sns/oauth2/access_token", day=None, minute=50_000)
    user_id, scope = codes.redeem(
        call.world, kind="oauth", appid=account.appid, code=call.query["code"], used=40163, expired=42003
    )
    return user_tokens.issue(call.world, appid=account.appid, user_id=user_id, scope=scope)


@endpoint("/sns/oauth2/refresh_token", method="GET", needs_token=False, content_type=TEXT)
def refresh_token(call: Call) -> Answer:
    """Renews the person's access token."""
    check_grant_type(call.query, wanted="refresh_token")
    if not call.query.get("appid"):
        raise ApiError(41002)
    return user_tokens.refreshed(
        call.world, appid=call.query["appid"], refresh_token=call.query.get("refresh_token", "")
    )


@endpoint("/sns/userinfo", method="GET", needs_token=False, content_type=TEXT)
def userinfo(call: Call) -> Answer:
    """The person's profile; sex and region are empty since 2021, a base scope or a virtual user gets 48001."""
    found = user_tokens.check(
        call.world, access_token=call.query.get("access_token", ""), openid=call.query.get("openid", "")
    )
    if found["scope"] != "snsapi_userinfo" or users.is_virtual(call.world, found["user_id"]):
        raise ApiError(48001)
    user = users.get(call.world, found["user_id"])
    told = {
        "openid": call.query["openid"], "nickname": user["nickname"], "sex": 0, "language": "", "city": "",
        "province": "", "country": "", "headimgurl": f"https://thirdwx.qlogo.cn/mmopen/sandbox/{user['id']}/132",
        "privilege": [],
    }  # fmt: skip
    unionid = users.public_unionid(call.world, user["id"])
    return told if unionid is None else {**told, "unionid": unionid}


@endpoint("/sns/auth", method="GET", needs_token=False, content_type=TEXT)
def auth(call: Call) -> Answer:
    """Whether the person's token is alive."""
    user_tokens.check(call.world, access_token=call.query.get("access_token", ""), openid=call.query.get("openid", ""))
    return OK


@endpoint("/sns/jscode2session", method="GET", needs_token=False, content_type=TEXT)
def jscode2session(call: Call) -> Answer:
    """Exchanges a mini program's login code; at most 100 a minute per person."""
    world = call.world
    account = check_secret(world, call.query, address=call.address, kind="mp")
    check_grant_type(call.query, wanted="authorization_code")
    if not call.query.get("js_code"):
        raise ApiError(41008)
    user_id, _ = codes.redeem(
        world, kind="login", appid=account.appid, code=call.query["js_code"], used=40163, expired=40029
    )
    quotas.limit_minute(world, appid=account.appid, name=f"jscode2session {user_id}", most=100)
    users.visit(world, appid=account.appid, user_id=user_id)
    openid = users.openid(world, appid=account.appid, user_id=user_id)
    told = {"session_key": _session_key(world, account.appid, user_id), "openid": openid}
    unionid = users.public_unionid(world, user_id)
    return told if unionid is None else {**told, "unionid": unionid}


def _session_key(world: World, appid: str, user_id: int) -> str:
    """The person's session key; a new one when the last is over three days old."""
    now = world.clock.now()
    known = world.store.value(
        "SELECT session_key FROM sessions WHERE appid = ? AND user_id = ? AND expires_at > ?", appid, user_id, now
    )
    if known is not None:
        return str(known)
    fresh = base64.b64encode(world.random.data(16)).decode()
    world.store.run("INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?)", appid, user_id, fresh, now + 3 * 86400)
    return fresh
