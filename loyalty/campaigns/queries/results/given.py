"""What a campaign gave, and what became of it: entries, points spent from their own lots, coupons used."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import CTE, Select, and_, column, func, or_, select, values
from sqlalchemy.orm import Session, aliased

from loyalty.campaigns.models import CampaignTaking
from loyalty.campaigns.queries.results.sources import (
    grouped,
    occurrence_in,
    prefix_of,
    reference_to,
    total,
)
from loyalty.campaigns.rules.entries import EntryState, MissReason, TakingKind
from loyalty.coupons.models import Coupon, CouponRedemption
from loyalty.coupons.rules.states import IssuePath
from loyalty.kernel.business_days import day_of
from loyalty.points.models import Draw, LedgerEntry, Lot
from loyalty.points.rules import EntryKind


@dataclass(frozen=True, slots=True)
class Reached:
    """How many different members a campaign reached, why others were not, and when the last one entered."""

    members: int
    missed: dict[MissReason, int]
    last_entered_at: datetime | None


def reached(session: Session, entry: CTE) -> Reached:
    """Return how many different members were reached, and why others were not, the most frequent reason first."""
    one = entry.c
    rows = session.execute(
        select(
            one.missed,
            func.count().label("missed_times"),
            func.count(one.member_id.distinct()).filter(one.state == EntryState.DONE).label("members"),
            func.max(one.entered_at).label("last_entered_at"),
        ).group_by(one.missed)
    ).all()
    missed = {MissReason(row.missed): row.missed_times for row in rows if row.missed is not None}
    return Reached(
        members=sum(row.members for row in rows),
        missed=dict(sorted(missed.items(), key=lambda item: -item[1])),
        last_entered_at=max((row.last_entered_at for row in rows), default=None),
    )


def entered(entry: CTE, campaign_id: int, zone: ZoneInfo) -> Select[Any]:
    """Select how far the entries are and what they were given, by the day on which that happened."""
    one, points, coupons = entry.c, aliased(CampaignTaking), aliased(CampaignTaking)
    day = day_of(func.coalesce(one.done_at, one.entered_at), zone)
    found = grouped(
        *(one.way, one.store_id, day),
        [
            func.count().label("entered"),
            *(func.count().filter(one.state == state).label(state.value) for state in EntryState),
            *(total(one.points).label("points"), total(one.coupons).label("coupons")),
            total(points.taken).label("points_taken"),
            total(coupons.taken).label("coupons_taken"),
        ],
    ).select_from(entry)
    for taking, kind in ((points, TakingKind.POINTS), (coupons, TakingKind.COUPONS)):
        is_its = and_(
            taking.campaign_id == campaign_id,
            taking.member_id == one.member_id,
            taking.occurrence == one.occurrence,
            taking.kind == kind,
        )
        found = found.outerjoin(taking, is_its)
    return found


def points_used(entry: CTE, campaign_id: int, numbers: Collection[int], zone: ZoneInfo) -> Select[Any]:
    """Select what was spent of the lots that the campaign opened, less what refunds put back, by the day of each."""
    one, given, use, undone = entry.c, aliased(LedgerEntry), aliased(LedgerEntry), aliased(LedgerEntry)
    action = values(column("number", given.id.type), name="action").data([(number,) for number in numbers])
    is_given = and_(
        given.member_id == one.owner_id,
        given.kind == EntryKind.ADJUST,
        given.reference == reference_to(campaign_id, one.occurrence, action.c.number),
    )
    was_undone = and_(undone.member_id == use.member_id, undone.id == use.reversed_entry_id)
    is_spending = or_(use.kind == EntryKind.SPEND, undone.kind == EntryKind.SPEND)
    return (
        grouped(one.way, one.store_id, day_of(use.occurred_at, zone), [total(Draw.points).label("points_used")])
        .select_from(entry)
        .join(action, one.points > 0)
        .join(given, is_given)
        .join(Lot, and_(Lot.member_id == given.member_id, Lot.entry_id == given.id))
        .join(Draw, and_(Draw.member_id == Lot.member_id, Draw.lot_id == Lot.id))
        .join(use, and_(use.member_id == Draw.member_id, use.id == Draw.entry_id))
        .outerjoin(undone, was_undone)
        .where(is_spending)
    )


def coupons_used(entry: CTE, campaign_id: int, template_ids: Collection[int], zone: ZoneInfo) -> Select[Any]:
    """Select the standing uses of the campaign's coupons and what they took off, by the day of use."""
    one, use = entry.c, CouponRedemption
    is_its = and_(one.owner_id == Coupon.member_id, one.occurrence == occurrence_in(Coupon.reference, campaign_id))
    return (
        grouped(
            *(one.way, one.store_id, day_of(use.redeemed_at, zone)),
            [func.count().label("coupons_used"), total(use.discount_fen).label("discount_fen")],
        )
        .select_from(use)
        .join(Coupon, Coupon.id == use.coupon_id)
        .join(entry, is_its)
        .where(use.template_id.in_(template_ids), use.reversed_at.is_(None), *is_of_campaign(campaign_id))
    )


def is_of_campaign(campaign_id: int) -> tuple[Any, Any]:
    """Return the conditions under which a coupon was given by a campaign."""
    return Coupon.path == IssuePath.CAMPAIGN, Coupon.reference.startswith(prefix_of(campaign_id), autoescape=True)
