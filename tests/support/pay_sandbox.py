"""A sandbox whose WeChat Pay the tests drive; a double payment in it fails the test that caused it."""

import copy
import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic, time
from typing import Any

import requests
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from loyalty.gateways.pay_protocols import TransferOrder
from loyalty.settings import WechatPayMerchant
from sandbox.defaults import DEFAULT_ACCOUNTS, MP_APPID
from sandbox.server import Handle, start
from trial.keys import MAKERS, public_pem

MCH_ID = "1900000001"
API_V3_KEY = "0123456789abcdef0123456789ABCDEF"
PUBLIC_KEY_ID = "PUB_KEY_ID_0119000000012026112200000000000000"
SERIAL_NO = "444F4864EA9B34415D2A1B6F5A0E7C8D9E0F1A2B"
BILLS = "/fund-app/mch-transfer/transfer-bills"


@dataclass
class PaySandbox:
    """A running sandbox, from both sides of its counter."""

    handle: Handle

    @property
    def url(self) -> str:
        return self.handle.url

    def control(self, path: str, body: dict[str, Any] | None = None, *, method: str = "POST", status: int = 0) -> Any:
        """Call the control API; any success will do unless a status is named."""
        answer = requests.request(method, f"{self.url}/_sim{path}", json=body, timeout=20)
        assert answer.status_code == status if status else answer.ok, answer.text
        return answer.json()

    def user(self, **given: Any) -> dict[str, Any]:
        return dict(self.control("/users", given))

    def fault(self, **given: Any) -> None:
        self.control("/faults", given)

    def advance(self, seconds: int) -> None:
        self.control("/clock", {"advance_seconds": seconds})

    def book(self) -> dict[str, Any]:
        """What moved, as the platform sees it."""
        return dict(self.control("/pay/book", method="GET"))

    def bill(self, out_bill_no: str) -> dict[str, Any]:
        return next(bill for bill in self.book()["transfers"] if bill["out_bill_no"] == out_bill_no)

    def confirm(self, user: dict[str, Any], out_bill_no: str, *, status: int = 200) -> Any:
        """The person opens the confirmation and takes the money."""
        bill = self.bill(out_bill_no)
        given = {"mchId": MCH_ID, "appId": bill["appid"], "package": bill["package_info"] or ""}
        return self.control(f"/users/{user['id']}/transfers/confirm", given, status=status)

    def move(self, out_bill_no: str, state: str, *, status: int = 200, **given: Any) -> Any:
        """Move a bill on that a fault held back."""
        return self.control(f"/pay/transfers/{out_bill_no}/move", {"state": state, **given}, status=status)

    def stand_for(self, keys: dict[str, str]) -> None:
        """Declare for which business key each bill pays."""
        self.control("/pay/business-keys", {"keys": keys})

    def alarms(self) -> list[dict[str, Any]]:
        """Double payments seen."""
        return list(self.control("/pay/alarms", method="GET"))

    def ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, shift: int = 0, **changes: str
    ) -> requests.Response:
        """Send a signed request of the merchant; ``shift`` and ``changes`` spoil its Authorization."""
        sent = "" if body is None else json.dumps(body, ensure_ascii=False)
        parts = {"mchid": MCH_ID, "nonce_str": "NONCE", "timestamp": str(int(time()) + shift), "serial_no": SERIAL_NO}
        text = "\n".join((method, f"/v3{path}", parts["timestamp"], parts["nonce_str"], sent, ""))
        signed = _signing_key().sign(text.encode(), PKCS1v15(), SHA256())
        parts |= {"signature": b64encode(signed).decode()} | changes
        header = ",".join(f'{name}="{value}"' for name, value in parts.items())
        return requests.request(
            method,
            f"{self.url}/api.mch.weixin.qq.com/v3{path}",
            data=sent.encode(),
            headers={"Authorization": f"WECHATPAY2-SHA256-RSA2048 {header}"},
            timeout=20,
        )

    def calls(self, path: str) -> list[dict[str, Any]]:
        """The calls received whose path contains ``path``."""
        return list(self.control(f"/log/requests?path={path}", method="GET"))


