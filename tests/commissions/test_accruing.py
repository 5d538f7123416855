"""A purchase of an invited friend earns once, by the revision in force when it was paid; every miss says why."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from loyalty.checkout.service import hold_points
from loyalty.commissions.models import Commission
from loyalty.commissions.rules.plan import Rate, SecondLevelNotAcknowledged
from loyalty.commissions.service import follow_refund, plans
from loyalty.earnings.explanations import sentence
from loyalty.earnings.queries import statement
from loyalty.earnings.rules import EarningsKind
from loyalty.members.models import Member
from loyalty.orders.rules import RefundLine
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.service import switches
from loyalty.risk.rules.blocks import BlockKind, Target
from loyalty.risk.rules.subjects import Occasion, Subject
from loyalty.risk.service import block, note_sighting
from tests.factories.checkout import ACCEPTING, buy, give_back, save_policy
from tests.factories.commissions import (
    ACTOR,
    AT,
    FIVE_PERCENT,
    LAST_MONTH,
    accrue,
    approve,
    bought,
    commission_of,
    commissions_of,
    invite_friend,
    make_referrer,
    money,
    plan_of,
    publish_plan,
    say,
)
from tests.factories.earnings import assert_money_fits
from tests.factories.orders import make_purchase, make_refund
from tests.factories.points import earn
from tests.factories.referrals import invite
from tests.factories.stores import make_store
from tests.support.settings import VAULT

DAY = timedelta(days=1)


class TestAPurchase:
    def test_earns_who_invited_the_buyer_once_however_often_it_is_looked_at(
        self, session: Session, plan_id: int, referrer: Member, friend: Member
    ) -> None:
        order_id = bought(session, friend, 10_010)

        assert [accrue(session) for _ in range(3)] == [1, 0, 0]

        earned = commission_of(session, order_id)
        assert (earned.member_id, earned.level, earned.plan_id) == (referrer.id, 1, plan_id)
        assert (earned.base_fen, earned.amount_fen, earned.state) == (10_010, 500, "pending")
        assert earned.approves_at == AT + 7 * DAY
        assert money(session, referrer) == (500, 0, 0)
        assert_money_fits(session, referrer.id)

    def test_of_somebody_whom_nobody_invited_earns_nobody(self, session: Session, plan_id: int, friend: Member) -> None:
        order_id = bought(session, make_referrer(session))

        assert accrue(session) == 0
        assert commissions_of(session, order_id) == []

    def test_earns_on_what_was_paid_in_money_alone(
        self, session: Session, plan_id: int, referrer: Member, friend: Member
    ) -> None:
        save_policy(session, ACCEPTING)
        earn(session, friend.id, 1_000)
        hold_points(session, member_id=friend.id, points=1_000, amount_fen=10_000, reference="till:1", at=AT)
        order_id = buy(session, make_purchase(friend.id), hold_reference="till:1").order_id

        accrue(session)

        assert commission_of(session, order_id).base_fen == 9_000
        assert money(session, referrer) == (450, 0, 0)

    def test_that_was_paid_before_the_friend_enrolled_or_any_plan_was_in_force_earns_nothing(
        self, session: Session, referrer: Member, friend: Member
    ) -> None:
        publish_plan(session, at=LAST_MONTH + DAY)
        before_plan = bought(session, friend, paid_at=LAST_MONTH + DAY / 2)
        before_enrolment = bought(session, friend, paid_at=LAST_MONTH - DAY)
        late = bought(session, friend, paid_at=LAST_MONTH + 2 * DAY)

        assert accrue(session) == 1

        assert commissions_of(session, before_plan) == commissions_of(session, before_enrolment) == []
        assert commission_of(session, late).approves_at == LAST_MONTH + 9 * DAY

    def test_earns_by_the_revision_in_force_when_it_was_paid(
        self, session: Session, plan_id: int, referrer: Member, friend: Member
    ) -> None:
        publish_plan(session, at=AT - DAY, first=(Rate(basis_points=1_000),))
        publish_plan(session, at=AT + DAY, is_open=False)
        earlier = bought(session, friend, paid_at=AT - 2 * DAY)
        later = bought(session, friend)
        closed = bought(session, friend, paid_at=AT + 2 * DAY)

        accrue(session, at=AT + 2 * DAY)

        assert [commission_of(session, one).amount_fen for one in (earlier, later)] == [500, 1_000]
        assert commissions_of(session, closed) == []

    def test_is_the_first_once_also_when_an_earlier_one_is_reported_later(
        self, session: Session, referrer: Member, friend: Member
    ) -> None:
        publish_plan(session, is_first_order_only=True)
        second, first = bought(session, friend), bought(session, friend, paid_at=AT - DAY)
        accrue(session)
        reported_late = bought(session, friend, paid_at=AT - 2 * DAY)
        accrue(session)

        assert commission_of(session, first).state == "pending"
        for other in (second, reported_late):
            assert commission_of(session, other).reason == "first_order_only"

    def test_earns_until_the_last_day_of_the_months_after_enrolment(
        self, session: Session, referrer: Member, friend: Member
    ) -> None:
        publish_plan(session, months=1)
        last_on = LAST_MONTH + 28 * DAY  # from 8 February to 8 March
        in_time, late = bought(session, friend, paid_at=last_on), bought(session, friend, paid_at=last_on + DAY)

        accrue(session)

        assert commission_of(session, in_time).state == "pending"
        assert commission_of(session, late).reason == "months_over"

    def test_that_was_refunded_before_anybody_looked_earns_what_is_left(
        self, session: Session, plan_id: int, referrer: Member, friend: Member
    ) -> None:
        part = bought(session, friend, order_number="C-part")
        whole = bought(session, friend, order_number="C-whole")
        give_back(session, make_refund("C-part", RefundLine(1, 0, 4_000)))
        give_back(session, make_refund("C-whole"))

        accrue(session)

        assert (commission_of(session, part).amount_fen, commission_of(session, part).reversed_fen) == (500, 200)
        assert commission_of(session, whole).reason == "refunded"
        assert money(session, referrer) == (300, 0, 0)


class TestLevels:
    def test_a_chain_of_three_pays_one_level_unless_a_second_is_acknowledged(
        self, session: Session, plan_id: int, referrer: Member, friend: Member
    ) -> None:
        buyer = invite_friend(session, friend)
        buyers_friend = invite_friend(session, buyer)
        one_level = bought(session, buyers_friend)
        accrue(session)
        assert [one.member_id for one in commissions_of(session, one_level)] == [buyer.id]

        publish_plan(session, at=AT + DAY, second=(Rate(basis_points=100),))
        two_levels = bought(session, buyers_friend, paid_at=AT + 2 * DAY)
        accrue(session, at=AT + 2 * DAY)

        assert [(one.member_id, one.amount_fen) for one in commissions_of(session, two_levels)] == [
            (buyer.id, 500), (friend.id, 100)
        ]  # fmt: skip
        assert money(session, referrer) == (0, 0, 0)

    def test_a_second_is_not_published_without_the_warning_and_who_agreed_is_kept(self, session: Session) -> None:
        plans.save_draft(session, plan=plan_of(second=FIVE_PERCENT), actor=ACTOR, at=AT)

        with pytest.raises(SecondLevelNotAcknowledged):
            plans.publish(session, acknowledged_text="an older one", actor=ACTOR, at=AT)
        with pytest.raises(IntegrityError, match="acknowledged"), session.begin_nested():
            session.execute(text("UPDATE commission_plans SET published_at = now(), published_by = 'staff:1'"))

    def test_a_third_cannot_be_stored(self, session: Session, plan_id: int, referrer: Member, friend: Member) -> None:
        order_id = bought(session, friend)
        accrue(session)
        row = commission_of(session, order_id)
        names = [column.name for column in Commission.__table__.columns if column.name != "id"]
        third = {name: getattr(row, name) for name in names} | {"level": 3}

        with pytest.raises(IntegrityError, match="ck_commissions_level"), session.begin_nested():
            session.execute(insert(Commission).values(third))

    def test_a_published_revision_never_changes(self, session: Session, plan_id: int) -> None:
        with pytest.raises(IntegrityError, match="is published"), session.begin_nested():
            session.execute(text("UPDATE commission_plans SET definition = '{}'"))


class TestNobodyIsPaid:
    def test_while_the_channel_is_off(self, session: Session, plan_id: int, friend: Member, referrer: Member) -> None:
        for at in (AT, AT + DAY):
            switches.turn_off(session, channel=Channel.MINI_PROGRAM, reason="异常", actor=ACTOR, at=at)
        order_id = bought(session, friend)

        accrue(session)

        assert commission_of(session, order_id).reason == "channel_off"
        assert money(session, referrer) == (0, 0, 0)

    def test_later_for_what_was_bought_before_the_channel_went_off(
        self, session: Session, plan_id: int, friend: Member, referrer: Member
    ) -> None:
        order_id = bought(session, friend, paid_at=AT - DAY)
        switches.turn_off(session, channel=Channel.MINI_PROGRAM, reason="异常", actor=ACTOR, at=AT)

        assert accrue(session) == 1

        assert commission_of(session, order_id).state == "pending"
        assert approve(session) == 0

    @pytest.mark.parametrize("side", ["referrer", "friend"])
    @pytest.mark.parametrize("kind", [BlockKind.MEMBER, BlockKind.PHONE, BlockKind.DEVICE, BlockKind.IP])
    def test_who_is_blocked_or_buys_while_blocked(
        self, session: Session, plan_id: int, referrer: Member, side: str, kind: BlockKind
    ) -> None:
        friend = invite(session, referrer, device="device-of-a-friend", ip="192.0.2.8", at=LAST_MONTH)
        seen = Subject(referrer.id, device="device-of-the-other", ip="192.0.2.9")
        note_sighting(session, vault=VAULT, occasion=Occasion.ENROLMENT, subject=seen, at=AT)
        blocked = referrer if side == "referrer" else friend
        values = {
            BlockKind.MEMBER: str(blocked.id),
            BlockKind.PHONE: phone_of(blocked),
            BlockKind.DEVICE: "device-of-the-other" if side == "referrer" else "device-of-a-friend",
            BlockKind.IP: "192.0.2.9" if side == "referrer" else "192.0.2.8",
        }
        block(
            session, vault=VAULT, target=Target(kind, values[kind]), reason="刷单", expires_at=AT + DAY,
            actor=ACTOR, at=AT,
        )  # fmt: skip
        order_id = bought(session, friend)

        accrue(session)

        assert commission_of(session, order_id).reason == "blocklisted"

    def test_who_is_no_member_any_more(self, session: Session, plan_id: int, friend: Member, referrer: Member) -> None:
        say(session, referrer, status="closed", phone_index=None, phone_sealed=None)
        order_id = bought(session, friend)

        accrue(session)

        assert commission_of(session, order_id).reason == "earner_gone"


def test_the_statement_explains_each_line(session: Session, referrer: Member, friend: Member, at: datetime) -> None:
    plan_id = publish_plan(session, order_cap_fen=400)
    store = make_store(session)
    order_id = bought(session, friend, store_id=store.id, order_number="C-told")
    accrue(session)
    approve(session)
    give_back(session, make_refund("C-told"))
    follow_refund(session, order_id=order_id, at=at)

    lines = [
        sentence(kind=one.kind, explanation=one.explanation) for one in statement(session, member_id=referrer.id).items
    ]
    assert lines == [
        "好友消费佣金：2026年3月10日的订单，佣金冲回，订单已退款",
        "好友消费佣金：2026年3月10日的订单，已过退款期，可以提现",
        f"好友消费佣金：2026年3月10日 10:00 {store.name}的订单，实付 ¥100.00×5%，得 ¥5.00（已达每单上限），"
        f"按方案第 {plan_id} 版",
    ]
    assert sentence(kind=EarningsKind.ACCRUE, explanation={"rule": "commission"}) == "获得收益，待结算"


def phone_of(member: Member) -> str:
    assert member.phone_sealed is not None
    return VAULT.open(member.phone_sealed, context="members.phone")
