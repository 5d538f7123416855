"""Coupons set aside for an unpaid order, as steps of a life."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from loyalty.coupons.rules.errors import CouponLockEnded
from loyalty.coupons.service.locking import unlock
from loyalty.coupons.service.redeeming import Redeemed
from tests.factories.coupon_uses import lock_up, settle, use_of
from tests.proofs.coupon_life import BASKET, CouponLife, some
from tests.proofs.coupon_oracle import WORTH_FEN, OracleLock
from tests.proofs.machine import pick, picks


class Locking(CouponLife):
    @precondition(lambda self: self.holders)
    @rule(who=picks, which=some, minutes=st.sampled_from([5, 30, 1_440]))
    def locks_some(self, who: int, which: list[int], minutes: int) -> None:
        member_id, coupons = self.chosen(who, which)
        lock = OracleLock(f"order:{next(self.numbers)}", coupons, self.at + timedelta(minutes=minutes))
        locked = self.asked(
            coupons,
            lambda: lock_up(
                self.session, member_id, *(one.id for one in coupons), reference=lock.reference, at=self.at,
                use=use_of(*BASKET, at=self.at), lasts=timedelta(minutes=minutes),
            ),
        )  # fmt: skip
        if locked is not None:
            assert locked.lock.discount_fen == WORTH_FEN * len(coupons)
            self.locks.append((member_id, lock))
            for one in coupons:
                one.lock = lock

    @precondition(lambda self: self.locks)
    @rule(which=picks)
    def lets_go(self, which: int) -> None:
        member_id, lock = pick(self.locks, which)
        try:
            unlock(self.session, member_id=self.survivor_of(member_id), reference=lock.reference, at=self.at)
        except CouponLockEnded:
            assert lock.outcome == "redeemed"
        else:
            assert lock.outcome != "redeemed"
            self.free(lock)

    @precondition(lambda self: self.locks)
    @rule(which=picks)
    def pays_what_was_locked(self, which: int) -> None:
        member_id, lock = pick(self.locks, which)

        def pay() -> Redeemed:
            return settle(
                self.session, self.survivor_of(member_id), at=self.at, use=use_of(*BASKET, at=self.at),
                lock_reference=lock.reference, reference=f"paid:{lock.reference}",
            )  # fmt: skip

        if lock.uses:
            assert [one.id for one in pay().redemptions] == [use.id for use in lock.uses]
            return
        used = self.asked(lock.coupons, pay, own=lock)
        if used is not None:
            lock.uses = self.note_uses(lock.coupons, used)
            lock.outcome = "redeemed"  # though it had been let go before
