"""Web authorisation (网页授权): where to send the browser, and who came back."""

from urllib.parse import quote

from wechatpy import WeChatOAuth
from wechatpy.exceptions import WeChatException

from loyalty.gateways.answers import OAuthIdentity, WechatProfile
from loyalty.gateways.errors import WechatProfileRefused
from loyalty.gateways.protocols import OAuthScope
from loyalty.gateways.transport import mount
from loyalty.gateways.wechat.errcodes import TOKEN_REFUSED, in_our_words
from loyalty.settings import WechatAccount

_HOST = "open.weixin.qq.com"
_NO_CONSENT = TOKEN_REFUSED | {48001}


class WebAuthorisation:
    """The OAuth side of one Official Account; needs no access token of the account."""

    def __init__(self, account: WechatAccount, *, sandbox_url: str | None) -> None:
        self._appid = account.appid
        self._base = f"{sandbox_url.rstrip('/')}/{_HOST}" if sandbox_url else f"https://{_HOST}"
        self._oauth = WeChatOAuth(account.appid, account.secret, redirect_uri="")
        mount(self._oauth._http, sandbox_url=sandbox_url)

    def authorize_url(self, *, return_to: str, state: str, scope: OAuthScope) -> str:
        """Return where to send the browser; the platform wants exactly this order."""
        return (
            f"{self._base}/connect/oauth2/authorize?appid={self._appid}"
            f"&redirect_uri={quote(return_to, safe='')}&response_type=code"
            f"&scope={scope}&state={quote(state, safe='')}#wechat_redirect"
        )

    def exchange_code(self, code: str) -> OAuthIdentity:
        """Turn the code of a return into an identity."""
        with in_our_words():
            answer = self._oauth.fetch_access_token(code)
            return OAuthIdentity(
                openid=answer["openid"],
                unionid=answer.get("unionid") or None,
                is_snapshot=bool(int(answer.get("is_snapshotuser") or 0)),
                access_token=answer["access_token"],
                scope=str(answer.get("scope", "")),
            )

    def fetch_profile(self, *, openid: str, access_token: str) -> WechatProfile:
        """Return nickname and avatar; a user token that is refused means no consent."""
        with in_our_words():
            try:
                answer = self._oauth.get_user_info(openid, access_token)
            except WeChatException as error:
                if error.errcode in _NO_CONSENT:
                    raise WechatProfileRefused from None
                raise
            return WechatProfile(
                openid=answer["openid"],
                unionid=answer.get("unionid") or None,
                nickname=str(answer.get("nickname", "")),
                avatar_url=str(answer.get("headimgurl", "")),
            )
