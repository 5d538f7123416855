"""Locks of coupons: what is promised while they bind, and that nothing is bound for ever or in part."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.coupons.queries.wallet import Shelf, get_coupon, list_wallet
from loyalty.coupons.rules.errors import (
    CouponLockEnded,
    CouponLockNotFound,
    CouponNotFound,
    CouponNotUsable,
    CouponUseReferenceReused,
    InvalidCouponLockPeriod,
)
from loyalty.coupons.rules.locking import LOCK_LIFETIME_MAX
from loyalty.coupons.rules.states import Standing
from loyalty.coupons.rules.terms import DaysFromIssue, Stacking, Windows
from loyalty.coupons.service.locking import unlock
from loyalty.coupons.service.voiding import void
from loyalty.kernel.local_time import Hours
from loyalty.members.rules.members import MemberStatus
from tests.factories.coupon_uses import HALF_AN_HOUR, lock_up, settle, use_of, use_up
from tests.factories.coupons import ACTOR, issue_to, make_template, terms_of
from tests.factories.members import make_member
from tests.factories.points import AT

TOGETHER = Stacking(is_exclusive=False)
UNTIL_TEN_PAST_TEN = Windows(hours=(Hours(9 * 60, 10 * 60 + 10),))
"""``AT`` is 10:00."""


def coupon_of(session: Session, member_id: int, **changes: object) -> int:
    return issue_to(session, member_id, make_template(session, terms_of(**changes))).coupon_id


def standing(session: Session, coupon_id: int, at: datetime = AT) -> Standing:
    return get_coupon(session, coupon_id=coupon_id, at=at).standing


def reasons(refused: pytest.ExceptionInfo[CouponNotUsable]) -> dict[int, str]:
    return {told["coupon_id"]: told["reason"] for told in refused.value.details["coupons"]}  # type: ignore[attr-defined]


def test_an_order_paid_after_the_hours_of_the_coupon_is_settled_while_the_lock_binds(
    session: Session, member_id: int
) -> None:
    coupon_id = coupon_of(session, member_id, windows=UNTIL_TEN_PAST_TEN)
    lock_up(session, member_id, coupon_id)
    later = AT + timedelta(minutes=20)

    with pytest.raises(CouponNotUsable) as refused, session.begin_nested():
        settle(session, member_id, at=AT + HALF_AN_HOUR)

    assert reasons(refused) == {coupon_id: "hours"}
    assert settle(session, member_id, at=later).discount_fen == 2_000


def test_another_basket_is_priced_by_the_time_of_the_lock(session: Session, member_id: int) -> None:
    coupon_id = coupon_of(session, member_id, windows=UNTIL_TEN_PAST_TEN)
    lock_up(session, member_id, coupon_id)
    later = AT + timedelta(minutes=20)

    with pytest.raises(CouponNotUsable) as refused:
        settle(session, member_id, use=use_of(9_999, at=later))

    assert reasons(refused) == {coupon_id: "threshold"}
    used = settle(session, member_id, use=use_of(6_000, 6_000, at=later))
    assert used.redemptions[0].shares == ((1, 1_000), (2, 1_000))


def test_of_two_coupons_binds_both_or_none(session: Session, member_id: int) -> None:
    free, used = (coupon_of(session, member_id, stacking=TOGETHER) for _ in range(2))
    use_up(session, member_id, used)

    with pytest.raises(CouponNotUsable) as refused:
        lock_up(session, member_id, free, used)

    assert (reasons(refused), standing(session, free)) == ({used: "used"}, Standing.USABLE)


def test_with_a_coupon_that_was_voided_meanwhile_refuses_the_order_and_can_be_let_go(
    session: Session, member_id: int
) -> None:
    kept, voided = (coupon_of(session, member_id, stacking=TOGETHER) for _ in range(2))
    lock_up(session, member_id, kept, voided)
    void(session, coupon_ids=[voided], reason="试发", actor=ACTOR, at=AT)

    with pytest.raises(CouponNotUsable) as refused:
        settle(session, member_id)
    assert reasons(refused) == {voided: "voided"}
    unlock(session, member_id=member_id, reference="order:1", at=AT)

    assert (standing(session, kept), standing(session, voided)) == (Standing.USABLE, Standing.VOIDED)


def test_under_a_known_reference_for_other_coupons_is_refused(session: Session, member_id: int) -> None:
    lock_up(session, member_id, coupon_of(session, member_id))

    with pytest.raises(CouponUseReferenceReused):
        lock_up(session, member_id, coupon_of(session, member_id))


def test_under_the_reference_of_one_that_ended_is_refused_and_under_another_made(
    session: Session, member_id: int
) -> None:
    coupon_id = coupon_of(session, member_id)
    lock_up(session, member_id, coupon_id)
    unlock(session, member_id=member_id, reference="order:1", at=AT)

    with pytest.raises(CouponLockEnded) as refused:
        lock_up(session, member_id, coupon_id)

    assert refused.value.details["ended_as"] == "unlocked"
    assert standing(session, coupon_id) is Standing.USABLE
    assert not lock_up(session, member_id, coupon_id, reference="order:1/2").is_replay


def test_that_ran_out_or_was_used_is_not_told_of_again(session: Session, member_id: int) -> None:
    coupon_id = coupon_of(session, member_id)
    assert not lock_up(session, member_id, coupon_id).is_replay
    assert lock_up(session, member_id, coupon_id).is_replay

    with pytest.raises(CouponLockEnded) as ran_out:
        lock_up(session, member_id, coupon_id, at=AT + HALF_AN_HOUR)
    settle(session, member_id, at=AT + HALF_AN_HOUR)
    with pytest.raises(CouponLockEnded) as used:
        lock_up(session, member_id, coupon_id, at=AT + HALF_AN_HOUR)

    assert [one.value.details["ended_as"] for one in (ran_out, used)] == ["unlocked", "redeemed"]


@pytest.mark.parametrize("lasts", [timedelta(), -HALF_AN_HOUR, LOCK_LIFETIME_MAX + timedelta(seconds=1)])
def test_that_ends_at_once_or_binds_for_too_long_is_refused(session: Session, member_id: int, lasts: timedelta) -> None:
    with pytest.raises(InvalidCouponLockPeriod):
        lock_up(session, member_id, coupon_of(session, member_id), lasts=lasts)


def test_of_no_coupon_or_under_an_unknown_reference_there_is_none(session: Session, member_id: int) -> None:
    with pytest.raises(CouponNotFound):
        lock_up(session, member_id)
    with pytest.raises(CouponNotFound):
        use_up(session, member_id)
    with pytest.raises(CouponLockNotFound):
        unlock(session, member_id=member_id, reference="order:1", at=AT)
    with pytest.raises(CouponLockNotFound):
        settle(session, member_id)


def test_that_was_let_go_and_paid_late_counts_as_used(session: Session, member_id: int) -> None:
    lock_up(session, member_id, coupon_of(session, member_id))
    unlock(session, member_id=member_id, reference="order:1", at=AT)
    settle(session, member_id, at=AT + timedelta(minutes=1))

    with pytest.raises(CouponLockEnded):
        unlock(session, member_id=member_id, reference="order:1", at=AT + timedelta(minutes=2))


def test_of_somebody_merged_since_is_settled_by_the_survivor(session: Session) -> None:
    survivor, member = make_member(session), make_member(session)
    lock_up(session, member.id, coupon_of(session, member.id))
    member.status, member.merged_into_id = MemberStatus.MERGED, survivor.id
    session.flush()

    assert settle(session, survivor.id).discount_fen == 2_000
    assert settle(session, survivor.id).is_replay


def test_that_outlives_its_coupon_keeps_it_in_the_wallet(session: Session, member_id: int) -> None:
    coupon_id = coupon_of(session, member_id, validity=DaysFromIssue(1))
    end = get_coupon(session, coupon_id=coupon_id, at=AT).expires_at
    lock_up(session, member_id, coupon_id, at=end - timedelta(minutes=1))

    def on(shelf: Shelf, at: datetime) -> list[Standing]:
        return [view.standing for view in list_wallet(session, member_id=member_id, shelf=shelf, at=at).items]

    assert (on(Shelf.USABLE, end), on(Shelf.LAPSED, end)) == ([Standing.LOCKED], [])
    assert (on(Shelf.USABLE, end + HALF_AN_HOUR), on(Shelf.LAPSED, end + HALF_AN_HOUR)) == ([], [Standing.LAPSED])
