"""Approvals rules: what is approved by a second person, and who that may be."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from loyalty.kernel.errors import Conflict, NotAllowed, NotFound


class ApprovalKind(StrEnum):
    """What somebody asks another to approve (复核)."""

    ADJUSTMENT_BATCH = "adjustment_batch"
    PARTNER_KEY = "partner_key"
    COUPON_ISSUE = "coupon_issue"
    PAYOUT = "payout"
    PAYOUT_BATCH = "payout_batch"
    CAMPAIGN = "campaign"


class ApprovalState(StrEnum):
    """Where a request stands; decided once and for ever."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"


class ApprovalNotFound(NotFound):
    """There is no such request."""

    code = "approval_not_found"
    message = "没有找到该复核申请"


class ApprovalByMaker(NotAllowed):
    """Whoever asked for it may not decide on it."""

    code = "approval_by_maker"
    message = "提交人不能复核自己的申请，请由其他同事复核"


class ApprovalDecided(Conflict):
    """Somebody has decided already."""

    code = "approval_decided"
    message = "该申请已被处理"


class ApprovalWaiting(Conflict):
    """The same thing already waits for a decision."""

    code = "approval_waiting"
    message = "该内容已提交，正在等待复核"


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """A request and what was decided."""

    id: int
    kind: ApprovalKind
    subject: str
    facts: Mapping[str, Any]
    state: ApprovalState
    requested_by: str
    requested_at: datetime
    decided_by: str | None
    decided_at: datetime | None


def check_decider(*, requested_by: str, decider: str) -> None:
    """Refuse that somebody approves what they asked for themselves.

    Raises:
        ApprovalByMaker: it is the same person.
    """
    if requested_by == decider:
        raise ApprovalByMaker


def makers(created_by: str, asked: ApprovalView | None) -> frozenset[str]:
    """Return who may not decide on a thing: whoever made it, and whoever asked for the approval."""
    return frozenset((created_by, asked.requested_by) if asked else (created_by,))
