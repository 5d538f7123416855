"""wechatpayv3's client, which believes nothing that does not carry a fresh signature under the one known key."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from requests.structures import CaseInsensitiveDict
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.core import Core

from loyalty.gateways.pay_protocols import NoticeRefused
from loyalty.settings import WechatPayMerchant

HOST = "https://api.mch.weixin.qq.com"
TIMEOUT_SECONDS = (3.0, 15.0)
FRESH_WITHIN = timedelta(minutes=5)
_SIGNATURE_TYPE = "WECHATPAY2-SHA256-RSA2048"


class GuardedCore(Core):  # type: ignore[misc]
    """Checks type, serial and age before the signature, so that an unknown serial never causes a call of ours."""

    def __init__(self, merchant: WechatPayMerchant, *, sandbox_url: str | None, now: Callable[[], datetime]) -> None:
        super().__init__(
            mchid=merchant.mch_id,
            cert_serial_no=merchant.serial_no,
            private_key=merchant.private_key,
            apiv3_key=merchant.api_v3_key,
            timeout=TIMEOUT_SECONDS,
            public_key=merchant.public_key,
            public_key_id=merchant.public_key_id,
        )
        if sandbox_url is not None:
            self._gate_way = f"{sandbox_url.rstrip('/')}/{HOST.removeprefix('https://')}"
        self._now = now

    @property
    def address(self) -> str:
        """Where calls go, without a path."""
        return str(self._gate_way)

    def prove(self, headers: Mapping[str, str], body: str, *, at: datetime) -> None:
        """Check who signed a body, and when.

        Raises:
            NoticeRefused: not WeChat Pay, not under our key, or not now.
        """
        given = CaseInsensitiveDict(dict(headers))
        if given.get("Wechatpay-Signature-Type") != _SIGNATURE_TYPE:
            raise NoticeRefused("signature type")
        if given.get("Wechatpay-Serial") != self._public_key_id:
            raise NoticeRefused("serial")
        if not _is_fresh(given.get("Wechatpay-Timestamp", ""), at):
            raise NoticeRefused("age")
        if not super()._verify_signature(given, body):
            raise NoticeRefused("signature")

    def _verify_signature(self, headers: Mapping[str, str], body: str) -> bool:
        """Prove an answer; the library calls this for every one in the 200s."""
        self.prove(headers, body, at=self._now())
        return True


def client(merchant: WechatPayMerchant, *, core: GuardedCore, notify_url: str) -> Any:
    """Make the library's client speak through a guarded core; it is given no logger, for it would log parameters."""
    made = WeChatPay(
        wechatpay_type=WeChatPayType.MINIPROG,
        mchid=merchant.mch_id,
        private_key=merchant.private_key,
        cert_serial_no=merchant.serial_no,
        appid="",  # given with every call: a brand has several
        apiv3_key=merchant.api_v3_key,
        notify_url=notify_url,
        public_key=merchant.public_key,
        public_key_id=merchant.public_key_id,
    )
    made._core = core
    return made


def _is_fresh(timestamp: str, at: datetime) -> bool:
    is_number = timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= len("9999999999")
    return is_number and abs(at.timestamp() - int(timestamp)) <= FRESH_WITHIN.total_seconds()
