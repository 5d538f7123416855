"""Undoing a campaign: what is unused is gone as if it had never been, what was used stays and is told."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.campaigns.models import CampaignTaking
from loyalty.campaigns.queries.campaigns import get_campaign
from loyalty.campaigns.rules.errors import CampaignNotInState
from loyalty.campaigns.rules.terms import (
    Action,
    CampaignState,
    Caps,
    GiveCoupon,
    GivePoints,
    PutTag,
    Recurring,
    Repetition,
)
from loyalty.campaigns.service import life, undoing
from loyalty.campaigns.service.undo_preview import preview_undo
from loyalty.coupons.models import Coupon
from loyalty.coupons.rules.issue_jobs import Kept
from loyalty.coupons.rules.states import CouponState
from loyalty.kernel.transaction import run
from loyalty.limits.models import LimitCounter
from loyalty.merging.service import merge
from loyalty.points.explanations import sentence
from loyalty.points.models import LedgerEntry, Lot, PointsAccount
from loyalty.points.service import verify
from loyalty.tags.models import MemberTag
from tests.factories.adjustments import work_off
from tests.factories.campaign_runs import coupons_of, pass_time, ran, tick
from tests.factories.campaigns import CHECKER, campaign_of, tag_with
from tests.factories.coupons import make_template
from tests.factories.members import make_member
from tests.factories.points import earn, spend
from tests.factories.tags import make_tag, put_tag
from tests.support.containers import NullContainer
from tests.support.settings import SEAL_KEY


def undone(container: NullContainer, campaign_id: int) -> None:
    """End a campaign and undo it."""
    at, database = container.clock.now(), container.database
    run(database, lambda session: life.end(session, campaign_id=campaign_id, actor=CHECKER, at=at))
    run(database, lambda session: undoing.undo(session, campaign_id=campaign_id, actor=CHECKER, at=at))
    work_off(container)


def takings(session: Session, campaign_id: int) -> dict[tuple[int, str], tuple[int, int]]:
    """What undoing found of each member and kind: taken back, used before."""
    found = select(CampaignTaking).where(CampaignTaking.campaign_id == campaign_id)
    return {(one.member_id, one.kind): (one.taken, one.used) for one in session.scalars(found)}


def world(session: Session, members: Sequence[int]) -> dict[str, Any]:
    """What members have, and what of the shared limits of coupons is used."""
    session.expire_all()
    balances = select(PointsAccount.member_id, PointsAccount.balance, PointsAccount.debt)
    lots = select(Lot.member_id, Lot.remaining, Lot.expires_at, Lot.store_id).where(Lot.remaining > 0)
    usable = select(Coupon.member_id, Coupon.template_id).where(Coupon.state != CouponState.VOIDED)
    tags = select(MemberTag.member_id, MemberTag.tag_id, MemberTag.tagged_by)
    counted = select(LimitCounter.subject, LimitCounter.entity, func.sum(LimitCounter.used)).where(
        LimitCounter.subject.like("coupon%"), LimitCounter.used > 0
    )
    found = {name: session.execute(query).all() for name, query in locals().items() if name in _KEPT}
    mine = {name: sorted(map(str, (row for row in rows if row[0] in members))) for name, rows in found.items()}
    mine["balances"] = sorted(str(row) for row in found["balances"] if row[0] in members and row[1:] != (0, 0))
    limits = session.execute(counted.group_by(LimitCounter.subject, LimitCounter.entity))
    return {**mine, "limits": sorted(map(str, limits))}


_KEPT = ("balances", "lots", "usable", "tags")


class TestWhatIsUnused:
    def test_the_world_is_as_if_the_campaign_had_never_been(self, container: NullContainer, session: Session) -> None:
        members = [make_member(session).id for _ in range(5)]
        template_id, tag_id = make_template(session), make_tag(session)
        earn(session, members[0], 40)
        put_tag(session, tag_id, members[1])
        audience = tag_with(session, *members)
        before = world(session, members)

        actions = (GivePoints(10, 30), GiveCoupon(template_id), GiveCoupon(template_id), PutTag(tag_id))
        campaign_id = ran(container, campaign_of(audience, actions=actions))
        assert world(session, members) != before
        undone(container, campaign_id)

        assert world(session, members) == before
        assert get_campaign(session, campaign_id=campaign_id).state is CampaignState.UNDONE
        assert verify(session, seal_key=SEAL_KEY, at=container.clock.now()).discrepancies == []
        assert takings(session, campaign_id) == {
            **{(one, "points"): (10, 0) for one in members},
            **{(one, "coupons"): (2, 0) for one in members},
            **{(one, "tag"): (1, 0) for one in members if one != members[1]},
        }

    def test_every_occurrence_goes(self, container: NullContainer, session: Session) -> None:
        member_id = make_member(session).id
        daily = Recurring(Repetition.DAILY, container.clock.now().time())
        terms = campaign_of(tag_with(session, member_id), trigger=daily, caps=Caps(times_a_member=5))
        campaign_id = ran(container, terms)
        for _day in range(3):
            pass_time(container, days=1)
            tick(container)
        assert session.get_one(PointsAccount, member_id).balance == 30

        undone(container, campaign_id)

        assert world(session, [member_id])["balances"] == []
        assert session.scalar(select(func.count()).select_from(CampaignTaking)) == 3

    def test_undoing_again_changes_nothing(self, container: NullContainer, session: Session, at: datetime) -> None:
        member_id = make_member(session).id
        campaign_id = ran(container, campaign_of(tag_with(session, member_id)))
        undone(container, campaign_id)
        before = session.scalar(select(func.count()).select_from(LedgerEntry))

        undoing.undo(session, campaign_id=campaign_id, actor=CHECKER, at=at)
        work_off(container)

        assert session.scalar(select(func.count()).select_from(LedgerEntry)) == before

    def test_one_that_has_not_ended_is_not_undone(
        self, container: NullContainer, session: Session, at: datetime
    ) -> None:
        campaign_id = ran(container, campaign_of(tag_with(session, make_member(session).id)))

        with pytest.raises(CampaignNotInState):
            undoing.undo(session, campaign_id=campaign_id, actor=CHECKER, at=at)


class TestWhatWasUsed:
    def test_it_stays_is_told_before_and_kept_for_each_member(
        self, container: NullContainer, session: Session, at: datetime
    ) -> None:
        spender, user = (make_member(session).id for _ in range(2))
        earn(session, spender, 100)
        actions: tuple[Action, ...] = (GivePoints(10, 30), GiveCoupon(make_template(session)))
        campaign_id = ran(container, campaign_of(tag_with(session, spender, user), actions=actions))
        spend(session, spender, 4)  # of what expires first, which the campaign gave
        use_coupon(session, user)

        preview = preview_undo(session, campaign_id=campaign_id, at=at)
        assert (preview.members, preview.points_left, preview.points_used) == (2, 16, 4)
        assert (preview.coupons_left, preview.coupons_kept) == (1, {Kept.USED: 1})
        undone(container, campaign_id)

        assert takings(session, campaign_id) == {
            (spender, "points"): (6, 4),
            (spender, "coupons"): (1, 0),
            (user, "points"): (10, 0),
            (user, "coupons"): (0, 1),
        }
        account = session.get_one(PointsAccount, spender, populate_existing=True)
        assert (account.balance, account.debt) == (100, 0)
        assert coupons_of(session, campaign_id) == {spender: ["voided"], user: ["redeemed"]}
        told = session.scalars(
            select(LedgerEntry).where(LedgerEntry.member_id == spender, LedgerEntry.kind == "reverse")
        ).one()
        words = sentence(kind=told.kind, points=told.points, explanation=told.explanation)
        assert words.endswith("撤回，扣回6积分，另有4积分已用完，不再追回")

    def test_what_a_merge_has_moved_is_taken_from_the_survivor(
        self, container: NullContainer, session: Session, at: datetime
    ) -> None:
        survivor, other = (make_member(session).id for _ in range(2))
        tag_id = make_tag(session)
        actions: tuple[Action, ...] = (GivePoints(10, 30), GiveCoupon(make_template(session)), PutTag(tag_id))
        audience = tag_with(session, other)
        earn(session, survivor, 5)
        before = world(session, [survivor])
        campaign_id = ran(container, campaign_of(audience, actions=actions))
        merge(session, survivor_id=survivor, other_id=other, actor=CHECKER, at=at)
        assert preview_undo(session, campaign_id=campaign_id, at=at).points_left == 10

        undone(container, campaign_id)

        after = world(session, [survivor])
        assert {name: after[name] for name in ("balances", "lots", "usable")} == {
            name: before[name] for name in ("balances", "lots", "usable")
        }
        assert takings(session, campaign_id) == {(other, kind): (1, 0) for kind in ("coupons", "tag")} | {
            (other, "points"): (10, 0)
        }
        assert verify(session, seal_key=SEAL_KEY, at=at).discrepancies == []


def use_coupon(session: Session, member_id: int) -> None:
    """Redeem what a member has."""
    coupon = session.scalars(select(Coupon).where(Coupon.member_id == member_id)).one()
    coupon.state = CouponState.REDEEMED
    session.flush()
