"""What waits for a second person (待复核), of every kind together, each with who may not decide on it.

Whoever adds a kind of approval gives it its row here: what is not listed is not seen until somebody happens upon it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Select, Subquery, and_, cast, func, literal, null, select, union_all
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from loyalty.adjustments.models import AdjustmentBatch
from loyalty.approvals.models import Approval
from loyalty.approvals.rules import ApprovalKind, ApprovalState
from loyalty.campaigns.models import CampaignRevision
from loyalty.coupons.models import CouponIssueJob
from loyalty.earning.models import EarningRuleRevision
from loyalty.partners.models import PartnerKey
from loyalty.stores.rules import StoreScope


class WaitingKind(StrEnum):
    """What can wait: whatever approvals are asked for, and what stores want otherwise of an earning rule (门店调整)."""

    CAMPAIGN = ApprovalKind.CAMPAIGN
    ADJUSTMENT_BATCH = ApprovalKind.ADJUSTMENT_BATCH
    COUPON_ISSUE = ApprovalKind.COUPON_ISSUE
    PAYOUT = ApprovalKind.PAYOUT
    PAYOUT_BATCH = ApprovalKind.PAYOUT_BATCH
    PARTNER_KEY = ApprovalKind.PARTNER_KEY
    EARNING_OVERRIDE = "earning_override"


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that waits."""

    kind: WaitingKind
    id: int
    """Of the campaign, batch, job, payout or key, or of the earning rule."""
    node_id: int | None
    """The store or region that wants an earning rule otherwise."""
    title: str | None
    """What people call it; a payout and a batch of payouts have no name."""
    facts: Mapping[str, Any]
    """What the request told the decider, and of an override whether the place ``is_excluded``."""
    requested_by: str
    made_by: str | None
    """Who made what another submitted; neither of them decides."""
    requested_at: datetime

    def is_made_by(self, name: str) -> bool:
        """Tell whether somebody made it, or asked for it, and so may not decide."""
        return name in (self.requested_by, self.made_by)


def list_waiting(
    session: Session, *, kinds: Collection[WaitingKind], scope: StoreScope, limit: int | None
) -> Sequence[Waiting]:
    """Return what waits of some kinds, the oldest first; overrides of the places of the scope only."""
    waiting = _waiting(kinds, scope)
    order = (waiting.c.requested_at, waiting.c.kind, waiting.c.id, waiting.c.node_id)
    rows = session.execute(select(waiting).order_by(*order).limit(limit)).mappings()
    return [Waiting(**{**row, "kind": WaitingKind(row["kind"])}) for row in rows]


def count_waiting(session: Session, *, kinds: Collection[WaitingKind], scope: StoreScope, decider: str) -> int:
    """Return how many things wait on which somebody may decide: not on what they made themselves."""
    waiting = _waiting(kinds, scope)
    is_own = waiting.c.made_by.is_not_distinct_from(decider)
    return session.execute(
        select(func.count()).select_from(waiting).where(waiting.c.requested_by != decider, ~is_own)
    ).scalar_one()


def _waiting(kinds: Collection[WaitingKind], scope: StoreScope) -> Subquery:
    return union_all(_approvals(kinds), _overrides(kinds, scope)).subquery("waiting")


def _approvals(kinds: Collection[WaitingKind]) -> Select[Any]:
    """Select what approvals were asked for; what a subject names has its title and its maker in its own table."""
    subject_id = cast(func.split_part(Approval.subject, ":", 2), BigInteger)
    revision_id = cast(Approval.facts["revision_id"].astext, BigInteger)
    batch, job, key, campaign = (
        Approval.kind == kind
        for kind in (
            ApprovalKind.ADJUSTMENT_BATCH,
            ApprovalKind.COUPON_ISSUE,
            ApprovalKind.PARTNER_KEY,
            ApprovalKind.CAMPAIGN,
        )
    )
    title = func.coalesce(
        CampaignRevision.terms["title"].astext, AdjustmentBatch.title, CouponIssueJob.title, PartnerKey.name
    )
    made_by = func.coalesce(CampaignRevision.created_by, AdjustmentBatch.created_by, CouponIssueJob.created_by)
    return (
        select(
            Approval.kind,
            subject_id.label("id"),
            cast(null(), BigInteger).label("node_id"),
            title.label("title"),
            Approval.facts,
            Approval.requested_by,
            made_by.label("made_by"),
            Approval.requested_at,
        )
        .outerjoin(CampaignRevision, and_(campaign, CampaignRevision.id == revision_id))
        .outerjoin(AdjustmentBatch, and_(batch, AdjustmentBatch.id == subject_id))
        .outerjoin(CouponIssueJob, and_(job, CouponIssueJob.id == subject_id))
        .outerjoin(PartnerKey, and_(key, PartnerKey.id == subject_id))
        .where(Approval.state == ApprovalState.WAITING, Approval.kind.in_(kinds))
    )


def _overrides(kinds: Collection[WaitingKind], scope: StoreScope) -> Select[Any]:
    """Select drafts of places, which wait from their saving on."""
    draft = EarningRuleRevision
    facts = func.jsonb_build_object("is_excluded", draft.definition.is_(None), type_=JSONB)
    wanted = select(
        literal(WaitingKind.EARNING_OVERRIDE.value).label("kind"),
        draft.rule_id.label("id"),
        draft.node_id,
        draft.name.label("title"),
        facts.label("facts"),
        draft.created_by.label("requested_by"),
        literal(None).label("made_by"),
        draft.created_at.label("requested_at"),
    ).where(draft.published_at.is_(None), draft.node_id.is_not(None))
    if WaitingKind.EARNING_OVERRIDE not in kinds:
        return wanted.where(literal(False))
    return wanted if scope.is_chain_wide else wanted.where(draft.node_id.in_(scope.store_ids))