@contextmanager
def pay_sandbox(**merchant: Any) -> Iterator[PaySandbox]:
    """Run a sandbox with the keys of ``merchant_settings``; fail at the end if anything was paid twice."""
    accounts = [account | {"push_url": ""} for account in copy.deepcopy(DEFAULT_ACCOUNTS)]
    config = {
        "accounts": accounts,
        "merchant": merchant_of_sandbox(**merchant),
        "event_delay_seconds": 0,
        "push_timeout_seconds": 5,
    }
    handle = start(config)
    try:
        sandbox = PaySandbox(handle)
        yield sandbox
        assert sandbox.alarms() == [], "something was paid twice"
    finally:
        handle.stop()


def merchant_of_sandbox(**changes: Any) -> dict[str, Any]:
    """Return the merchant of ``merchant_settings`` as the sandbox is told of it."""
    made = {
        "mch_id": MCH_ID,
        "serial_no": SERIAL_NO,
        "merchant_public_key": public_pem(_keys()[0]),
        "api_v3_key": API_V3_KEY,
        "platform_private_key": _keys()[1],
        "public_key_id": PUBLIC_KEY_ID,
        "cancel_seconds": 0,
        "notify_retry_seconds": [0] * 5,
    }
    return made | changes


def merchant_settings(**changes: str) -> WechatPayMerchant:
    """Return the settings of the merchant that ``pay_sandbox`` knows."""
    values = {
        "mch_id": MCH_ID,
        "serial_no": SERIAL_NO,
        "private_key": _keys()[0],
        "public_key_id": PUBLIC_KEY_ID,
        "public_key": public_pem(_keys()[1]),
        "api_v3_key": API_V3_KEY,
    }
    return WechatPayMerchant(**values | changes)


def merchant_environment() -> dict[str, str]:
    """Return the same as environment variables."""
    merchant = merchant_settings()
    return {
        "WECHATPAY_MCH_ID": merchant.mch_id,
        "WECHATPAY_SERIAL_NO": merchant.serial_no,
        "WECHATPAY_PRIVATE_KEY": merchant.private_key,
        "WECHATPAY_PUBLIC_KEY_ID": merchant.public_key_id,
        "WECHATPAY_PUBLIC_KEY": merchant.public_key,
        "WECHATPAY_API_KEY": merchant.api_v3_key,
    }


def order_of(user: dict[str, Any], out_bill_no: str, **changes: Any) -> TransferOrder:
    """Return a right order for a person of the sandbox, parts of it replaced."""
    values = {
        "out_bill_no": out_bill_no,
        "appid": MP_APPID,
        "openid": user["openids"][MP_APPID],
        "amount_fen": 1234,
        "scene_id": "1005",
        "remark": f"佣金提现{out_bill_no}"[:32],
        "perception": "劳务报酬",
        "report": [("岗位类型", "推广员"), ("报酬说明", "推荐佣金")],
    }
    return TransferOrder(**values | changes)


@dataclass
class Merchant:
    """A tiny backend that takes callbacks; ``status`` is what it answers."""

    url: str = ""
    status: int = 204
    letters: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, count: int, *, seconds: float = 10) -> list[tuple[dict[str, str], bytes]]:
        """Return the headers and bodies that came, as soon as there are ``count`` of them."""
        end = monotonic() + seconds
        with self.changed:
            while len(self.letters) < count and monotonic() < end:
                self.changed.wait(end - monotonic())
            assert len(self.letters) >= count, f"{len(self.letters)} of {count} callbacks came"
            return list(self.letters)


@contextmanager
def merchant_backend() -> Iterator[Merchant]:
    """Take callbacks on a free port."""
    merchant = Merchant()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"merchant": merchant}))
    merchant.url = f"http://127.0.0.1:{server.server_address[1]}/callbacks/wechatpay"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield merchant
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    merchant: Merchant

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.merchant.changed:
            self.merchant.letters.append((dict(self.headers), body))
            self.merchant.changed.notify_all()
        self.send_response(self.merchant.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@cache
def _keys() -> tuple[str, str]:
    """Return the private keys of merchant and platform, made once for a run."""
    return MAKERS["merchant_private_key"](), MAKERS["platform_private_key"]()


@cache
def _signing_key() -> RSAPrivateKey:
    key = load_pem_private_key(_keys()[0].encode(), password=None)
    assert isinstance(key, RSAPrivateKey)
    return key
