"""A life with coupons: who has them, what the clock does to them, and what must be true after every step."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from sqlalchemy import Engine

from loyalty.coupons.queries.wallet import Shelf, list_wallet
from loyalty.coupons.rules.errors import CouponNotUsable
from loyalty.coupons.rules.terms import BonusStep, CashOff, DaysFromIssue, RefundPolicy, Stacking
from loyalty.coupons.service.expiring import expire_coupons, release_run_out
from loyalty.merging.service import merge
from loyalty.points import service as points
from loyalty.points.queries import summary
from tests.factories.coupons import ACTOR, issue_to, make_template, terms_of
from tests.factories.members import make_member
from tests.proofs.coupon_oracle import (
    BONUS,
    BONUS_DAYS,
    WORTH_FEN,
    OracleCoupon,
    OracleLock,
    OracleOrder,
    OracleTemplate,
    OracleUse,
)
from tests.proofs.machine import MOMENT, Machine, pick, picks
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
some = st.lists(picks, min_size=1, max_size=3)


class CouponLife(Machine):
    """Two members with coupons; in the end they may turn out to be one person."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
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

    @rule()
    def the_jobs_run(self) -> None:
        """They change nothing that anybody sees."""
        release_run_out(self.session, at=self.at)
        expire_coupons(self.session, at=self.at)
        for _, lock in self.locks:
            if lock.until <= self.at and lock.outcome is None:
                self.free(lock)

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
        super().teardown()
