"""Issuing a coupon: what stands against it, what it costs, and that nothing is issued twice."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.coupons.models import Coupon
from loyalty.coupons.queries.templates import get_template
from loyalty.coupons.rules.errors import (
    CouponClosed,
    CouponLimitReached,
    CouponNotForMember,
    CouponNotIssuing,
    CouponNotOpen,
    CouponReferenceReused,
    CouponSoldOut,
    CouponTemplateNotFound,
)
from loyalty.coupons.rules.states import IssuePath
from loyalty.coupons.rules.terms import Claiming, Eligibility, MemberLimits, Stock
from loyalty.coupons.service import templates
from loyalty.coupons.service.templates import create_template
from loyalty.members.rules.members import MemberGone, MemberProvisional, MemberStatus
from loyalty.points.rules import InsufficientPoints
from tests.factories.coupons import ACTOR, issue_to, make_template, terms_of
from tests.factories.members import make_member
from tests.factories.points import balance_of, earn, events_of
from tests.factories.stores import make_store
from tests.factories.tags import make_tag, put_tag
from tests.factories.tiers import grow, make_ladder
from tests.support.statements import StatementCounter

DAY = timedelta(days=1)


def coupons_of(session: Session, member_id: int) -> int:
    return session.scalars(select(func.count()).where(Coupon.member_id == member_id)).one()


class TestACoupon:
    def test_is_issued_once_for_a_reference(self, session: Session, member_id: int) -> None:
        template_id = make_template(session)

        first = issue_to(session, member_id, template_id, reference="staff:1")
        again = issue_to(session, member_id, template_id, reference="staff:1")

        assert (again.coupon_id, again.is_replay, first.is_replay) == (first.coupon_id, True, False)
        assert coupons_of(session, member_id) == 1
        told = [payload["coupon_id"] for kind, payload in events_of(session, member_id) if kind == "coupon.issued"]
        assert told == [first.coupon_id]

    def test_is_not_issued_again_after_a_merge(self, session: Session, member_id: int) -> None:
        template_id = make_template(session)
        merged = make_member(session, phone=None, status=MemberStatus.MERGED, merged_into_id=member_id)
        before = make_member(session)
        first = issue_to(session, before.id, template_id, reference="earning:7")
        before.status, before.merged_into_id = MemberStatus.MERGED, member_id
        session.flush()

        again = issue_to(session, member_id, template_id, reference="earning:7")

        assert (again.coupon_id, again.is_replay) == (first.coupon_id, True)
        with pytest.raises(MemberGone):
            issue_to(session, merged.id, template_id)

    def test_of_another_template_needs_another_reference(self, session: Session, member_id: int) -> None:
        issue_to(session, member_id, make_template(session), reference="staff:1")

        with pytest.raises(CouponReferenceReused):
            issue_to(session, member_id, make_template(session), reference="staff:1")

    def test_keeps_the_revision_that_issued_it(self, session: Session, member_id: int, at: datetime) -> None:
        template_id = make_template(session)
        coupon_id = issue_to(session, member_id, template_id).coupon_id
        templates.save_draft(session, template_id=template_id, terms=terms_of(title="新"), actor=ACTOR, at=at)
        published = templates.publish(session, template_id=template_id, actor=ACTOR, at=at)

        later_id = issue_to(session, member_id, template_id).coupon_id

        revisions = [session.get_one(Coupon, id_).revision_id for id_ in (coupon_id, later_id)]
        assert revisions[1] == published != revisions[0]


class TestTheStock:
    def test_in_all_is_exact_and_can_be_topped_up(self, session: Session, member_id: int, at: datetime) -> None:
        template_id = make_template(session, stock=2)
        issue_to(session, member_id, template_id)
        issue_to(session, member_id, template_id)

        with pytest.raises(CouponSoldOut) as refused:
            issue_to(session, member_id, template_id)
        assert refused.value.details["limit"] == "stock"

        templates.set_stock(session, template_id=template_id, stock=3, reason="补货", actor=ACTOR, at=at)
        issue_to(session, member_id, template_id)
        assert coupons_of(session, member_id) == 3

    def test_of_a_day_begins_anew_at_midnight(self, session: Session, member_id: int, at: datetime) -> None:
        template_id = make_template(session, terms_of(stock=Stock(per_day=1)))
        issue_to(session, member_id, template_id, at=at)

        with pytest.raises(CouponSoldOut) as refused:
            issue_to(session, member_id, template_id, at=at.replace(hour=15, minute=59))
        assert refused.value.details["limit"] == "day_stock"
        issue_to(session, member_id, template_id, at=at.replace(hour=16))

    def test_of_a_store_is_that_of_each_store(self, session: Session, member_id: int) -> None:
        template_id = make_template(session, terms_of(stock=Stock(per_store=1)))
        first, second = make_store(session), make_store(session)
        issue_to(session, member_id, template_id, store_id=first.id)

        with pytest.raises(CouponSoldOut) as refused:
            issue_to(session, member_id, template_id, store_id=first.id)
        assert refused.value.details["limit"] == "store_stock"
        issue_to(session, member_id, template_id, store_id=second.id)

    def test_that_is_unlimited_is_counted(self, session: Session, member_id: int) -> None:
        template_id = make_template(session, stock=None)
        issue_to(session, member_id, template_id)

        view = get_template(session, template_id=template_id)
        assert (view.issued, view.left) == (1, None)


class TestAMember:
    @pytest.mark.parametrize("path", IssuePath)
    def test_gets_no_more_than_the_limit_on_every_way(self, session: Session, member_id: int, path: IssuePath) -> None:
        template_id = make_template(session, terms_of(member_limits=MemberLimits(total=1)))
        issue_to(session, member_id, template_id)

        with pytest.raises(CouponLimitReached) as refused, session.begin_nested():
            issue_to(session, member_id, template_id, path=path)

        assert refused.value.details["limit"] == "member_total"
        assert coupons_of(session, member_id) == 1

    def test_gets_more_on_another_day(self, session: Session, member_id: int, at: datetime) -> None:
        limits = MemberLimits(total=3, per_day=1)
        template_id = make_template(session, terms_of(member_limits=limits))
        issue_to(session, member_id, template_id, at=at)

        with pytest.raises(CouponLimitReached) as refused, session.begin_nested():
            issue_to(session, member_id, template_id, at=at)

        assert refused.value.details["limit"] == "member_day"
        issue_to(session, member_id, template_id, at=at + DAY)

    def test_of_a_lower_tier_gets_none_until_promoted(self, session: Session, member_id: int, at: datetime) -> None:
        make_ladder(session, at=at)
        template_id = make_template(session, terms_of(eligibility=Eligibility(tier_levels=frozenset({2}))))

        with pytest.raises(CouponNotForMember) as refused:
            issue_to(session, member_id, template_id)
        assert refused.value.details["condition"] == "tier"
        grow(session, member_id, 1_000, at)
        issue_to(session, member_id, template_id)

    def test_without_the_tag_gets_none_until_tagged(self, session: Session, member_id: int) -> None:
        tag_id = make_tag(session)
        template_id = make_template(session, terms_of(eligibility=Eligibility(tags=frozenset({tag_id}))))

        with pytest.raises(CouponNotForMember) as refused:
            issue_to(session, member_id, template_id)
        assert refused.value.details["condition"] == "tag"
        put_tag(session, tag_id, member_id)
        issue_to(session, member_id, template_id)

    def test_who_is_provisional_gets_none(self, session: Session) -> None:
        provisional = make_member(session, status=MemberStatus.PROVISIONAL)

        with pytest.raises(MemberProvisional):
            issue_to(session, provisional.id, make_template(session))


class TestClaiming:
    def test_heeds_its_window_and_no_other_way_does(self, session: Session, member_id: int, at: datetime) -> None:
        claiming = Claiming(is_in_centre=True, opens_at=at + DAY, closes_at=at + 2 * DAY)
        template_id = make_template(session, terms_of(claiming=claiming))

        with pytest.raises(CouponNotOpen):
            issue_to(session, member_id, template_id, path=IssuePath.CLAIM, at=at + DAY - timedelta(seconds=1))
        issue_to(session, member_id, template_id, path=IssuePath.CLAIM, at=at + DAY)
        with pytest.raises(CouponClosed):
            issue_to(session, member_id, template_id, path=IssuePath.LINK, at=at + 2 * DAY)
        issue_to(session, member_id, template_id, path=IssuePath.STAFF, at=at + 2 * DAY)

    def test_for_points_spends_them_with_the_coupon(self, session: Session, member_id: int) -> None:
        earn(session, member_id, 500)
        template_id = make_template(session, terms_of(claiming=Claiming(is_in_centre=True, points_price=200)))

        issue_to(session, member_id, template_id, path=IssuePath.CLAIM, reference="claim:a")
        issue_to(session, member_id, template_id, path=IssuePath.CLAIM, reference="claim:a")
        issue_to(session, member_id, template_id, path=IssuePath.STAFF)

        assert (balance_of(session, member_id), coupons_of(session, member_id)) == (300, 2)

    def test_without_the_points_changes_nothing(self, session: Session, member_id: int) -> None:
        earn(session, member_id, 199)
        template_id = make_template(session, terms_of(claiming=Claiming(is_in_centre=True, points_price=200)))

        with pytest.raises(InsufficientPoints):
            issue_to(session, member_id, template_id, path=IssuePath.CLAIM)

        assert (balance_of(session, member_id), coupons_of(session, member_id)) == (199, 0)

    def test_that_hits_a_limit_costs_nothing(self, session: Session, member_id: int) -> None:
        earn(session, member_id, 400)
        terms = terms_of(claiming=Claiming(is_in_centre=True, points_price=200), member_limits=MemberLimits(total=1))
        template_id = make_template(session, terms)
        issue_to(session, member_id, template_id, path=IssuePath.CLAIM)

        with pytest.raises(CouponLimitReached), session.begin_nested():
            issue_to(session, member_id, template_id, path=IssuePath.CLAIM)

        assert (balance_of(session, member_id), coupons_of(session, member_id)) == (200, 1)


class TestATemplate:
    def test_that_is_paused_issues_nothing_until_it_is_resumed(
        self, session: Session, member_id: int, at: datetime
    ) -> None:
        template_id = make_template(session)
        templates.pause(session, template_id=template_id, actor=ACTOR, at=at)

        with pytest.raises(CouponNotIssuing):
            issue_to(session, member_id, template_id)
        templates.resume(session, template_id=template_id, actor=ACTOR, at=at)
        issue_to(session, member_id, template_id)

    def test_that_was_never_published_issues_nothing(self, session: Session, member_id: int, at: datetime) -> None:
        template_id = create_template(session, terms=terms_of(), stock=1, actor=ACTOR, at=at)

        with pytest.raises(CouponTemplateNotFound):
            issue_to(session, member_id, template_id)

    def test_replays_even_when_it_is_stopped(self, session: Session, member_id: int, at: datetime) -> None:
        template_id = make_template(session)
        first = issue_to(session, member_id, template_id, reference="claim:a")
        templates.stop(session, template_id=template_id, actor=ACTOR, at=at)

        assert issue_to(session, member_id, template_id, reference="claim:a") == replace(first, is_replay=True)


def test_a_coupon_takes_four_statements(session: Session, member_id: int, statements: StatementCounter) -> None:
    template_id = make_template(session, terms_of(member_limits=MemberLimits(total=2)))
    issue_to(session, member_id, template_id)

    statements.clear()
    issue_to(session, member_id, template_id)

    assert statements.count == 4


def test_sold_out_takes_one_statement(session: Session, member_id: int, statements: StatementCounter) -> None:
    template_id = make_template(session, stock=1)
    issue_to(session, member_id, template_id)

    statements.clear()
    with pytest.raises(CouponSoldOut):
        issue_to(session, member_id, template_id)

    assert statements.count == 1
