"""Rules that give a coupon: with the award, within every limit of the template."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.checkout.rules import Basket
from loyalty.checkout.service import preview
from loyalty.coupons.queries.templates import get_template
from loyalty.coupons.rules.states import IssuePath
from loyalty.coupons.rules.terms import MemberLimits, Stock
from loyalty.coupons.service.templates import create_template, pause, stop
from loyalty.earning.evaluations import find_evaluation
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
from loyalty.members.rules.members import MemberStatus
from loyalty.stores.rules import EVERYTHING
from tests.earning.coupon_rules import OVER_100, bought, coupon_rule, coupons_of, used_of
from tests.earning.drafts import draft
from tests.factories.checkout import SHANGHAI, buy
from tests.factories.coupons import issue_to, make_template, terms_of
from tests.factories.earning import BASE, make_rule
from tests.factories.members import make_member
from tests.factories.orders import line, make_purchase
from tests.factories.points import balance_of
from tests.factories.stores import make_store
from tests.factories.tags import MARKETER
from tests.support.settings import VAULT
from tests.support.statements import StatementCounter


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
