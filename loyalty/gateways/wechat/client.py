"""wechatpy's client with its traps closed: stable tokens, one locked refresher, one retry, timeouts.

wechatpy 1.8.18 alone retries a refused token without end, fetches tokens without a timeout, and
keeps a token for each process that kills those of the others.
"""

from typing import Any, cast

import structlog
from redis import Redis
from requests import RequestException, Response
from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException

from loyalty.gateways.errors import WechatUnavailable
from loyalty.gateways.shared_credential import Fetched, SharedCredential
from loyalty.gateways.transport import TIMEOUT_SECONDS, mount
from loyalty.gateways.wechat.errcodes import TOKEN_REFUSED
from loyalty.kernel.database import Json
from loyalty.settings import WechatAccount

HOST = "https://api.weixin.qq.com"
_STABLE_TOKEN = f"{HOST}/cgi-bin/stable_token"
_LOGGED_CHARACTERS_MAX = 200

log = structlog.get_logger("gateways")


class Client(WeChatClient):  # type: ignore[misc]
    """One account's calls that carry an access token; raises wechatpy's and requests' errors."""

    def __init__(self, account: WechatAccount, *, redis: Redis, sandbox_url: str | None) -> None:
        super().__init__(account.appid, account.secret, timeout=TIMEOUT_SECONDS, auto_retry=False)
        mount(self._http, sandbox_url=sandbox_url)
        self._tokens = SharedCredential(
            redis, name=f"wechat:{account.appid}:access_token", fetch=self._fetch_stable_token
        )

    def plain_get(self, path: str, params: dict[str, str]) -> Json:
        """Call an interface that needs no access token."""
        response = self._http.get(f"{HOST}{path}", params=params, timeout=TIMEOUT_SECONDS)
        return self._answer(response)

    @property
    def access_token(self) -> str:
        """The token all processes share."""
        return self._tokens.get()

    def fetch_access_token(self) -> Json:
        """Renew the token; wechatpy calls this in its own retries, which are off."""
        return {"access_token": self._tokens.renew(self.access_token)}

    def _request(self, method: str, url_or_endpoint: str, **kwargs: Any) -> Any:
        token = self._tokens.get()
        try:
            return self._request_with(token, method, url_or_endpoint, **kwargs)
        except WeChatClientException as error:
            if error.errcode not in TOKEN_REFUSED:
                raise
        # Never force_refresh: a token refused again is a matter of configuration, not of age.
        return self._request_with(self._tokens.renew(token), method, url_or_endpoint, **kwargs)

    def _request_with(self, token: str, method: str, url: str, **kwargs: Any) -> Any:
        kwargs["params"] = {**kwargs.get("params", {}), "access_token": token}
        try:
            return super()._request(method, url, **kwargs)
        except WeChatClientException as error:
            _log_refusal(self.appid, url, error)
            raise

    def _fetch_stable_token(self) -> Fetched:
        body = {
            "grant_type": "client_credential",
            "appid": self.appid,
            "secret": self.secret,
        }
        try:
            answer = self._answer(self._http.post(_STABLE_TOKEN, json=body, timeout=TIMEOUT_SECONDS))
            return Fetched(str(answer["access_token"]), int(answer["expires_in"]))
        except (RequestException, KeyError, ValueError):
            # Not a transport error to the caller: what it wanted to send was never sent.
            raise WechatUnavailable(interface="stable_token") from None

    def _answer(self, response: Response) -> Json:
        """Read an answer as JSON whatever its Content-Type says."""
        response.raise_for_status()
        body = response.json()
        if not isinstance(body, dict):
            raise ValueError("the answer is not an object")
        if body.get("errcode"):
            error = WeChatClientException(int(body["errcode"]), body.get("errmsg"), client=self)
            _log_refusal(self.appid, response.request.path_url.split("?")[0], error)
            raise error
        return cast(Json, body)


def _log_refusal(appid: str, url: str, error: WeChatClientException) -> None:
    # errmsg ends in the rid, the only handle that Tencent's support takes.
    log.warning(
        "wechat_refused",
        appid=appid,
        interface=url.removeprefix(HOST),
        errcode=error.errcode,
        errmsg=str(error.errmsg)[:_LOGGED_CHARACTERS_MAX],
    )
