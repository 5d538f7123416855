"""A client of the partner API that needs nothing but Python 3.11.

    till = PartnerClient("https://member.example.com", key_id="pk_…", secret="…")
    member_ref = till.name_member(store_code="SH001", member_code="68…")["member_ref"]
    till.post("/purchases", {"store_code": "SH001", "member_ref": member_ref, …})

A request that got no answer is sent again with the same content: it is taken once, however often it arrives.
"""

import hashlib
import hmac
import json
import secrets
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

PREFIX = "/partner/v1"
TRIES = 4


class PartnerError(Exception):
    """A refusal: ``code`` is for programs, ``message`` for people, ``request_id`` for whoever asks about it."""

    def __init__(self, status: int, answer: Mapping[str, Any]) -> None:
        error = answer["error"]
        super().__init__(f"{status} {error['code']}: {error['message']}")
        self.status, self.code, self.message = status, error["code"], error["message"]
        self.details, self.request_id = error["details"], answer["request_id"]


@dataclass(frozen=True)
class PartnerClient:
    """Signs requests with a key and sends them; ``clock`` tells Unix time."""

    base_url: str
    key_id: str
    secret: str
    timeout_seconds: float = 10.0
    clock: Callable[[], float] = time.time
    wait: Callable[[float], None] = time.sleep

    def name_member(self, *, idempotency_key: str | None = None, **named: str) -> Any:
        """Exchange ``member_code`` or ``phone``, at ``store_code``, for a reference of fifteen minutes."""
        return self.post("/member-refs", named, idempotency_key=idempotency_key or secrets.token_hex(16))

    def get(self, path: str, **query: str | int) -> Any:
        """Ask for something."""
        return self._send("GET", f"{path}?{urllib.parse.urlencode(query)}" if query else path, b"", {})

    def post(self, path: str, body: Mapping[str, Any], *, idempotency_key: str | None = None) -> Any:
        """Report something; ``idempotency_key`` where the body has no number of its own."""
        headers = {"Content-Type": "application/json"}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        return self._send("POST", path, json.dumps(body, ensure_ascii=False).encode(), headers)

    def _send(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Any:
        for attempt in range(1, TRIES + 1):
            try:
                return self._send_once(method, PREFIX + path, body, headers)
            except urllib.error.HTTPError as refused:
                if attempt == TRIES or refused.code not in (429, 500, 502, 503, 504):
                    raise PartnerError(refused.code, json.load(refused)) from refused
                self.wait(float(refused.headers.get("Retry-After") or attempt))
            except OSError:
                if attempt == TRIES:
                    raise
                self.wait(float(attempt))
        raise AssertionError("unreachable: the last try returns or raises")

    def _send_once(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> Any:
        signed = {**headers, **self._signature(method, target, body)}
        data = body if method == "POST" else None
        request = urllib.request.Request(self.base_url + target, data=data, headers=signed, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=self.timeout_seconds) as answer:  # noqa: S310
            text = answer.read()
        return json.loads(text) if text else None

    def _signature(self, method: str, target: str, body: bytes) -> dict[str, str]:
        """Sign anew for each try: a nonce is good once, and the time must be right within five minutes."""
        timestamp, nonce = str(int(self.clock())), secrets.token_hex(16)
        text = "\n".join((method, target, timestamp, nonce, hashlib.sha256(body).hexdigest()))
        return {
            "Partner-Key": self.key_id,
            "Partner-Timestamp": timestamp,
            "Partner-Nonce": nonce,
            "Partner-Signature": hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest(),
        }
