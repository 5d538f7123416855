"""What a member earns by an order, on a day and in a month is bounded, and what brought it down is named."""

from datetime import timedelta

from sqlalchemy.orm import Session

from loyalty.commissions.service import follow_refund
from loyalty.members.models import Member
from tests.factories.checkout import give_back
from tests.factories.commissions import AT, accrue, bought, commission_of, money, publish_plan
from tests.factories.orders import make_refund

DAY = timedelta(days=1)


class TestCaps:
    def test_of_an_order_a_day_and_a_month_bring_down_and_are_named(
        self, session: Session, referrer: Member, friend: Member
    ) -> None:
        publish_plan(session, order_cap_fen=400, day_cap_fen=700, month_cap_fen=1_000)
        yesterday = [bought(session, friend, paid_at=AT - DAY) for _ in range(3)]
        today = bought(session, friend)

        accrue(session)

        found = [commission_of(session, one) for one in (*yesterday, today)]
        assert [(one.amount_fen, one.limited_by, one.reason) for one in found] == [
            (400, "order_cap", None), (300, "day_cap", None), (0, None, "day_cap"), (300, "month_cap", None)
        ]  # fmt: skip
        assert money(session, referrer) == (1_000, 0, 0)

    def test_are_free_again_by_what_refunds_undo(self, session: Session, referrer: Member, friend: Member) -> None:
        publish_plan(session, day_cap_fen=500)
        refunded = bought(session, friend, order_number="C-capped")
        accrue(session)
        give_back(session, make_refund("C-capped"))
        follow_refund(session, order_id=refunded, at=AT)
        again = bought(session, friend)
        accrue(session)

        assert commission_of(session, again).amount_fen == 500
