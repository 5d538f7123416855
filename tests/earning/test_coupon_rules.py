"""Rules that give a coupon: with the award, within every limit of the template, and taken back with the order."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.checkout.rules import Basket
from loyalty.checkout.service import PurchaseOutcome, preview
from loyalty.coupons.models import Coupon
from loyalty.coupons.queries.templates import get_template
from loyalty.coupons.rules.states import CouponState, IssuePath
from loyalty.coupons.rules.terms import MemberLimits, Stock
from loyalty.coupons.service.templates import create_template, pause, stop
from loyalty.earning.evaluations import find_evaluation, find_kept
from loyalty.earning.outcomes import count_outcomes
from loyalty.earning.queries import get_revisions
from loyalty.earning.rules import Conditions, Definition, EarningEvent, Fixed
from loyalty.earning.rules.documents import from_json, to_json
from loyalty.earning.rules.errors import EarningRuleCouponUnknown, InvalidEarningRule
from loyalty.earning.rules.explaining import explain
from loyalty.earning.rules.keeping import evaluate_again
from loyalty.earning.rules.matching import MissReason
from loyalty.earning.rules.sentences import sentence
from loyalty.earning.rules.words import Names
from loyalty.earning.service import Happening, reward
from loyalty.kernel.database import Json
from loyalty.limits.models import LimitCounter
from loyalty.members.rules.members import MemberStatus
from loyalty.merging.service import merge
from loyalty.orders.rules import RefundLine
from loyalty.stores.rules import EVERYTHING
from tests.earning.drafts import draft
from tests.factories.checkout import SHANGHAI, buy, give_back
from tests.factories.coupons import issue_to, make_template, terms_of
from tests.factories.earning import BASE, make_rule
from tests.factories.members import make_member
from tests.factories.orders import line, make_purchase, make_refund
from tests.factories.points import balance_of
from tests.factories.stores import make_store
from tests.factories.tags import MARKETER
from tests.support.settings import VAULT
from tests.support.statements import StatementCounter

OVER_100 = Conditions(minimum_amount_fen=10_000)


def coupon_rule(session: Session, template_id: int, *, name: str = "满百送券", **changes: Any) -> int:
    told: dict[str, Any] = {"event": EarningEvent.PURCHASE, "coupon_template_id": template_id, "conditions": OVER_100}
    return make_rule(session, Definition(**(told | changes)), name=name)


def bought(session: Session, member_id: int, amount_fen: int = 10_000, **changes: Any) -> PurchaseOutcome:
    return buy(session, make_purchase(member_id, line(amount_fen=amount_fen), **changes))


def coupons_of(session: Session, member_id: int) -> list[Coupon]:
    return list(session.scalars(select(Coupon).where(Coupon.member_id == member_id).order_by(Coupon.id)))


def used_of(session: Session, template_id: int) -> set[int]:
    """What every counter of a template holds."""
    session.flush()
    counters = select(LimitCounter.entity, LimitCounter.period, LimitCounter.used)
    sums: dict[tuple[str, str], int] = {}
    for entity, period, used in session.execute(
        counters.where(LimitCounter.subject == f"coupon_template:{template_id}")
    ):
        sums[entity, period] = sums.get((entity, period), 0) + used
    return set(sums.values())


def awards_again(session: Session, member_id: int, order_id: int) -> tuple[list[Json], list[Json]]:
    """What the stored inputs come to, and what was kept; without what only the kept one knows."""
    kept = find_evaluation(session, member_id=member_id, reference=f"order:{order_id}")
    assert kept is not None
    again = evaluate_again(kept.inputs, get_revisions(session, revision_ids=kept.inputs["revision_ids"]))
    known = {"entries", "coupon_id", "coupon_title"}
    told = [{name: part for name, part in one.items() if name not in known} for one in (*kept.awards, *kept.misses)]
    return [one.explanation for one in again.awards] + [one.explanation for one in again.misses], told


class TestAward:
    def test_a_purchase_gets_points_and_the_coupon_and_says_both(self, session: Session) -> None:
        template_id = make_template(session, terms_of(title="满100减20"))
        coupon_rule(session, template_id, name="首单礼", points=Fixed(50))
        member, store = make_member(session), make_store(session)

        outcome = bought(session, member.id, store_id=store.id)

        (coupon,) = coupons_of(session, member.id)
        revision_id = outcome.awards[0]["revision_id"]
        assert (coupon.path, coupon.store_id) == (IssuePath.EARNING_RULE, store.id)
        assert coupon.reference == f"earning:order:{outcome.order_id}:{revision_id}"
        assert outcome.awards[0]["coupon_id"] == coupon.id
        assert (outcome.points, outcome.sentences) == (50, ["首单礼：得 50 积分，送 满100减20"])
        assert get_template(session, template_id=template_id).issued == 1

    def test_a_rule_may_give_nothing_but_a_coupon(self, session: Session) -> None:
        template_id = make_template(session, terms_of(title="早餐券"))
        coupon_rule(session, template_id)
        member = make_member(session)

        outcome = bought(session, member.id)

        assert (outcome.points, outcome.balance_after, outcome.sentences) == (0, 0, ["满百送券：送 早餐券"])
        assert len(coupons_of(session, member.id)) == 1

    def test_who_bought_too_little_is_told_what_was_lacking(self, session: Session) -> None:
        coupon_rule(session, make_template(session, terms_of(title="早餐券")), points=Fixed(9))
        member = make_member(session)

        outcome = bought(session, member.id, 9_000)

        assert outcome.sentences == ["满百送券：差 ¥10.00 可得 9 积分、早餐券"]
        assert coupons_of(session, member.id) == []

    def test_reported_again_there_is_one_coupon(self, session: Session) -> None:
        coupon_rule(session, make_template(session))
        purchase = make_purchase(make_member(session).id)

        first, again = buy(session, purchase), buy(session, purchase)

        assert again == replace(first, is_replay=True)
        assert len(coupons_of(session, first.member_id)) == 1

    def test_events_beside_purchases_give_coupons_too(self, session: Session, at: datetime) -> None:
        template_id = make_template(session)
        coupon_rule(session, template_id, event=EarningEvent.BIRTHDAY, conditions=Conditions())
        member = make_member(session)
        happening = Happening(event=EarningEvent.BIRTHDAY, member_id=member.id, occurred_at=at)

        for _ in range(2):
            reward(session, VAULT, happening=happening, reference="birthday:2026", at=at, zone=SHANGHAI)

        assert [coupon.template_id for coupon in coupons_of(session, member.id)] == [template_id]

    def test_purchases_without_coupon_rules_send_no_statement_more(
        self, session: Session, statements: StatementCounter
    ) -> None:
        make_rule(session, replace(BASE, coupon_template_id=None))
        member = make_member(session)
        bought(session, member.id)
        statements.clear()

        bought(session, member.id)

        assert not [sent for sent in statements.sent if "coupon" in sent or "SAVEPOINT" in sent]


class TestRefused:
    def test_a_purchase_goes_on_without_a_coupon_that_is_sold_out(self, session: Session) -> None:
        template_id = make_template(session, terms_of(title="早餐券"), stock=1)
        issue_to(session, make_member(session).id, template_id)
        coupon_rule(session, template_id, points=Fixed(50))
        member = make_member(session)

        outcome = bought(session, member.id)

        assert (outcome.points, balance_of(session, member.id)) == (50, 50)
        assert outcome.sentences == ["满百送券：得 50 积分", "满百送券：早餐券没有送出：已发完"]
        lacking = {"coupon_template_id": template_id, "refusal": "coupon_sold_out", "limit": "stock"}
        assert [(one["reason"], one["lacking"]) for one in outcome.misses] == [("coupon", lacking)]
        assert coupons_of(session, member.id) == []
        assert used_of(session, template_id) == {1}

    def test_the_members_own_limit_is_named(self, session: Session) -> None:
        coupon_rule(session, make_template(session, terms_of(title="早餐券", member_limits=MemberLimits(total=1))))
        member = make_member(session)

        outcomes = [bought(session, member.id) for _ in range(2)]

        assert outcomes[1].misses[0]["lacking"]["limit"] == "member_total"
        assert outcomes[1].sentences == ["满百送券：早餐券没有送出：已达到每人可得的数量"]
        assert len(coupons_of(session, member.id)) == 1

    def test_what_a_store_may_give_is_counted_by_store(self, session: Session) -> None:
        coupon_rule(session, make_template(session, terms_of(stock=Stock(per_store=1))))
        stores = make_store(session), make_store(session)
        member = make_member(session)

        outcomes = [bought(session, member.id, store_id=store.id) for store in (stores[0], stores[0], stores[1])]

        assert [len(one.misses) for one in outcomes] == [0, 1, 0]
        assert outcomes[1].sentences[0].endswith("本店已发完")

    def test_a_paused_template_and_a_provisional_member_are_reasons_too(self, session: Session, at: datetime) -> None:
        paused, open_one = (make_template(session, terms_of(title=title)) for title in ("停发券", "早餐券"))
        for template_id in (paused, open_one):
            coupon_rule(session, template_id)
        pause(session, template_id=paused, actor=MARKETER, at=at)
        member = make_member(session, status=MemberStatus.PROVISIONAL)

        told = bought(session, member.id).sentences

        assert sorted(told) == [
            "满百送券：停发券没有送出：绑定手机号后才能得券",
            "满百送券：早餐券没有送出：绑定手机号后才能得券",
        ]
        assert bought(session, make_member(session).id).sentences[-1] == "满百送券：停发券没有送出：该券暂停发放"

    @pytest.mark.parametrize("stock", [1, 100])
    def test_the_stored_inputs_come_to_the_same_again(self, session: Session, stock: int) -> None:
        template_id = make_template(session, stock=stock)
        coupon_rule(session, template_id, points=Fixed(5))
        member = make_member(session)
        bought(session, member.id)

        second = bought(session, member.id)

        again, told = awards_again(session, member.id, second.order_id)
        assert again == told
        assert len(told) == (2 if stock == 1 else 1)

    def test_outcomes_count_coupons_given_and_missed(self, session: Session, at: datetime) -> None:
        rule_id = coupon_rule(session, make_template(session, stock=2), points=Fixed(5))
        for _ in range(3):
            bought(session, make_member(session).id)

        found = count_outcomes(
            session, rule_id=rule_id, event=EarningEvent.PURCHASE, scope=EVERYTHING,
            since=at - timedelta(days=1), until=at + timedelta(days=1),
        )  # fmt: skip

        assert (found.times_paid, found.points, found.coupons) == (3, 15, 2)
        assert found.misses == {MissReason.COUPON: 1}


class TestPreview:
    def test_tells_of_the_coupon_and_issues_none(self, session: Session, at: datetime) -> None:
        template_id = make_template(session, terms_of(title="满100减20"), stock=1)
        coupon_rule(session, template_id)
        member = make_member(session)
        basket = Basket(lines=(line(amount_fen=10_000),), store_id=None, channel="pos", points_fen=0)

        def told(member_id: int | None) -> list[str]:
            found = preview(session, VAULT, member_id=member_id, basket=basket, at=at, zone=SHANGHAI)
            return list(found.sentences)

        assert told(member.id) == told(None) == ["满百送券：送 满100减20"]
        assert coupons_of(session, member.id) == []
        issue_to(session, make_member(session).id, template_id)
        assert told(member.id) == ["满百送券：满100减20没有送出：已发完"]


class TestRefund:
    def test_below_the_threshold_an_unused_coupon_is_voided_and_its_limits_come_back(
        self, session: Session, at: datetime
    ) -> None:
        terms = terms_of(member_limits=MemberLimits(total=1, per_day=1), stock=Stock(per_day=5, per_store=5))
        template_id = make_template(session, terms, stock=5)
        coupon_rule(session, template_id)
        member, store = make_member(session), make_store(session)
        purchase = make_purchase(member.id, line(amount_fen=12_000), store_id=store.id)
        buy(session, purchase)
        assert used_of(session, template_id) == {1}

        # A business date later: the limits are those of the day on which it was issued.
        give_back(session, make_refund(purchase.order_number, RefundLine(1, 0, 5_000)), at=at + timedelta(days=1))

        (coupon,) = coupons_of(session, member.id)
        assert coupon.state == CouponState.VOIDED
        assert used_of(session, template_id) == {0}
        assert bought(session, member.id).misses == []

    def test_a_refund_that_leaves_enough_leaves_the_coupon(self, session: Session) -> None:
        coupon_rule(session, make_template(session))
        member = make_member(session)
        purchase = make_purchase(member.id, line(amount_fen=12_000))
        buy(session, purchase)

        give_back(session, make_refund(purchase.order_number, RefundLine(1, 0, 2_000)))

        assert [coupon.state for coupon in coupons_of(session, member.id)] == [CouponState.ISSUED]

    def test_a_used_coupon_stays_and_the_settlement_says_so(self, session: Session) -> None:
        template_id = make_template(session)
        coupon_rule(session, template_id)
        member = make_member(session)
        purchase = make_purchase(member.id, line(quantity=1, amount_fen=12_000))
        outcome = buy(session, purchase)
        (coupon,) = coupons_of(session, member.id)
        coupon.state = CouponState.REDEEMED
        refund = make_refund(purchase.order_number, RefundLine(1, 1, 12_000))

        for _ in range(2):
            give_back(session, refund)

        session.refresh(coupon)
        assert coupon.state == CouponState.REDEEMED
        assert used_of(session, template_id) == {1}
        kept = find_kept(session, member_id=member.id, reference=f"order:{outcome.order_id}")
        assert kept is not None
        assert [(one.coupon_id, one.coupon_kept) for one in kept.standings] == [(coupon.id, "used")]

    def test_a_correction_gives_what_the_first_report_was_too_small_for_and_takes_it_back(
        self, session: Session, at: datetime
    ) -> None:
        template_id = make_template(session)
        coupon_rule(session, template_id)
        member = make_member(session)
        first = make_purchase(member.id, line(amount_fen=9_000))

        for version, amount_fen in ((1, 9_000), (2, 11_000), (3, 8_000), (4, 12_000)):
            buy(session, replace(first, version=version, lines=(line(amount_fen=amount_fen),)))

        assert [coupon.state for coupon in coupons_of(session, member.id)] == [CouponState.VOIDED, CouponState.ISSUED]
        assert used_of(session, template_id) == {1}

    def test_after_a_merge_the_survivors_limit_comes_back(self, session: Session, at: datetime) -> None:
        template_id = make_template(session, terms_of(member_limits=MemberLimits(total=1)))
        coupon_rule(session, template_id)
        survivor, other = make_member(session), make_member(session)
        purchase = make_purchase(other.id)
        buy(session, purchase)
        merge(session, survivor_id=survivor.id, other_id=other.id, actor=MARKETER, at=at)

        give_back(session, make_refund(purchase.order_number, RefundLine(1, 1, 10_000)))

        assert coupons_of(session, other.id)[0].state == CouponState.VOIDED
        assert bought(session, survivor.id).misses == []


class TestDefinition:
    def test_survives_its_document_and_says_what_it_gives(self) -> None:
        definition = Definition(event=EarningEvent.PURCHASE, coupon_template_id=7, conditions=OVER_100)

        assert from_json(to_json(definition)) == definition
        assert sentence(definition, names=Names(coupons={7: "满减券"})) == "消费，满 ¥100.00，送 满减券。"

    @pytest.mark.parametrize("value", ["7", True, [7]])
    def test_a_template_that_is_no_number_is_refused(self, value: object) -> None:
        with pytest.raises(InvalidEarningRule):
            from_json({"event": "purchase", "coupon_template_id": value})

    def test_only_templates_that_issue_may_be_given(self, session: Session, at: datetime) -> None:
        rule_id = make_rule(session, at=at)
        unpublished = create_template(session, terms=terms_of(), stock=1, actor=MARKETER, at=at)
        stopped = make_template(session)
        stop(session, template_id=stopped, actor=MARKETER, at=at)

        for template_id in (unpublished, stopped, 2**62):
            with pytest.raises(EarningRuleCouponUnknown) as refused:
                draft(session, rule_id, at, replace(BASE, coupon_template_id=template_id))
            assert [problem.field for problem in refused.value.problems] == ["coupon_template_id"]

    def test_a_refusal_that_nobody_thought_of_still_reads(self) -> None:
        told = {"name": "礼", "reason": "coupon", "lacking": {"coupon_template_id": 1, "refusal": "new_one"}}

        assert explain(told) == "礼：优惠券没有送出：暂时不能发放"
