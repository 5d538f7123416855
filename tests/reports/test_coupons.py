"""Figures of coupons against a history made by hand."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from loyalty.coupons.held import Use
from loyalty.coupons.rules.states import IssuePath
from loyalty.coupons.rules.terms import BonusStep, CashOff, DaysFromIssue, Stacking
from loyalty.coupons.service.locking import lock
from loyalty.coupons.service.redeeming import Redeemed, redeem
from loyalty.coupons.service.reversing import reverse_redemption
from loyalty.coupons.service.voiding import void
from loyalty.orders.rules import Line
from loyalty.reports.coupons import CouponReport, Figures, coupon_report
from loyalty.reports.rules import TooManyDays
from loyalty.stores.rules import EVERYTHING, StoreScope
from tests.factories.coupons import ACTOR, SHANGHAI, issue_to, make_template, terms_of
from tests.factories.members import make_member
from tests.factories.stores import make_store

DAY = timedelta(days=1)
MONDAY, TUESDAY = date(2026, 3, 9), date(2026, 3, 10)
FREE = Stacking(is_exclusive=False)


class History:
    """Two stores, two templates; on Monday and Tuesday coupons went out, and some were used."""

    def __init__(self, session: Session, at: datetime) -> None:
        self.here, self.elsewhere = make_store(session).id, make_store(session).id
        self.members = [make_member(session, enrolled_store_id=store).id for store in (self.here, self.elsewhere)]
        self.ten = make_template(session, terms_of(worth=CashOff(10_00), threshold_fen=0, stacking=FREE))
        brief = terms_of(worth=CashOff(5_00), threshold_fen=0, stacking=FREE, validity=DaysFromIssue(1))
        self.five = make_template(session, brief)
        first, second = self.members
        path = IssuePath
        monday = at - DAY
        tens = [issue_to(session, first, self.ten, path=path.CLAIM, at=monday).coupon_id for _ in range(2)]
        tens += [issue_to(session, second, self.ten, path=path.BULK, at=at).coupon_id for _ in range(3)]
        fives = [issue_to(session, first, self.five, path=path.LINK, at=monday).coupon_id for _ in range(2)]
        fives += [issue_to(session, first, self.five, path=path.STAFF, at=at).coupon_id]
        # Two coupons for one basket of 80 yuan, on Tuesday, here.
        self.pair = self.use(session, first, [tens[0], fives[2]], 80_00, self.here, at)
        # One on Monday elsewhere, for 30 yuan; one that is reversed; one without a store.
        self.use(session, first, [fives[0]], 30_00, self.elsewhere, monday)
        undone = self.use(session, second, [tens[2]], 50_00, self.elsewhere, at).redemptions[0]
        reverse_redemption(session, redemption_id=undone.id, reference="oops", at=at, zone=SHANGHAI, actor="x")
        self.use(session, second, [tens[3]], 40_00, None, at)
        void(session, coupon_ids=[tens[4]], reason="mistake", actor=ACTOR, at=at)

    def use(
        self, session: Session, member_id: int, coupon_ids: list[int], fen: int, store_id: int | None, at: datetime
    ) -> Redeemed:
        return redeem(
            session,
            member_id=member_id,
            coupon_ids=coupon_ids,
            reference=f"till:{coupon_ids}",
            use=Use(store_id=store_id, channel="pos", lines=(Line(1, "A1", "饮品", 1, fen),), at=at),
            zone=SHANGHAI,
            actor="partner:1",
        )


@pytest.fixture
def history(session: Session, at: datetime) -> History:
    return History(session, at)


def report_of(session: Session, at: datetime, **changes: Any) -> CouponReport:
    asked: dict[str, Any] = {"scope": EVERYTHING, "first": MONDAY, "last": TUESDAY, "zone": SHANGHAI, "at": at}
    return coupon_report(session, **asked | changes)


def test_counts_each_coupon_and_each_basket_once(session: Session, at: datetime, history: History) -> None:
    report = report_of(session, at)

    assert report.total == Figures(
        issued=8,
        used=4,
        lapsed=1,
        voided=1,
        redeemed=4,
        revenue_fen=(80 - 15 + 30 - 5 + 40 - 10) * 100,
        discount_fen=30_00,
    )
    assert (report.total.open, report.total.used_per_mille, report.claimed) == (2, 500, 4)
    assert report.paths == {IssuePath.CLAIM: 2, IssuePath.LINK: 2, IssuePath.BULK: 3, IssuePath.STAFF: 1}


def test_counts_by_template_with_the_whole_basket(session: Session, at: datetime, history: History) -> None:
    report = report_of(session, at)

    ten = Figures(issued=5, used=2, voided=1, redeemed=2, revenue_fen=65_00 + 30_00, discount_fen=20_00)
    five = Figures(issued=3, used=2, lapsed=1, redeemed=2, revenue_fen=65_00 + 25_00, discount_fen=10_00)
    assert report.templates == {history.ten: ten, history.five: five}
    assert report_of(session, at, template_id=history.ten).templates == {history.ten: ten}
    assert report_of(session, at, template_id=history.ten).total == ten


def test_counts_by_store_of_use_and_by_business_date(session: Session, at: datetime, history: History) -> None:
    report = report_of(session, at)

    assert report.stores == {
        history.here: Figures(redeemed=2, revenue_fen=65_00, discount_fen=15_00),
        history.elsewhere: Figures(redeemed=1, revenue_fen=25_00, discount_fen=5_00),
        None: Figures(redeemed=1, revenue_fen=30_00, discount_fen=10_00),
    }
    assert [(day, one.issued, one.redeemed) for day, one in report.days.items()] == [(MONDAY, 4, 1), (TUESDAY, 4, 3)]
    assert report_of(session, at, first=TUESDAY).total.issued == 4


def test_shows_a_store_its_own_members_and_its_own_uses(session: Session, at: datetime, history: History) -> None:
    own = StoreScope(is_chain_wide=False, store_ids=frozenset({history.elsewhere}))

    report = report_of(session, at, scope=own)

    assert (report.total.issued, report.total.redeemed, report.total.revenue_fen) == (3, 1, 25_00)
    assert list(report.stores) == [history.elsewhere]


def test_counts_points_for_early_use(session: Session, at: datetime, history: History) -> None:
    early = make_template(session, terms_of(threshold_fen=0, bonus=(BonusStep(3, 60),)))
    member_id = history.members[0]
    coupon = issue_to(session, member_id, early).coupon_id
    history.use(session, member_id, [coupon], 90_00, history.here, at)

    assert report_of(session, at, template_id=early).total.bonus_points == 60


def test_counts_a_coupon_locked_beyond_its_last_day_as_open(session: Session, at: datetime, history: History) -> None:
    member_id, until = history.members[0], at + DAY
    coupon = issue_to(session, member_id, history.five, at=at).coupon_id
    use = Use(store_id=None, channel="pos", lines=(Line(1, "A1", "饮品", 1, 50_00),), at=at)
    lock(
        session, member_id=member_id, coupon_ids=[coupon], use=use, reference="cart", expires_at=until, zone=SHANGHAI,
        actor="partner:1",
    )  # fmt: skip

    locked, run_out = (
        report_of(session, moment).templates[history.five] for moment in (until - timedelta(minutes=1), until)
    )

    assert (locked.lapsed + 1, locked.open - 1) == (run_out.lapsed, run_out.open)


def test_covers_a_year_at_most(session: Session, at: datetime) -> None:
    with pytest.raises(TooManyDays):
        report_of(session, at, first=TUESDAY + DAY)
    assert report_of(session, at).total == Figures()
