"""What members and staff read of invitations, and what is left of them after an erasure."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.members.models import Member
from loyalty.privacy.rules import WAITING_PERIOD
from loyalty.privacy.service import ask_to_close, erase_due, export_data
from loyalty.referrals.models import ShareOpening, ShareTouch
from loyalty.referrals.queries.funnel import refusals
from loyalty.referrals.queries.programmes import list_switches
from loyalty.referrals.queries.referrals import get_referral, list_referrals
from loyalty.referrals.queries.uplines import uplines
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.rules.states import ReferralNotFound, ReferralState
from loyalty.referrals.service import attribution
from loyalty.referrals.service.openings import PERSON
from loyalty.risk.models import Sighting
from tests.factories.members import make_member
from tests.factories.referrals import enrol, invite, link_of, make_visitor, open_by, referral_of, settle
from tests.support.settings import VAULT
from tests.support.statements import StatementCounter


def test_a_member_sees_their_friends_newest_first_and_why_one_paid_nothing(
    session: Session, sharer: Member, at: datetime
) -> None:
    paid = invite(session, sharer)
    late = make_visitor(session)
    open_by(session, late, link_of(session, sharer.id))
    too_late = at + timedelta(days=31)
    refused = enrol(session, late, at=too_late)
    attribution.attribute(session, vault=VAULT, member_id=refused.id, at=too_late)
    settle(session, referral_of(session, paid.id).id)
    invite(session, make_member(session))

    page = list_referrals(session, referrer_id=sharer.id, limit=1)
    rest = list_referrals(session, referrer_id=sharer.id, cursor=page.next_cursor)

    assert [view.member_id for view in (*page.items, *rest.items)] == [refused.id, paid.id]
    assert page.items[0].sentence == "未获得奖励：超过邀请有效期后才入会"
    assert rest.items[0].sentence == "奖励已发放"
    of_channel = list_referrals(session, channel=Channel.MINI_PROGRAM, state=ReferralState.REFUSED, since=at)
    assert [view.member_id for view in of_channel.items] == [refused.id]
    assert refusals(session, since=at, until=too_late + timedelta(days=1)) == {"outside_window": 1}
    with pytest.raises(ReferralNotFound):
        get_referral(session, referral_id=0)


def test_the_uplines_of_many_are_read_by_one_statement(
    session: Session, sharer: Member, at: datetime, statements: StatementCounter
) -> None:
    friends = [invite(session, sharer) for _ in range(3)]
    before = statements.count

    found = uplines(session, member_ids=[one.id for one in (sharer, *friends)], at=at)

    assert statements.count - before == 1
    assert {member_id: one.referrer_id for member_id, one in found.items()} == {one.id: sharer.id for one in friends}


def test_every_channel_has_a_switch_and_starts_on(session: Session) -> None:
    assert [(view.channel, view.is_on) for view in list_switches(session)] == [(channel, True) for channel in Channel]


def test_after_an_erasure_nothing_tells_where_a_person_was_or_what_they_opened(
    session: Session, sharer: Member, at: datetime
) -> None:
    visitor = make_visitor(session, unionid="uCANARYunion")
    open_by(session, visitor, link_of(session, sharer.id), device="CANARY", ip="203.0.113.1")
    friend = enrol(session, visitor, device="CANARY", ip="203.0.113.1")
    attribution.attribute(session, vault=VAULT, member_id=friend.id, at=at)
    export = export_data(session, vault=VAULT, member_id=friend.id, at=at)
    assert export["data"]["referrals"][0]["referrer_id"] == sharer.id
    assert len(export["data"]["risk_sightings"]) == 3

    ask_to_close(session, member_id=friend.id, at=at)
    erase_due(session, vault=VAULT, at=at + WAITING_PERIOD)

    index = VAULT.index("uCANARYunion", context=PERSON)
    assert session.scalars(select(Sighting.id).where(Sighting.member_id == friend.id)).all() == []
    assert session.scalars(select(ShareTouch.share_token_id).where(ShareTouch.person_index == index)).all() == []
    assert session.scalars(select(ShareOpening.person_index)).one().startswith(b"erased:")
    assert referral_of(session, friend.id).referrer_id == sharer.id
    settle(session, referral_of(session, friend.id).id, at=at + WAITING_PERIOD + timedelta(days=1))
    assert referral_of(session, friend.id).reason == "referee_gone"
