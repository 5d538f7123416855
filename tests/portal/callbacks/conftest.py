"""WeChat as it pushes to the callbacks door."""

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
import xmltodict
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from wechatpy.crypto import WeChatCrypto
from werkzeug.test import TestResponse

from app import create_app
from loyalty.channels.models import StoredPush
from loyalty.kernel.database import Database
from tests.support import settings
from tests.support.containers import null_container


@dataclass
class Wechat:
    """Pushes to the door as the platform does, for one account."""

    client: FlaskClient
    account: dict[str, str]
    at: datetime

    @property
    def url(self) -> str:
        return f"/callbacks/wechat/{self.account['appid']}"

    @property
    def crypto(self) -> WeChatCrypto:
        return WeChatCrypto(self.account["token"], self.account["aes_key"], self.account["appid"])

    def query(self, *, age_seconds: int = 0, **changes: str) -> dict[str, str]:
        timestamp, nonce = str(int(self.at.timestamp()) - age_seconds), secrets.token_hex(5)
        signature = self.signature(timestamp, nonce)
        return {"signature": signature, "timestamp": timestamp, "nonce": nonce, "openid": "o", **changes}

    def signature(self, *parts: str) -> str:
        return hashlib.sha1("".join(sorted((self.account["token"], *parts))).encode()).hexdigest()

    def push_plain(self, body: str | bytes, **query: Any) -> TestResponse:
        return self.client.post(self.url, query_string=self.query(**query), data=body)

    def push(self, message: str, *, crypto: WeChatCrypto | None = None, extra: str = "", **query: Any) -> TestResponse:
        """Push a message encrypted, with ``extra`` plain fields beside it as in compatible mode."""
        signed, body = self.sealed(message, crypto=crypto, extra=extra, **query)
        return self.client.post(self.url, query_string=signed, data=body)

    def sealed(
        self, message: str, *, crypto: WeChatCrypto | None = None, extra: str = "", **query: Any
    ) -> tuple[dict[str, str], str]:
        signed = self.query(**query)
        sealed = (crypto or self.crypto).encrypt_message(message, signed["nonce"], signed["timestamp"])
        cipher = xmltodict.parse(sealed)["xml"]["Encrypt"]
        signed |= {
            "encrypt_type": "aes",
            "msg_signature": self.signature(signed["timestamp"], signed["nonce"], cipher),
        }
        body = f"<xml><ToUserName>gh</ToUserName>{extra}<Encrypt><![CDATA[{cipher}]]></Encrypt></xml>"
        return signed, body

    def opened(self, response: TestResponse) -> dict[str, Any]:
        """Open an encrypted answer as WeChat does."""
        outer = xmltodict.parse(response.get_data(as_text=True))["xml"]
        message = self.crypto.decrypt_message(outer, outer["MsgSignature"], outer["TimeStamp"], outer["Nonce"])
        return dict(xmltodict.parse(message)["xml"])


def text_message(content: str, *, openid: str = "openid-1", message_id: int = 1) -> str:
    return (
        "<xml><ToUserName><![CDATA[gh_demo00000001]]></ToUserName>"
        f"<FromUserName><![CDATA[{openid}]]></FromUserName><CreateTime>1773108000</CreateTime>"
        f"<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{content}]]></Content>"
        f"<MsgId>{message_id}</MsgId></xml>"
    )


def event(name: str, *, key: str = "", openid: str = "openid-1", extra: str = "") -> str:
    return (
        "<xml><ToUserName><![CDATA[gh_demo00000001]]></ToUserName>"
        f"<FromUserName><![CDATA[{openid}]]></FromUserName><CreateTime>1773108000</CreateTime>"
        f"<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[{name}]]></Event>"
        f"<EventKey><![CDATA[{key}]]></EventKey>{extra}</xml>"
    )


def stored_pushes(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(StoredPush)) or 0


@pytest.fixture
def wechat(client: FlaskClient, at: datetime) -> Wechat:
    """The Official Account in safe mode."""
    return Wechat(client, settings.ACCOUNTS[0], at)


@pytest.fixture
def mini_program(client: FlaskClient, at: datetime) -> Wechat:
    """The mini program in safe mode."""
    return Wechat(client, settings.ACCOUNTS[1], at)


@pytest.fixture
def plain_wechat(database: Database, redis_url: str, at: datetime) -> Wechat:
    """The Official Account in plain mode."""
    account = settings.ACCOUNTS[0] | {"push_mode": "plain"}
    app = create_app(null_container(database, redis_url=redis_url, at=at, WECHAT_ACCOUNTS=json.dumps([account])))
    return Wechat(app.test_client(), account, at)
