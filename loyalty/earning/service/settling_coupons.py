"""What a refund or a correction does to the coupons of an award: taken back, kept because used, or given after all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.coupons.service.taking_back import TakenBack
from loyalty.earning.rules import Evaluation, EventFacts
from loyalty.earning.rules.paying import Change, Standing
from loyalty.earning.service.coupons import Given, give, undo
from loyalty.earning.service.reserving import Room


@dataclass(frozen=True, slots=True)
class SettledCoupons:
    """The changes with the coupons that stand after them, and the refusals as an evaluation keeps them."""

    changed: Sequence[Change]
    withheld: Room


def settle_coupons(
    session: Session,
    *,
    changed: Sequence[Change],
    due: Evaluation,
    facts: EventFacts,
    cause: str,
    at: datetime,
    zone: ZoneInfo,
) -> SettledCoupons:
    """Take back the coupons that are lost and unused, and give those that a correction adds; all by ``cause``."""
    lost = [one.standing.coupon_id for one in changed if one.is_coupon_lost and one.standing.coupon_id is not None]
    undone = {coupon_id: undo(session, coupon_id=coupon_id, at=at, zone=zone) for coupon_id in sorted(lost)}
    added = {one.standing.revision_id for one in changed if one.is_coupon_added}
    awards = [one for one in due.awards if one.revision_id in added]
    given = give(session, awards=awards, facts=facts, reference=cause, at=at, zone=zone) if awards else Given()
    return SettledCoupons(
        [replace(one, standing=_after(one.standing, undone, given)) for one in changed], given.withheld
    )


def _after(standing: Standing, undone: Mapping[int, TakenBack], given: Given) -> Standing:
    lost = undone.get(standing.coupon_id or 0)
    if lost is None:
        return replace(standing, coupon_id=given.coupon_ids.get(standing.revision_id, standing.coupon_id))
    if lost.is_voided:
        return replace(standing, coupon_id=None, coupon_kept=None)
    return replace(standing, coupon_kept=lost.stood.value)
