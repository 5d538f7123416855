"""Callbacks of WeChat Pay: proved, opened, and read as the end of one transfer."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from wechatpayv3.utils import aes_decrypt

from loyalty.gateways.pay_protocols import NoticeRefused, TransferNotice, TransferState
from loyalty.gateways.wechatpay.core import GuardedCore
from loyalty.settings import WechatPayMerchant

_EVENT = "MCHTRANSFER.BILL.FINISHED"
_ALGORITHM = "AEAD_AES_256_GCM"
_ENDS = (TransferState.SUCCESS, TransferState.FAIL, TransferState.CANCELLED)


def read(
    headers: Mapping[str, str], body: bytes, *, core: GuardedCore, merchant: WechatPayMerchant, at: datetime
) -> TransferNotice:
    """Prove and open a callback.

    Raises:
        NoticeRefused: the text says why in a word or two, without any content.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise NoticeRefused("encoding") from None
    core.prove(headers, text, at=at)
    try:
        envelope = json.loads(text)
        if envelope["event_type"] != _EVENT:
            raise NoticeRefused("event type")
        told = json.loads(_opened(envelope["resource"], merchant.api_v3_key))
        return _notice(str(envelope["id"]), told, mch_id=merchant.mch_id)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise NoticeRefused("content") from None


def _opened(resource: Mapping[str, str], key: str) -> str:
    if resource["algorithm"] != _ALGORITHM:
        raise NoticeRefused("algorithm")
    text = aes_decrypt(
        nonce=resource["nonce"],
        ciphertext=resource["ciphertext"],
        associated_data=resource.get("associated_data") or "",
        apiv3_key=key,
    )
    if text is None:
        raise NoticeRefused("key")
    return str(text)


def _notice(notice_id: str, told: Mapping[str, Any], *, mch_id: str) -> TransferNotice:
    if told["mch_id"] != mch_id:
        raise NoticeRefused("merchant")
    state = TransferState(told["state"])
    if state not in _ENDS:
        raise NoticeRefused("state")
    amount = told["transfer_amount"]
    if not isinstance(amount, int) or isinstance(amount, bool):
        raise NoticeRefused("amount")
    return TransferNotice(
        notice_id=notice_id,
        out_bill_no=str(told["out_bill_no"]),
        transfer_bill_no=str(told["transfer_bill_no"]),
        state=state,
        amount_fen=amount,
        openid=str(told["openid"]),
        fail_reason=str(told["fail_reason"]) if told.get("fail_reason") else None,
        updated_at=datetime.fromisoformat(told["update_time"]) if told.get("update_time") else None,
    )
