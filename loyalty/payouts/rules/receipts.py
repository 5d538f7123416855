"""Electronic receipts (电子回单) of payouts: stages of an application, and what is done next.

Source: WeChat Pay, 商户单号申请电子回单 (2025-03): for transfers that were paid, within six months, and carried the
payee's name; an application is good for ninety days.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from loyalty.kernel.errors import Conflict


class ReceiptStage(StrEnum):
    """How far the receipt of a payout is."""

    WANTED = "wanted"
    ASKED = "asked"
    """An application is under way, or its answer was lost: whether it arrived is asked before another one."""
    GENERATING = "generating"
    FINISHED = "finished"
    FAILED = "failed"
    """There is none; ``problem`` says why. It may be asked for again."""


class ReceiptProblem(StrEnum):
    """Why there is no receipt."""

    REFUSED = "refused"
    """WeChat Pay did not take the application."""
    NOT_MADE = "not_made"
    """WeChat Pay took it, and could not make the receipt."""
    TOO_LONG = "too_long"
    """It has been in the making for so long that nobody waits any more."""
    LAPSED = "lapsed"
    """WeChat Pay no longer has it: ninety days have passed."""


class ReceiptStep(StrEnum):
    """A call to WeChat Pay about a receipt."""

    APPLY = "apply"
    QUERY = "query"


ENDED = frozenset({ReceiptStage.FINISHED, ReceiptStage.FAILED})
STEP_LEASE = timedelta(minutes=2)
"""Longer than a call's time limits: nobody is still calling when it runs out."""
WAITED_FOR = timedelta(hours=48)
_POLL_AFTER = tuple(timedelta(minutes=minutes) for minutes in (2, 5, 15, 60))
"""WeChat Pay wants to be asked every two minutes at most."""


class ReceiptUnavailable(Conflict):
    """There are receipts only of payouts that have arrived in a WeChat wallet, and were sent with the payee's name."""

    code = "payout_receipt_unavailable"
    message = "仅 2000 元及以上（转账时带收款人姓名）、已到账到微信零钱的提现可以申请电子回单"


class ReceiptNotReady(Conflict):
    """The receipt was not asked for, is still in the making, or could not be made."""

    code = "payout_receipt_not_ready"
    message = "电子回单尚未生成，暂不能下载"


class ReceiptLapsed(Conflict):
    """WeChat Pay no longer has the receipt: it has to be asked for again."""

    code = "payout_receipt_lapsed"
    message = "电子回单已过期，请重新申请"


def next_receipt_step(stage: ReceiptStage) -> ReceiptStep | None:
    """Return what is to be called next; nothing at the end."""
    match stage:
        case ReceiptStage.WANTED:
            return ReceiptStep.APPLY
        case ReceiptStage.ASKED | ReceiptStage.GENERATING:
            return ReceiptStep.QUERY
        case ReceiptStage.FINISHED | ReceiptStage.FAILED:
            return None


def ask_again_at(*, at: datetime, polls: int) -> datetime:
    """Return when to call again: after 2, 5, 15 and 60 minutes, then hourly."""
    return at + _POLL_AFTER[min(polls, len(_POLL_AFTER) - 1)]
