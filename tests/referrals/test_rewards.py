"""An honest invitation pays both sides once, and two levels stand above whom it brought."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from loyalty.members.models import Member
from loyalty.merging.service import merge
from loyalty.referrals.queries.uplines import upline
from loyalty.referrals.rules.programme import Caps, Reward
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.service import following
from tests.factories.check_ins import SHANGHAI
from tests.factories.coupons import make_template
from tests.factories.members import make_identity, make_member
from tests.factories.points import assert_books_fit, balance_of
from tests.factories.referrals import (
    ACTOR,
    WAITED,
    attribute,
    enrol,
    invite,
    link_of,
    make_visitor,
    open_by,
    publish,
    referral_of,
    settle,
    state_of,
    view_of,
)
from tests.support.events import recorded

HOUR = timedelta(hours=1)


class TestHonest:
    def test_pays_both_sides_once_however_often_and_late_it_is_asked(
        self, session: Session, sharer: Member, at: datetime
    ) -> None:
        friend = invite(session, sharer)
        referral_id = referral_of(session, friend.id).id
        settle(session, referral_id, at=at + HOUR)
        assert state_of(session, friend) == ("attributed", None)

        for _ in range(2):
            assert attribute(session, friend, at + 3 * WAITED) == referral_id
            settle(session, referral_id, at=at + 3 * WAITED)

        assert state_of(session, friend) == ("rewarded", None)
        assert (balance_of(session, sharer.id), balance_of(session, friend.id)) == (100, 50)
        assert recorded(session, "referral.qualified") == [
            {"referral_id": referral_id, "referrer_id": sharer.id, "referee_id": friend.id,
             "occurred_at": at.isoformat()}
        ]  # fmt: skip
        assert_books_fit(session, sharer.id)

    def test_who_opened_in_the_official_account_is_found_again_in_the_mini_program(
        self, session: Session, sharer: Member, at: datetime
    ) -> None:
        web = make_visitor(session, unionid="uBOTHdoors")
        open_by(session, web, link_of(session, sharer.id, channel=Channel.OFFICIAL_ACCOUNT))
        friend = enrol(session, make_identity(session, appid="wxmini", unionid="uBOTHdoors"))

        assert attribute(session, friend, at) is not None
        assert referral_of(session, friend.id).channel == "oa"

    def test_nobody_invited_who_came_by_themselves(self, session: Session, sharer: Member, at: datetime) -> None:
        friend = enrol(session, make_visitor(session))

        assert attribute(session, friend, at) is None

    def test_the_survivors_of_merges_are_paid(self, session: Session, sharer: Member, at: datetime) -> None:
        friend, new_self = invite(session, sharer), make_member(session, enrolled_at=at)
        sharers_self = make_member(session)
        merge(session, survivor_id=new_self.id, other_id=friend.id, actor=ACTOR, at=at)
        merge(session, survivor_id=sharers_self.id, other_id=sharer.id, actor=ACTOR, at=at)
        following.follow_merge(session, member_id=new_self.id, at=at, zone=SHANGHAI)

        settle(session, referral_of(session, friend.id).id)

        assert (balance_of(session, sharers_self.id), balance_of(session, new_self.id)) == (100, 50)
        above = upline(session, member_id=new_self.id, at=at)
        assert above is not None
        assert above.referrer_id == sharers_self.id

    def test_a_family_behind_one_address_is_paid(self, session: Session, sharer: Member) -> None:
        family = [invite(session, sharer, ip="203.0.113.9") for _ in range(4)]

        for one in family:
            settle(session, referral_of(session, one.id).id)

        assert balance_of(session, sharer.id) == 400

    def test_coupons_are_given_and_a_refused_one_is_missed_alone(self, session: Session, at: datetime) -> None:
        template_id = make_template(session, stock=1)
        publish(session, referrer=Reward(coupon_template_id=template_id), referee=Reward(20, template_id))
        sharer = make_member(session)
        friend = invite(session, sharer)

        settle(session, referral_of(session, friend.id).id)

        view = view_of(session, friend.id)
        assert sorted((one.side, one.state, one.points, one.reason) for one in view.rewards) == [
            ("referee", "paid", 20, "coupon_sold_out"),
            ("referrer", "paid", 0, None),
        ]

    def test_the_referrers_cap_is_missed_by_the_referrer_alone(self, session: Session, at: datetime) -> None:
        publish(session, caps=Caps(per_day=1))
        sharer = make_member(session)
        friends = [invite(session, sharer) for _ in range(2)]

        for one in friends:
            settle(session, referral_of(session, one.id).id)

        missed = view_of(session, friends[1].id)
        assert (balance_of(session, sharer.id), balance_of(session, friends[1].id)) == (100, 50)
        assert {(one.side.value, one.state.value, one.reason) for one in missed.rewards} == {
            ("referrer", "missed", "referrer_day"), ("referee", "paid", None)
        }  # fmt: skip


class TestUpline:
    def test_two_levels_are_stored_and_a_third_is_nowhere(self, session: Session, sharer: Member, at: datetime) -> None:
        first = invite(session, sharer)
        second = invite(session, first, at=at + HOUR)
        third = invite(session, second, at=at + 2 * HOUR)

        above = upline(session, member_id=third.id, at=at + WAITED)

        assert above is not None
        assert (above.referrer_id, above.second, above.is_held) == (second.id, first.id, False)

    def test_who_was_found_to_be_fraud_stands_above_nobody(
        self, session: Session, sharer: Member, at: datetime
    ) -> None:
        own = make_identity(session, member=sharer)
        open_by(session, own, link_of(session, sharer.id), device="mine")
        second_self = invite(session, sharer, device="mine")
        friend = invite(session, second_self, at=at + HOUR)

        settle(session, referral_of(session, second_self.id).id)

        above = upline(session, member_id=friend.id, at=at + WAITED)
        assert above is not None
        assert (above.referrer_id, above.second) == (second_self.id, None)
