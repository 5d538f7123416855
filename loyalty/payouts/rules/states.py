"""States of a payout (打款状态), what may follow what, and which step is next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from loyalty.gateways.pay_protocols import TransferState


class PayoutState(StrEnum):
    """Where a payout stands."""

    AWAITING_APPROVAL = "awaiting_approval"
    NEW = "new"
    SENDING = "sending"
    """A create is under way, or its worker died with it: whether it arrived is not known."""
    UNKNOWN = "unknown"
    """Whether WeChat Pay has it is asked before anything else happens."""
    ACCEPTED = "accepted"
    WAITING_CONFIRM = "waiting_confirm"
    """The member has 24 hours to confirm."""
    TRANSFERRING = "transferring"
    CANCELLING = "cancelling"
    SUCCESS = "success"
    RETURNED = "returned"
    """The money is back in the member's account; ``return_reason`` says why."""


class ReturnReason(StrEnum):
    """Why a payout came back."""

    FAILED = "failed"
    CANCELLED = "cancelled"
    OVERDUE = "overdue"
    """Not confirmed within 24 hours."""
    REFUSED = "refused"
    """WeChat Pay did not take it, and knows no such bill."""
    REJECTED = "rejected"
    """Whoever had to approve it did not."""


class Destination(StrEnum):
    """What a member is paid in."""

    WECHAT = "wechat"
    POINTS = "points"


class Step(StrEnum):
    """What is to be done next with a payout, by a call to WeChat Pay."""

    SEND = "send"
    QUERY = "query"
    CANCEL = "cancel"


FINAL = frozenset({PayoutState.SUCCESS, PayoutState.RETURNED})
BEFORE_SENDING = frozenset({PayoutState.AWAITING_APPROVAL, PayoutState.NEW})
CANCELLABLE = BEFORE_SENDING | {
    PayoutState.SENDING,
    PayoutState.UNKNOWN,
    PayoutState.ACCEPTED,
    PayoutState.WAITING_CONFIRM,
}
"""May still be called back; whether that comes in time is for WeChat Pay to say."""
UNSENT = frozenset({PayoutState.SENDING, PayoutState.UNKNOWN})
"""Tried, but as far as we know not there yet."""
_AT_WECHAT = frozenset(
    {PayoutState.ACCEPTED, PayoutState.WAITING_CONFIRM, PayoutState.TRANSFERRING, PayoutState.CANCELLING}
)
NEXT: Mapping[PayoutState, frozenset[PayoutState]] = {
    PayoutState.AWAITING_APPROVAL: frozenset({PayoutState.NEW, PayoutState.RETURNED}),
    PayoutState.NEW: frozenset({PayoutState.SENDING, PayoutState.RETURNED}),
    PayoutState.SENDING: frozenset({PayoutState.UNKNOWN}) | _AT_WECHAT | FINAL,
    PayoutState.UNKNOWN: frozenset({PayoutState.SENDING}) | _AT_WECHAT | FINAL,
    PayoutState.ACCEPTED: (_AT_WECHAT - {PayoutState.ACCEPTED}) | FINAL,
    PayoutState.WAITING_CONFIRM: frozenset({PayoutState.TRANSFERRING, PayoutState.CANCELLING}) | FINAL,
    # A cancel may come too late for a member who confirms at the same moment: WeChat Pay says what happened.
    PayoutState.TRANSFERRING: FINAL,
    PayoutState.CANCELLING: FINAL,
    PayoutState.SUCCESS: frozenset(),
    PayoutState.RETURNED: frozenset(),
}
"""Only forward; between SENDING and UNKNOWN it goes to and fro until WeChat Pay knows the bill."""

_OF_TRANSFER: Mapping[TransferState, PayoutState] = {
    TransferState.ACCEPTED: PayoutState.ACCEPTED,
    TransferState.PROCESSING: PayoutState.ACCEPTED,
    TransferState.WAIT_USER_CONFIRM: PayoutState.WAITING_CONFIRM,
    TransferState.TRANSFERING: PayoutState.TRANSFERRING,
    TransferState.SUCCESS: PayoutState.SUCCESS,
    TransferState.FAIL: PayoutState.RETURNED,
    TransferState.CANCELING: PayoutState.CANCELLING,
    TransferState.CANCELLED: PayoutState.RETURNED,
}
_OVERDUE = "OVERDUE_CLOSE"

SEND_WITHIN = timedelta(seconds=10)
"""A worker that comes to its call later than this after marking it does not call: somebody else may be at it."""
STEP_LEASE = timedelta(minutes=2)
"""Longer than ``SEND_WITHIN`` and a call's time limits together: nobody is still calling when it runs out."""
_POLL_AFTER = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=60))
QUICK_POLLS = len(_POLL_AFTER)
"""After so many, what has not ended is asked about hourly, and may wait behind what is new."""
_HOURLY, _DAILY = timedelta(hours=1), timedelta(days=1)
STUCK_AFTER = timedelta(hours=48)
"""A payout that has not ended so long after it was sent is polled daily, and people must look at it."""
CONFIRM_WITHIN = timedelta(hours=24)
"""Within which the member has to confirm; WeChat Pay then closes the bill itself."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides the next step of a payout."""

    state: PayoutState
    is_cleared: bool
    """A query has answered since the last create or cancel, so that the next may go out."""
    is_cancel_wanted: bool
    has_package: bool


def state_of(state: TransferState, fail_reason: str | None) -> tuple[PayoutState, ReturnReason | None]:
    """Translate what WeChat Pay says of a bill."""
    ours = _OF_TRANSFER[state]
    if ours is not PayoutState.RETURNED:
        return ours, None
    if state is TransferState.CANCELLED:
        return ours, ReturnReason.CANCELLED
    return ours, ReturnReason.OVERDUE if fail_reason == _OVERDUE else ReturnReason.FAILED


def next_step(standing: Standing) -> Step | None:
    """Return what is due next; a create only where nothing was sent or a query has cleared it since."""
    match standing.state:
        case PayoutState.AWAITING_APPROVAL | PayoutState.SUCCESS | PayoutState.RETURNED:
            return None
        case PayoutState.NEW:
            return Step.SEND
        case PayoutState.UNKNOWN if standing.is_cleared:
            return Step.SEND
        case PayoutState.WAITING_CONFIRM | PayoutState.ACCEPTED if standing.is_cleared and standing.is_cancel_wanted:
            return Step.CANCEL
        case PayoutState.WAITING_CONFIRM if standing.is_cleared and not standing.has_package:
            # Only a create tells what the member's phone needs; with the same number it makes no second bill.
            return Step.SEND
        case _:
            return Step.QUERY


def poll_at(*, at: datetime, sent_at: datetime, polls: int) -> datetime:
    """Return when to ask again: after 1, 5, 15 and 60 minutes, hourly until 48 hours have passed, then daily."""
    if polls < QUICK_POLLS:
        return at + _POLL_AFTER[polls]
    return at + (_HOURLY if at - sent_at < STUCK_AFTER else _DAILY)
