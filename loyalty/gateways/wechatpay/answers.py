"""What an answer of WeChat Pay says about a bill; the only place that knows its error codes.

A code that does not stand here says nothing: the bill may or may not exist, and only a query can tell. Answers outside
the 200s are not signed, which is why even a refusal is followed by a query.
"""

import json
from collections.abc import Mapping
from typing import Any

from loyalty.gateways.pay_protocols import TransferAnswer, TransferOutcome, TransferState
from loyalty.kernel.database import Json

_TOO_FAST = frozenset({"FREQUENCY_LIMITED", "FREQUENCY_LIMIT", "FREQUENCY_LIMIT_EXCEED", "RATELIMIT_EXCEEDED"})
_NOT_FOUND = frozenset({"NOT_FOUND", "RESOURCE_NOT_EXISTS", "ORDER_NOT_EXIST"})
CREATE_REFUSED = frozenset({"PARAM_ERROR", "INVALID_REQUEST", "NO_AUTH", "SIGN_ERROR", "ALREADY_EXISTS"})
CANCEL_REFUSED = frozenset({"PARAM_ERROR", "INVALID_REQUEST"})
NEVER_REFUSED: frozenset[str] = frozenset()
"""For a query: that we may not ask says nothing about the bill."""
_MESSAGE_LENGTH_MAX = 200


def unclear(code: str, message: str = "") -> TransferAnswer:
    """Return that nothing is known."""
    return TransferAnswer(TransferOutcome.UNCLEAR, code=code, message=message[:_MESSAGE_LENGTH_MAX])


def refused(code: str, message: str) -> TransferAnswer:
    """Return a refusal of our own, before anything was sent."""
    return TransferAnswer(TransferOutcome.REFUSED, code=code, message=message)


def read(status: int, text: str | bytes, *, mch_id: str, out_bill_no: str, refusals: frozenset[str]) -> TransferAnswer:
    """Read one answer; ``refusals`` are the codes that are definite for this call."""
    body = parsed(text)
    if not 200 <= status < 300:
        return refusal(status, body, refusals)
    if body.get("out_bill_no") != out_bill_no or body.get("mch_id", mch_id) != mch_id:
        return unclear("OTHER_BILL", "the answer is about another bill")
    state = _state(body.get("state"))
    if state is None:
        return unclear("UNKNOWN_STATE", str(body.get("state")))
    return TransferAnswer(
        TransferOutcome.TOLD,
        state=state,
        transfer_bill_no=text_of(body, "transfer_bill_no"),
        package_info=text_of(body, "package_info") if state is TransferState.WAIT_USER_CONFIRM else None,
        amount_fen=_fen(body.get("transfer_amount")),
        openid=text_of(body, "openid"),
        fail_reason=text_of(body, "fail_reason"),
    )


def error_code(text: str | bytes) -> str:
    """Return the code of a refusal; empty when it is not one of WeChat Pay's."""
    return text_of(parsed(text), "code") or ""


def refusal(status: int, body: Mapping[str, Any], refusals: frozenset[str]) -> TransferAnswer:
    """Read an answer outside the 200s."""
    code = text_of(body, "code") or f"HTTP_{status}"
    message = (text_of(body, "message") or "")[:_MESSAGE_LENGTH_MAX]
    return TransferAnswer(_outcome(status, code, refusals), code=code, message=message)


def _outcome(status: int, code: str, refusals: frozenset[str]) -> TransferOutcome:
    if status >= 500:  # whatever a failing server says of itself, it may have done it
        return TransferOutcome.UNCLEAR
    if code in refusals:
        return TransferOutcome.REFUSED
    if code == "NOT_ENOUGH":
        return TransferOutcome.NOT_ENOUGH
    if code in _NOT_FOUND and status == 404:  # both, for a proxy's 404 says nothing
        return TransferOutcome.UNKNOWN_BILL
    return TransferOutcome.BUSY if code in _TOO_FAST else TransferOutcome.UNCLEAR


def parsed(text: str | bytes) -> Json:
    """Return the object that a body is; an empty one for whatever else."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _state(given: object) -> TransferState | None:
    return TransferState(given) if isinstance(given, str) and given in TransferState.__members__ else None


def text_of(body: Mapping[str, Any], name: str) -> str | None:
    """Return a text of a body; nothing for one that is empty or no text."""
    value = body.get(name)
    return value if isinstance(value, str) and value else None


def _fen(given: object) -> int | None:
    return given if isinstance(given, int) and not isinstance(given, bool) else None
