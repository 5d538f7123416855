"""What follows from enrolments, purchases and refunds of friends, each event twice and late without harm."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.referrals import settle_referrals
from loyalty.channels.models import Scene
from loyalty.members import service as members
from loyalty.members.models import Member
from loyalty.referrals.models import ShareToken
from loyalty.referrals.rules.sharing import SCENE_KIND, Channel
from loyalty.referrals.rules.states import ReferralState
from tests.factories.checkout import buy, give_back
from tests.factories.members import unused_openid
from tests.factories.orders import line, make_purchase, make_refund
from tests.factories.referrals import (
    ON_PURCHASE,
    available,
    enrol,
    link_of,
    make_visitor,
    open_by,
    publish,
    view_of,
)
from tests.support.containers import NullContainer, StandingClock
from tests.support.handling import handle_all, perform
from tests.support.settings import OA_APPID


def test_a_friend_enrols_and_both_are_paid_a_day_later(
    jobs_container: NullContainer, session: Session, sharer: Member, clock: StandingClock
) -> None:
    visitor = make_visitor(session)
    open_by(session, visitor, link_of(session, sharer.id))
    friend = enrol(session, visitor)
    handle_all(jobs_container, session, "member.enrolled")
    handle_all(jobs_container, session, "member.joined")
    assert perform(jobs_container, settle_referrals) == {"settled": 0, "rewarded": 0, "opened": 0, "lapsed": 0}

    clock.advance(hours=25)
    assert perform(jobs_container, settle_referrals)["settled"] == 1
    handle_all(jobs_container, session, "referral.qualified")

    assert (available(session, sharer, clock.at), available(session, friend, clock.at)) == (100, 50)


@pytest.mark.parametrize("is_purchase_first", [False, True])
def test_a_purchase_counts_whether_it_is_told_before_the_enrolment_or_after(
    jobs_container: NullContainer, session: Session, sharer: Member, at: datetime, is_purchase_first: bool
) -> None:
    publish(session, at=at, **ON_PURCHASE)
    visitor = make_visitor(session)
    open_by(session, visitor, link_of(session, sharer.id))
    friend = enrol(session, visitor)
    buy(session, make_purchase(friend.id, order_number="FIRST"))
    order = ["order.recorded", "member.enrolled"]
    for kind in order if is_purchase_first else reversed(order):
        handle_all(jobs_container, session, kind)

    clock = jobs_container.clock
    assert isinstance(clock, StandingClock)
    clock.advance(hours=25)
    perform(jobs_container, settle_referrals)
    handle_all(jobs_container, session, "referral.qualified")
    assert available(session, sharer, clock.at) == 100

    give_back(session, make_refund("FIRST", refunded_at=clock.at), at=clock.at)
    handle_all(jobs_container, session, "order.refunded")
    view = view_of(session, friend.id)
    assert (view.state, view.reason) == (ReferralState.REVERSED, "refunded")
    assert available(session, sharer, clock.at) == 0


def test_a_purchase_that_is_corrected_to_too_little_takes_the_reward_back(
    jobs_container: NullContainer, session: Session, sharer: Member, clock: StandingClock
) -> None:
    publish(session, at=clock.at, **ON_PURCHASE)
    visitor = make_visitor(session)
    open_by(session, visitor, link_of(session, sharer.id))
    friend = enrol(session, visitor)
    buy(session, make_purchase(friend.id, order_number="WRONG"))
    handle_all(jobs_container, session, "member.enrolled")
    handle_all(jobs_container, session, "order.recorded")
    clock.advance(hours=25)
    perform(jobs_container, settle_referrals)
    handle_all(jobs_container, session, "referral.qualified")
    assert available(session, sharer, clock.at) == 100

    buy(session, make_purchase(friend.id, line(amount_fen=4_000), order_number="WRONG", version=2), at=clock.at)
    handle_all(jobs_container, session, "order.recorded")

    assert available(session, sharer, clock.at) == 0


def test_who_follows_by_a_qr_code_of_a_share_has_opened_it(
    jobs_container: NullContainer, session: Session, sharer: Member, at: datetime
) -> None:
    link_of(session, sharer.id, channel=Channel.OFFICIAL_ACCOUNT)
    share = session.scalars(select(ShareToken)).one()
    session.add(
        Scene(appid=OA_APPID, key="sceneOfShare", subject_kind=SCENE_KIND, subject_id=share.id, label="", created_at=at)
    )
    session.flush()
    identity = members.note_follow(
        session, appid=OA_APPID, openid=unused_openid(), unionid=None, scene="sceneOfShare", at=at
    )

    handle_all(jobs_container, session, "identity.followed")

    friend = enrol(session, identity, at=at + timedelta(hours=1))
    handle_all(jobs_container, session, "member.enrolled")
    view = view_of(session, friend.id)
    assert (view.referrer_id, view.channel) == (sharer.id, Channel.OFFICIAL_ACCOUNT)
