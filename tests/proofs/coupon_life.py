"""The life of coupons beside the oracle: what can be done with them, in any order."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from loyalty.checkout import service as checkout
from loyalty.coupons.queries.redemptions import find_of_order
from loyalty.coupons.queries.wallet import Shelf, list_wallet
from loyalty.coupons.rules.errors import (
    CouponLockEnded,
    CouponNotUsable,
    CouponNotVoidable,
    CouponRedemptionOfOrder,
    CouponRedemptionReversed,
)
from loyalty.coupons.rules.terms import BonusStep, CashOff, DaysFromIssue, RefundPolicy, Stacking
from loyalty.coupons.service.bonus import pay_bonus, take_back_bonus
from loyalty.coupons.service.expiring import expire_coupons, release_run_out
from loyalty.coupons.service.locking import unlock
from loyalty.coupons.service.redeeming import Redeemed
from loyalty.coupons.service.voiding import void
from loyalty.merging.service import merge
from loyalty.orders.rules import RefundLine
from loyalty.points import service as points
from loyalty.points.queries import summary
from loyalty.points.rules import Shortfall
from tests.factories.checkout import SHANGHAI, buy, give_back
from tests.factories.coupon_uses import lock_up, settle, undo, use_of, use_up
from tests.factories.coupons import ACTOR, issue_to, make_template, terms_of
from tests.factories.members import make_member
from tests.factories.orders import AT, make_purchase, make_refund
from tests.proofs.coupon_oracle import (
    BONUS,
    BONUS_DAYS,
    WORTH_FEN,
    OracleCoupon,
    OracleLock,
    OracleOrder,
    OracleTemplate,
    OracleUse,
    return_with_order,
    reverse,
)
from tests.proofs.life import MOMENT, pick, picks
from tests.support.settings import SEAL_KEY

BASKET = (10_000, 5_000)
TEMPLATES = ((2, 0, False, 0), (2, 0, True, 0), (3, 0, True, 1), (4, 1, True, 2))
"""Days, delay, whether it comes back with its order, and for how long when it lapsed meanwhile."""
SHELVES = {
    **dict.fromkeys(("upcoming", "usable", "locked"), Shelf.USABLE),
    **dict.fromkeys(("lapsed", "voided"), Shelf.LAPSED),
    "used": Shelf.USED,
}
later = st.sampled_from([0, 0, 3])
"""Days: what was used may have lapsed meanwhile."""
shares_of_lines = st.one_of(st.just([0, 0]), st.lists(st.integers(0, 100), min_size=2, max_size=2))
some = st.lists(picks, min_size=1, max_size=3)


class LifeOfACoupon(RuleBasedStateMachine):
    """Two members with coupons; in the end they may turn out to be one person."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.connection = engine.connect()
        self.session = Session(self.connection, expire_on_commit=False)
        self.at, self.numbers, self.steps = AT, count(1), 0
        self.member_ids: list[int] = []
        self.templates: list[OracleTemplate] = []
        self.coupons: list[list[OracleCoupon]] = [[], []]
        self.locks: list[tuple[int, OracleLock]] = []
        self.uses: list[OracleUse] = []
        self.orders: list[OracleOrder] = []
        self.news: list[tuple[str, OracleUse]] = []
        self.points = 0

    @initialize()
    def begin(self) -> None:
        self.member_ids = [make_member(self.session).id for _ in range(2)]
        for days, delay, returns, grace in TEMPLATES:
            terms = terms_of(
                worth=CashOff(WORTH_FEN), threshold_fen=0, validity=DaysFromIssue(days, delay),
                bonus=(BonusStep(BONUS_DAYS, BONUS),), stacking=Stacking(is_exclusive=False),
                refund=RefundPolicy.RETURN if returns else RefundPolicy.FORFEIT, refund_grace_days=grace,
            )  # fmt: skip
            template_id = make_template(self.session, terms, stock=None, at=self.at)
            self.templates.append(OracleTemplate(template_id, returns, grace))

    @property
    def holders(self) -> list[int]:
        """Whose coupons there are, as an index: after the merge only the survivor's."""
        return [holder for holder, coupons in enumerate(self.coupons) if coupons]

    def chosen(self, who: int, which: Sequence[int]) -> tuple[int, list[OracleCoupon]]:
        holder = pick(self.holders, who)
        coupons = {id(one): one for one in (pick(self.coupons[holder], number) for number in which)}
        return self.member_ids[holder], list(coupons.values())

    @rule(minutes=st.sampled_from([1, 20, 300, 1_440, 2_880]))
    def time_goes_by(self, minutes: int) -> None:
        self.at += timedelta(minutes=minutes)

    @rule(who=picks, which=picks)
    def gets_one(self, who: int, which: int) -> None:
        holder = who % len(self.member_ids)
        template = pick(self.templates, which)
        issued = issue_to(self.session, self.member_ids[holder], template.id, at=self.at)
        self.coupons[holder].append(OracleCoupon(issued.coupon_id, template, issued.usable_at, issued.expires_at))

    @rule(who=picks, which=picks)
    def gets_one_and_uses_it(self, who: int, which: int) -> None:
        self.gets_one(who, which)
        holder = who % len(self.member_ids)
        coupon = self.coupons[holder][-1]
        used = self.asked([coupon], lambda: self.use_at_till(self.member_ids[holder], [coupon]))
        if used is not None:
            self.note_uses([coupon], used)

    @precondition(lambda self: self.holders)
    @rule(who=picks, which=some)
    def uses_some(self, who: int, which: list[int]) -> None:
        member_id, coupons = self.chosen(who, which)
        used = self.asked(coupons, lambda: self.use_at_till(member_id, coupons))
        if used is not None:
            self.note_uses(coupons, used)

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
            lock.outcome = lock.outcome or "redeemed"

    @rule(who=picks, which=some)
    def buys(self, who: int, which: list[int]) -> None:
        """With a reserved basket, through checkout: with a coupon of the moment, and perhaps some older ones."""
        self.gets_one(who, which[0])
        holder = who % len(self.member_ids)
        older = [pick(self.coupons[holder], number) for number in which[1:]]
        member_id = self.member_ids[holder]
        coupons = list({one.id: one for one in (*older, self.coupons[holder][-1])}.values())
        reference, use = f"cart:{next(self.numbers)}", use_of(*BASKET, at=self.at)
        reserved = self.asked(
            coupons,
            lambda: checkout.reserve_basket(
                self.session, member_id=member_id, use=use, coupon_ids=[one.id for one in coupons], points=0,
                reference=reference, zone=SHANGHAI, actor="shop",
            ),
        )  # fmt: skip
        if reserved is None:
            return
        purchase = make_purchase(member_id, *use.lines, channel=use.channel, paid_at=self.at)
        outcome = buy(self.session, purchase, hold_reference=reference, at=self.at)
        uses = self.note_uses(coupons, Redeemed(tuple(find_of_order(self.session, order_id=outcome.order_id))))
        paid_fen = sum(BASKET) - WORTH_FEN * len(coupons)
        assert (outcome.discount_fen, reserved.money_fen) == (WORTH_FEN * len(coupons), paid_fen)
        self.orders.append(OracleOrder(purchase.order_number, uses, list(BASKET), paid_fen))

    @precondition(lambda self: any(any(order.left) for order in self.orders))
    @rule(which=picks, parts=shares_of_lines, days=later)
    def brings_back(self, which: int, parts: list[int], days: int) -> None:
        """A part of each line, or all that is left when that is nothing."""
        self.at += timedelta(days=days)
        order = pick([one for one in self.orders if any(one.left)], which)
        back = [fen * share // 100 for fen, share in zip(order.left, parts, strict=True)]
        is_last = not any(back)
        back = list(order.left) if is_last else back
        is_last = is_last or back == order.left
        order.left = [fen - part for fen, part in zip(order.left, back, strict=True)]
        lines = [RefundLine(n, int(is_last), fen) for n, fen in enumerate(back, start=1) if fen or is_last]

        outcome = give_back(self.session, make_refund(order.number, *lines, refunded_at=self.at), at=self.at)

        returned = [use for use in order.uses if is_last and return_with_order(use, self.at)]
        assert sorted(outcome.returned_coupon_ids) == sorted(use.coupon.id for use in returned)
        self.news += [("reversed", use) for use in returned]
        order.back_fen += outcome.money_fen
        assert outcome.money_fen >= 0
        assert order.back_fen == order.paid_fen if is_last else order.back_fen <= order.paid_fen

    @precondition(lambda self: self.uses)
    @rule(which=picks, days=later)
    def undoes_a_use(self, which: int, days: int) -> None:
        self.at += timedelta(days=days)
        use = pick(self.uses, which)
        try:
            undo(self.session, use.id, reference=f"undo:{next(self.numbers)}", at=self.at)
        except CouponRedemptionReversed:
            assert use.is_reversed
        except CouponRedemptionOfOrder:
            assert self.is_of_order(use)
            assert not use.is_reversed
        else:
            assert not use.is_reversed
            assert not self.is_of_order(use)
            reverse(use, self.at)
            self.news.append(("reversed", use))

    def is_of_order(self, use: OracleUse) -> bool:
        """An order keeps its coupons until it is refunded."""
        return any(use in order.uses for order in self.orders)

    @precondition(lambda self: self.holders)
    @rule(who=picks, which=picks)
    def voids_one(self, who: int, which: int) -> None:
        _, (coupon,) = self.chosen(who, [which])
        try:
            void(self.session, coupon_ids=[coupon.id], reason="试发", actor=ACTOR, at=self.at)
        except CouponNotVoidable:
            assert coupon.standing(self.at) in ("used", "lapsed")
        else:
            assert coupon.standing(self.at) not in ("used", "lapsed")
            coupon.is_void, coupon.lock = True, None

    @rule()
    def the_jobs_run(self) -> None:
        """They change nothing that anybody sees."""
        release_run_out(self.session, at=self.at)
        expire_coupons(self.session, at=self.at)
        for _, lock in self.locks:
            if lock.until <= self.at and lock.outcome is None:
                self.free(lock)

    @precondition(lambda self: self.news)
    @rule(which=picks, is_forgotten=st.booleans())
    def news_comes(self, which: int, is_forgotten: bool) -> None:
        """In any order, and again where it was not forgotten."""
        kind, use = pick(self.news, which)
        if kind == "used":
            pay_bonus(self.session, redemption_id=use.id, at=self.at, zone=SHANGHAI)
            if not use.is_reversed and not use.is_paid:
                self.points += use.bonus
                use.is_paid = True
        else:
            take_back_bonus(self.session, redemption_id=use.id, shortfall=Shortfall.NEGATIVE, at=self.at, zone=SHANGHAI)
            if use.is_paid and not use.is_taken_back:
                self.points -= use.bonus
                use.is_taken_back = True
        if is_forgotten:
            self.news.remove((kind, use))

    @precondition(lambda self: len(self.member_ids) > 1 and self.steps > 10)
    @rule()
    def both_turn_out_to_be_one_person(self) -> None:
        survivor_id, other_id = self.member_ids
        merge(self.session, survivor_id=survivor_id, other_id=other_id, actor=ACTOR, at=self.at)
        self.member_ids = [survivor_id]
        self.coupons = [self.coupons[0] + self.coupons[1], []]

    @invariant()
    def agrees_with_the_oracle(self) -> None:
        self.at += MOMENT
        self.steps += 1
        for member_id, coupons in zip(self.member_ids, self.coupons, strict=False):
            seen = {shelf: self.on(shelf, member_id) for shelf in Shelf}
            expected: dict[Shelf, dict[int, Any]] = {shelf: {} for shelf in Shelf}
            for one in coupons:
                stands = one.standing(self.at)
                expected[SHELVES[stands]][one.id] = (stands, one.expires_at)
            assert seen == expected
        worth = [summary(self.session, member_id=one, at=self.at) for one in self.member_ids]
        assert sum(one.balance - one.debt for one in worth) == self.points

    def on(self, shelf: Shelf, member_id: int) -> dict[int, Any]:
        """The coupons that a member sees on a shelf of the wallet, and how they stand."""
        views = list_wallet(self.session, member_id=member_id, shelf=shelf, at=self.at, limit=1_000).items
        return {view.id: (view.standing, view.expires_at) for view in views}

    def asked(self, coupons: Sequence[OracleCoupon], act: Any, own: OracleLock | None = None) -> Any:
        """Do what needs these coupons; where the oracle says that it cannot be done, see that it says why."""
        refused = {one.id: why for one in coupons if (why := one.why_not(self.at, own))}
        try:
            done = act()
        except CouponNotUsable as error:
            told: Any = error.details["coupons"]
            assert {each["coupon_id"]: each["reason"] for each in told} == refused
            return None
        assert not refused
        return done

    def use_at_till(self, member_id: int, coupons: Sequence[OracleCoupon]) -> Redeemed:
        reference, use = f"till:{next(self.numbers)}", use_of(*BASKET, at=self.at)
        return use_up(self.session, member_id, *(one.id for one in coupons), reference=reference, use=use)

    def note_uses(self, coupons: Sequence[OracleCoupon], used: Any) -> list[OracleUse]:
        by_coupon = {one.id: one for one in coupons}
        uses = [by_coupon[one.coupon_id].use(one.id, self.at) for one in used.redemptions]
        assert len(uses) == len(coupons)
        self.uses += uses
        self.news += [("used", use) for use in uses if use.bonus]
        return uses

    def free(self, lock: OracleLock) -> None:
        lock.outcome = lock.outcome or "unlocked"
        for one in lock.coupons:
            if one.lock is lock:
                one.lock = None

    def survivor_of(self, member_id: int) -> int:
        return member_id if member_id in self.member_ids else self.member_ids[0]

    def teardown(self) -> None:
        if self.member_ids:
            proof = points.verify(self.session, seal_key=SEAL_KEY, at=self.at)
            assert proof.discrepancies == []
        self.session.close()
        self.connection.close()
