"""Signatures (签名): HMAC-SHA256 over what makes up a request, good for five minutes and one use.

The text that is signed has five lines: method, path with query, Unix time in seconds, nonce, and the SHA-256 of
the body in hexadecimal. What a refusal tells never depends on whether a key exists.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from loyalty.kernel.errors import NotAuthenticated

WINDOW = timedelta(minutes=5)
"""How far the time of a request may lie from ours, either way."""
NONCES_KEPT = 3 * WINDOW
"""Longer than a request can stay within the window."""
SECRET_BYTES = 32
_KEY_ID = re.compile(r"pk_[0-9a-f]{16}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")


class SignatureMissing(NotAuthenticated):
    """One of the four headers of a signed request is missing or has another form."""

    code = "signature_missing"
    message = "请求没有完整签名，请检查 Partner-Key、Partner-Timestamp、Partner-Nonce、Partner-Signature"


class SignatureOutdated(NotAuthenticated):
    """The request was signed more than five minutes ago, or by a clock that is ahead of ours."""

    code = "signature_outdated"
    message = "请求时间与服务器相差超过五分钟，请校准时钟后重新签名"


class SignatureInvalid(NotAuthenticated):
    """The key is unknown or switched off, or the signature is not by one of its secrets; which is not told."""

    code = "signature_invalid"
    message = "密钥或签名不正确"


class NonceUsed(NotAuthenticated):
    """This request was received before; a retry needs a nonce and a signature of its own."""

    code = "nonce_used"
    message = "该请求已经提交过，重试请使用新的 Nonce 并重新签名"


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as it arrived, with the four headers that prove it; ``target`` is the path with its query."""

    key_id: str
    timestamp: str
    nonce: str
    signature: str
    method: str
    target: str
    body: bytes


def sign(secret: str, *, method: str, target: str, timestamp: str, nonce: str, body: bytes) -> str:
    """Return the signature of a request."""
    text = "\n".join((method, target, timestamp, nonce, hashlib.sha256(body).hexdigest()))
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def is_signed_by(secret: str, request: SignedRequest) -> bool:
    """Tell, in a time that says nothing, whether a request was signed with a secret."""
    expected = sign(
        secret,
        method=request.method,
        target=request.target,
        timestamp=request.timestamp,
        nonce=request.nonce,
        body=request.body,
    )
    return hmac.compare_digest(expected, request.signature)


def check_form(request: SignedRequest, *, at: datetime) -> None:
    """Refuse a request that no key needs to be looked up for.

    Raises:
        SignatureMissing: a header is missing or malformed.
        SignatureOutdated: signed outside the window.
    """
    is_complete = (
        _KEY_ID.fullmatch(request.key_id)
        and _TIMESTAMP.fullmatch(request.timestamp)
        and _NONCE.fullmatch(request.nonce)
        and _SIGNATURE.fullmatch(request.signature)
    )
    if not is_complete:
        raise SignatureMissing
    if abs(at.timestamp() - int(request.timestamp)) > WINDOW.total_seconds():
        raise SignatureOutdated
