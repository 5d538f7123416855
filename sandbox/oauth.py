"""Web authorisation (网页授权) up to the code: what a page asks for and what the person's answer sends it.

Codes work once and live five minutes. A snapshot answer hides the person behind a virtual user.
"""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from sandbox import codes, users
from sandbox.addresses import web_host
from sandbox.config import Account
from sandbox.world import World

ANSWERS = ("accept", "refuse", "snapshot")
SCOPES = ("snsapi_base", "snsapi_userinfo")


class AuthorizeRefused(Exception):
    """The platform shows an error page with a code instead of asking the person."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class AuthorizeRequest:
    """What a page asks for; ``url`` is the full authorize address."""

    url: str
    account: Account
    redirect_uri: str
    scope: str
    state: str
    forces_snapshot: bool

    @property
    def is_silent(self) -> bool:
        """Whether the person is not asked."""
        return self.scope == "snsapi_base"


def read_request(world: World, url: str) -> AuthorizeRequest:
    """Checks an authorize address. Raises AuthorizeRefused, e.g. 10003 for a foreign redirect domain."""
    query = dict(parse_qsl(url.partition("#")[0].partition("?")[2], keep_blank_values=True))
    account = world.account(query.get("appid", ""))
    if account is None or account.kind != "oa":
        raise AuthorizeRefused(40013, "appid 参数错误")
    if query.get("response_type") != "code" or query.get("scope") not in SCOPES:
        raise AuthorizeRefused(10005, "scope 参数错误或没有 scope 权限")
    if web_host(query.get("redirect_uri", "")) not in account.oauth_domains:
        raise AuthorizeRefused(10003, "redirect_uri 域名与后台配置不一致")
    state = query.get("state", "")
    if len(state) > 128 or not (state.isalnum() and state.isascii() or state == ""):
        raise AuthorizeRefused(10005, "state 只能是 128 字节以内的字母和数字")
    return AuthorizeRequest(
        url=url, account=account, redirect_uri=query["redirect_uri"], scope=query["scope"], state=state,
        forces_snapshot=query.get("forceSnapShot") == "true",
    )  # fmt: skip


def decide(world: World, *, user_id: int, url: str, answer: str) -> str:
    """The address the person's browser goes to after accept, refuse or snapshot; a silent request is never refused.

    Raises AuthorizeRefused, UserNotFound.
    """
    asked = read_request(world, url)
    users.get(world, user_id)
    if answer == "refuse" and not asked.is_silent:
        return _back(asked, {})
    if answer not in ANSWERS:
        raise AuthorizeRefused(10005, "answer must be accept, refuse or snapshot")
    is_snapshot = answer == "snapshot" or asked.forces_snapshot
    who = users.virtual(world, user_id) if is_snapshot else user_id
    code = codes.mint(world, kind="oauth", appid=asked.account.appid, user_id=who, scope=asked.scope)
    return _back(asked, {"code": code})


def _back(asked: AuthorizeRequest, found: dict[str, str]) -> str:
    target = urlsplit(asked.redirect_uri)
    query = [*parse_qsl(target.query, keep_blank_values=True), *found.items(), ("state", asked.state)]
    return urlunsplit((target.scheme, target.netloc, target.path, urlencode(query), ""))
