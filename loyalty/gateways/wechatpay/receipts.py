"""Electronic receipts (电子回单) of transfers: what WeChat Pay says of one, and whether a file is the one it announced.

Source: WeChat Pay, 商户单号查询电子回单 (2025-03). The answer does not name the bill it is about.
"""

import hashlib
import re
from typing import NoReturn

from loyalty.gateways.errors import WechatUnavailable
from loyalty.gateways.pay_protocols import ReceiptAnswer, ReceiptFile, ReceiptState, TransferAnswer, TransferOutcome
from loyalty.gateways.wechatpay import answers
from loyalty.kernel.database import Json

REFUSED = frozenset({"PARAM_ERROR", "INVALID_REQUEST", "NO_AUTH"})
_HASH_TYPE = "SHA256"
_DIGEST = re.compile(r"[0-9A-Fa-f]{64}")


def nothing_told(said: TransferAnswer) -> ReceiptAnswer:
    """Return an answer that tells of no receipt, whichever call it was to."""
    return ReceiptAnswer(said.outcome, code=said.code, message=said.message)


def read(status: int, text: str | bytes, *, refusals: frozenset[str]) -> ReceiptAnswer:
    """Read the answer to an application or a query; ``refusals`` are the codes that are definite for this call."""
    body = answers.parsed(text)
    if not 200 <= status < 300:
        return nothing_told(answers.refusal(status, body, refusals))
    state = answers.text_of(body, "state")
    if state is None or state not in ReceiptState.__members__:
        return nothing_told(answers.unclear("UNKNOWN_STATE"))
    fail_reason = answers.text_of(body, "fail_reason")
    return ReceiptAnswer(TransferOutcome.TOLD, state=ReceiptState(state), sha256=_digest(body), fail_reason=fail_reason)


def address(text: str | bytes) -> tuple[str, str]:
    """Return where a receipt that is made lies, and its digest.

    Raises:
        WechatUnavailable: the answer is not as described.
    """
    body = answers.parsed(text)
    url, digest = answers.text_of(body, "download_url"), _digest(body)
    if url is None or digest is None:
        _unusable("not as described")
    return url, digest


def checked(content: bytes, *, sha256: str) -> ReceiptFile:
    """Return a downloaded file.

    Raises:
        WechatUnavailable: it is not the file that was announced.
    """
    if hashlib.sha256(content).hexdigest() != sha256:
        _unusable("another digest")
    return ReceiptFile(content, sha256)


def _digest(body: Json) -> str | None:
    digest = answers.text_of(body, "hash_value")
    is_ours = body.get("hash_type") == _HASH_TYPE and digest is not None and _DIGEST.fullmatch(digest)
    return digest.lower() if digest and is_ours else None


def _unusable(reason: str) -> NoReturn:
    raise WechatUnavailable(interface="elecsign", reason=reason)
