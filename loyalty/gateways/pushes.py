"""Pushes (消息推送) of one account: proved to be WeChat's, opened, and answered under the same seal.

In plain mode the signature does not cover the body, so an account set to ``safe`` or ``compatible``
takes encrypted pushes only: otherwise an old signature could carry a new body.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from wechatpy.crypto import PrpCrypto, WeChatCrypto

from loyalty.gateways.push_wire import PushMalformed, read_body, text_reply
from loyalty.kernel.database import Json
from loyalty.kernel.errors import NotAllowed
from loyalty.settings import PushMode, WechatAccount

FRESH_WITHIN = timedelta(minutes=10)
_EPOCH = re.compile(r"[0-9]{1,12}")


class PushForged(NotAllowed):
    """The signature, its age, the cipher or the appid in it is wrong."""

    code = "push_forged"
    message = "推送签名不正确"


@dataclass(frozen=True, slots=True)
class PushQuery:
    """What stands in the address of a push."""

    signature: str = ""
    timestamp: str = ""
    nonce: str = ""
    msg_signature: str = ""
    encrypt_type: str = ""

    @classmethod
    def of(cls, arguments: Mapping[str, str]) -> "PushQuery":
        """Read the arguments of an address; unknown ones are left alone."""
        return cls(**{name: arguments.get(name, "") for name in cls.__slots__})

    @property
    def is_encrypted(self) -> bool:
        """Whether the push says that its body is encrypted."""
        return self.encrypt_type == "aes"


@dataclass(frozen=True, slots=True)
class OpenedPush:
    """The fields of a proved push and the mode it came in."""

    fields: Json
    mode: PushMode


class PushSeal:
    """Proves, opens and answers the pushes of one account."""

    def __init__(self, account: WechatAccount) -> None:
        self._account = account
        has_key = account.push_mode != "plain"
        self._crypto = WeChatCrypto(account.token, account.aes_key, account.appid) if has_key else None

    def prove_address(self, query: PushQuery, *, at: datetime) -> None:
        """Check the request by which WeChat verifies our address; it is plain in every mode.

        Raises:
            PushForged: wrong signature, or too old.
        """
        self._check_age(query, at)
        self._check(query.signature, query)

    def open(self, query: PushQuery, body: bytes, *, at: datetime) -> OpenedPush:
        """Return the fields of a push.

        Raises:
            PushForged: it was not WeChat who sent it, or not to this account, or too long ago.
            PushMalformed: it was WeChat, but the content makes no sense.
        """
        self._check_age(query, at)
        if self._crypto is None:
            self._check(query.signature, query)
            return OpenedPush(read_body(body), "plain")
        if not query.is_encrypted:
            raise PushForged
        envelope = read_body(body)
        cipher = envelope.get("Encrypt")
        if not isinstance(cipher, str) or not cipher:
            raise PushMalformed
        self._check(query.msg_signature, query, cipher)
        fields = read_body(_decrypted(self._crypto.key, cipher, self._account.appid))
        return OpenedPush(fields, "compatible" if "FromUserName" in envelope else "safe")

    def reply(self, push: OpenedPush, *, text: str, at: datetime) -> str:
        """Write a text answer, encrypted when the push was."""
        timestamp = int(at.timestamp())
        answer = text_reply(push.fields, text=text, timestamp=timestamp)
        if self._crypto is None:
            return answer
        nonce = secrets.token_hex(8)
        return str(self._crypto.encrypt_message(answer, nonce, str(timestamp)))

    def _check_age(self, query: PushQuery, at: datetime) -> None:
        if (
            not _EPOCH.fullmatch(query.timestamp)
            or abs(at.timestamp() - int(query.timestamp)) > FRESH_WITHIN.total_seconds()
        ):
            raise PushForged

    def _check(self, given: str, query: PushQuery, *signed: str) -> None:
        parts = sorted((self._account.token, query.timestamp, query.nonce, *signed))
        expected = hashlib.sha1("".join(parts).encode(), usedforsecurity=False).hexdigest()
        if not hmac.compare_digest(given.encode(), expected.encode()):
            raise PushForged


def _decrypted(key: bytes, cipher: str, appid: str) -> bytes:
    try:
        text = PrpCrypto(key).decrypt(cipher, appid)
    except Exception as error:  # wechatpy lets struct, base64, index and Unicode errors through
        raise PushForged from error
    return str(text).encode()
