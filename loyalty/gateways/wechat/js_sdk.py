"""Signatures for the JS-SDK: for our own pages only, with one ticket shared by all processes."""

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from redis import Redis

from loyalty.gateways.answers import JsSignature
from loyalty.gateways.errors import SignatureHostRefused
from loyalty.gateways.shared_credential import Fetched, SharedCredential
from loyalty.gateways.wechat.client import Client
from loyalty.gateways.wechat.errcodes import in_our_words


class JsSdk:
    """Signs pages whose scheme and host are those of ``public_base_url``."""

    def __init__(
        self,
        client: Client,
        *,
        redis: Redis,
        public_base_url: str,
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._origin = _origin(public_base_url)
        self._now = now
        self._tickets = SharedCredential(redis, name=f"wechat:{client.appid}:jsapi_ticket", fetch=self._fetch_ticket)

    def sign(self, url: str) -> JsSignature:
        """Sign a page; what follows ``#`` is not part of it."""
        if _origin(url) != self._origin:
            raise SignatureHostRefused
        with in_our_words():
            ticket = self._tickets.get()
        nonce, timestamp = secrets.token_hex(8), int(self._now().timestamp())
        text = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={url.split('#')[0]}"
        signature = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        return JsSignature(str(self._client.appid), timestamp, nonce, signature)

    def _fetch_ticket(self) -> Fetched:
        answer = self._client.jsapi.get_ticket("jsapi")
        return Fetched(str(answer["ticket"]), int(answer["expires_in"]))


def _origin(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return parts.scheme, parts.netloc.lower()
