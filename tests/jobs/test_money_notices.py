"""What members hear of missions, invitations, commissions and payouts: once, in their own words, and not at night."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import periodic
from loyalty.gateways.pay_protocols import TransferState
from loyalty.merging.service import merge
from loyalty.missions.rules.terms import CardsReward, MissionEvent, Step
from loyalty.notices import queries
from loyalty.notices.models import Notice
from loyalty.notices.rules import NoticeKind
from loyalty.payouts.queries.payouts import PayoutView
from loyalty.payouts.service.noticing import noticed
from tests.factories.check_ins import SHANGHAI
from tests.factories.commissions import (
    LAST_MONTH,
    accrue,
    approve,
    bought,
    invite_friend,
    make_referrer,
    publish_plan,
)
from tests.factories.earnings import accrue as accrue_entry
from tests.factories.earnings import approve as approve_entry
from tests.factories.members import make_member
from tests.factories.missions import do, make_mission, steps
from tests.factories.orders import AT
from tests.factories.payouts import STAFF, Earner, ask, configure, make_earner
from tests.factories.referrals import invite, make_sharer, publish, referral_of, settle
from tests.support.containers import NullContainer, StandingClock
from tests.support.handling import handle_all


def told(session: Session, member_id: int, kind: NoticeKind) -> list[str]:
    messages = queries.list_inbox(session, member_id=member_id).items
    return [message.body for message in messages if message.kind == kind]


def due_of(session: Session, member_id: int, kind: NoticeKind) -> datetime | None:
    query = select(Notice.due_at).where(Notice.member_id == member_id, Notice.kind == kind)
    return session.execute(query).scalar_one()


def end(session: Session, payout: PayoutView, state: TransferState, fail_reason: str | None = None) -> None:
    """Let WeChat Pay tell how a transfer ended."""
    noticed(
        session,
        out_bill_no=payout.out_bill_no,
        state=state,
        transfer_bill_no=f"13300{payout.out_bill_no}",
        amount_fen=payout.net_fen,
        fail_reason=fail_reason,
        is_our_payee=True,
        zone=SHANGHAI,
        at=AT,
    )


@pytest.fixture
def earner(session: Session) -> Earner:
    configure(session)
    return make_earner(session)


@pytest.fixture
def offered(jobs_container: NullContainer, session: Session, earner: Earner) -> PayoutView:
    payout = ask(session, earner)
    handle_all(jobs_container, session, "payout.requested")
    return payout


class TestPayouts:
    def test_an_offered_transfer_says_until_when_to_confirm(
        self, jobs_container: NullContainer, session: Session, earner: Earner, offered: PayoutView
    ) -> None:
        handle_all(jobs_container, session, "payout.offered")

        (message,) = told(session, earner.id, NoticeKind.PAYOUT_OFFERED)
        assert "¥200.00" in message
        assert "3月11日 10:00前" in message

    def test_one_that_was_confirmed_meanwhile_is_told_as_arrived_alone(
        self, jobs_container: NullContainer, session: Session, earner: Earner, offered: PayoutView
    ) -> None:
        end(session, offered, TransferState.SUCCESS)

        handle_all(jobs_container, session, "payout.offered", "payout.succeeded")

        assert told(session, earner.id, NoticeKind.PAYOUT_OFFERED) == []
        (message,) = told(session, earner.id, NoticeKind.PAYOUT_SUCCEEDED)
        assert "到账 ¥200.00" in message

    def test_one_that_came_back_says_why(
        self, jobs_container: NullContainer, session: Session, earner: Earner, offered: PayoutView
    ) -> None:
        end(session, offered, TransferState.FAIL, "ACCOUNT_FROZEN")

        handle_all(jobs_container, session, "payout.returned")

        assert told(session, earner.id, NoticeKind.PAYOUT_RETURNED) == [
            "您的提现 ¥200.00 未到账：您的微信账户被冻结，金额已退回。"
        ]

    def test_at_night_only_who_asked_moments_ago_is_disturbed(
        self, jobs_container: NullContainer, session: Session, clock: StandingClock, earner: Earner
    ) -> None:
        night = clock.at = clock.at.astimezone(SHANGHAI).replace(hour=23)
        other = make_earner(session)
        ask(session, earner, at=night)
        ask(session, other, at=night - timedelta(hours=1))

        handle_all(jobs_container, session, "payout.requested", "payout.offered", "notice.requested")

        assert due_of(session, earner.id, NoticeKind.PAYOUT_OFFERED) is None
        assert due_of(session, other.id, NoticeKind.PAYOUT_OFFERED) == night.replace(hour=8) + timedelta(days=1)


class TestRewards:
    def test_both_sides_of_an_invitation_hear_of_their_points_once(
        self, jobs_container: NullContainer, session: Session, clock: StandingClock
    ) -> None:
        publish(session, at=clock.at)
        sharer = make_sharer(session)
        friend = invite(session, sharer, at=clock.at)
        clock.advance(hours=25)
        settle(session, referral_of(session, friend.id).id, at=clock.at)

        handle_all(jobs_container, session, "points.earned")

        kind = NoticeKind.REFERRAL_REWARDED
        assert told(session, sharer.id, kind) == ["成功邀请好友，奖励100积分，积分变动 +100，当前余额 100 积分。"]
        assert told(session, friend.id, kind) == ["受邀入会，奖励50积分，积分变动 +50，当前余额 50 积分。"]
        assert told(session, sharer.id, NoticeKind.POINTS_CHANGED) == []

    def test_a_mission_tells_of_points_and_of_cards_that_came_by_themselves(
        self, jobs_container: NullContainer, session: Session, clock: StandingClock
    ) -> None:
        member_id = make_member(session).id
        make_mission(session, steps=(*steps((1, 10)), Step(2, CardsReward(3))))
        for _ in range(2):
            do(session, member_id, clock.at)

        handle_all(jobs_container, session, "points.earned", "mission.cards_given")

        assert sorted(told(session, member_id, NoticeKind.MISSION_REWARDED)) == [
            "您完成了任务「评价有礼」，获得10积分。",
            "您完成了任务「评价有礼」，获得3张补签卡。",
        ]

    def test_what_a_friend_brings_at_night_is_told_in_the_morning(
        self, jobs_container: NullContainer, session: Session, clock: StandingClock
    ) -> None:
        clock.at = clock.at.astimezone(SHANGHAI).replace(hour=3)
        member_id = make_member(session).id
        make_mission(session, event=MissionEvent.INVITED_FRIEND)
        do(session, member_id, clock.at, event=MissionEvent.INVITED_FRIEND)

        handle_all(jobs_container, session, "points.earned", "notice.requested")

        assert due_of(session, member_id, NoticeKind.MISSION_REWARDED) == clock.at.replace(hour=8)


class TestCommissions:
    @pytest.mark.parametrize("is_told_first", [True, False])
    def test_of_a_day_are_one_message_also_when_its_member_is_merged_meanwhile(
        self, jobs_container: NullContainer, session: Session, clock: StandingClock, is_told_first: bool
    ) -> None:
        publish(session, at=LAST_MONTH)
        publish_plan(session)
        survivor, referrer = make_referrer(session), make_referrer(session)
        for friend in (invite_friend(session, referrer) for _ in range(2)):
            bought(session, friend)
        accrue(session)
        clock.at = AT + timedelta(days=8)
        approve(session, at=clock.at)

        if is_told_first:
            periodic.perform("tell_approved_commissions", "2026-03-19", "2026-03-19")
        merge(session, survivor_id=survivor.id, other_id=referrer.id, actor=STAFF, at=clock.at)
        periodic.perform("tell_approved_commissions", "2026-03-20", "2026-03-20")

        kind = NoticeKind.COMMISSIONS_APPROVED
        assert told(session, referrer.id, kind) == []
        assert told(session, survivor.id, kind) == ["2026年3月18日为您结算佣金 2 笔，共 ¥10.00，目前可提现 ¥10.00。"]

    def test_other_income_is_not_told_as_commission(
        self, jobs_container: NullContainer, session: Session, clock: StandingClock
    ) -> None:
        member = make_member(session)
        approve_entry(session, member.id, 500, accrue_entry(session, member.id, 500, reference="prize:1"))
        clock.advance(days=1)

        periodic.perform("tell_approved_commissions", "2026-03-11", "2026-03-11")

        assert told(session, member.id, NoticeKind.COMMISSIONS_APPROVED) == []
