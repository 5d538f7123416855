from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.checkout import service
from loyalty.checkout.rules import Basket
from loyalty.earning.evaluations import find_evaluation
from loyalty.earning.queries import get_revisions
from loyalty.earning.rules import BirthdayMatch, Caps, Conditions, Fixed, PerAmount, Stacking
from loyalty.earning.rules.definition import Budgets
from loyalty.earning.rules.keeping import evaluate_again
from loyalty.earning.service.rules import end
from loyalty.kernel.clock import end_of
from loyalty.members.rules.members import MemberStatus
from loyalty.orders.rules import OrderNumberReused, RefundLine
from loyalty.points.models import LedgerEntry, Lot
from loyalty.points.rules.expiry import ExpiryPolicy, PolicyKind
from loyalty.tiers.queries import tier_of
from tests.factories.checkout import SHANGHAI, buy, give_back
from tests.factories.earning import ACTOR, BASE, make_rule
from tests.factories.members import make_member
from tests.factories.orders import line, make_purchase, make_refund
from tests.factories.points import assert_books_fit, balance_of, earn, spend
from tests.factories.stores import make_region, make_store
from tests.support.settings import VAULT
from tests.support.statements import StatementCounter


class TestPurchase:
    def test_earns_by_the_rules_in_force_and_keeps_why(self, session: Session, at: datetime) -> None:
        make_rule(session, replace(BASE, growth=PerAmount(1, 1_000)))
        make_rule(
            session, replace(BASE, points=Fixed(50), conditions=Conditions(minimum_amount_fen=20_000)), name="满额送"
        )
        member, store = make_member(session), make_store(session)

        outcome = buy(session, make_purchase(member.id, line(amount_fen=18_800), store_id=store.id))

        assert (outcome.points, outcome.growth, outcome.balance_after) == (188, 18, 188)
        assert outcome.misses[0]["lacking"] == {"amount_fen": 1_200, "for_points": 50}
        assert any("12" in sentence and "50" in sentence for sentence in outcome.sentences)
        entry = session.scalars(select(LedgerEntry).where(LedgerEntry.member_id == member.id)).one()
        assert (entry.reference, entry.store_id) == (f"order:{outcome.order_id}", store.id)
        assert entry.revision_id == outcome.awards[0]["revision_id"]
        assert tier_of(session, member_id=member.id, at=at).growth == 18
        assert_books_fit(session, member.id)

    def test_evaluated_again_from_what_was_kept_gives_the_same_number_also_when_the_rules_have_gone(
        self, session: Session, at: datetime
    ) -> None:
        rules = [make_rule(session, replace(BASE, caps=Caps(member_day=90))), make_rule(session)]
        member = make_member(session)
        outcome = buy(session, make_purchase(member.id))
        for rule_id in rules:
            end(session, rule_id=rule_id, actor=ACTOR, at=at)

        kept = find_evaluation(session, member_id=member.id, reference=f"order:{outcome.order_id}")

        assert kept is not None
        again = evaluate_again(kept.inputs, get_revisions(session, revision_ids=kept.inputs["revision_ids"]))
        assert again.points == kept.points == 190

    def test_reported_again_pays_nothing_and_says_the_same(self, session: Session, at: datetime) -> None:
        make_rule(session)
        purchase = make_purchase(make_member(session).id)
        first = buy(session, purchase)

        again = buy(session, purchase, at=at + timedelta(days=500))

        assert again == replace(first, is_replay=True)
        assert balance_of(session, first.member_id) == 100
        with pytest.raises(OrderNumberReused):
            buy(session, replace(purchase, lines=(line(amount_fen=1),)))

    def test_reported_late_earns_by_the_rules_of_its_day_and_lives_from_then(
        self, session: Session, at: datetime
    ) -> None:
        old = make_rule(
            session, replace(BASE, points=PerAmount(2, 100), expiry=ExpiryPolicy(PolicyKind.ROLLING_DAYS, n=30))
        )
        end(session, rule_id=old, actor=ACTOR, at=at)
        make_rule(session, at=at)
        member = make_member(session)

        outcome = buy(session, make_purchase(member.id, paid_at=at - timedelta(days=1)))

        assert outcome.points == 200
        lot = session.scalars(select(Lot).where(Lot.member_id == member.id)).one()
        assert (lot.opened_at, lot.expires_at) == (at - timedelta(days=1), end_of(date(2026, 4, 8), SHANGHAI))

    def test_with_points_that_wait_opens_one_lot_for_each_life(self, session: Session, at: datetime) -> None:
        make_rule(session)
        make_rule(session, replace(BASE, points=Fixed(20), pending_days=7))
        make_rule(session, replace(BASE, points=Fixed(5), pending_days=7))
        member = make_member(session)

        outcome = buy(session, make_purchase(member.id))

        lots = session.scalars(select(Lot).where(Lot.member_id == member.id).order_by(Lot.id)).all()
        assert [lot.points for lot in lots] == [100, 25]
        assert lots[1].available_at == datetime(2026, 3, 17, tzinfo=SHANGHAI)
        references = session.scalars(
            select(LedgerEntry.reference).where(LedgerEntry.member_id == member.id).order_by(LedgerEntry.sequence)
        ).all()
        assert references == [f"order:{outcome.order_id}", f"order:{outcome.order_id}:2"]

    def test_of_a_merged_member_pays_the_survivor(self, session: Session) -> None:
        make_rule(session)
        survivor, other = make_member(session), make_member(session)
        other.status, other.merged_into_id = MemberStatus.MERGED, survivor.id
        session.flush()

        outcome = buy(session, make_purchase(other.id))

        assert outcome.member_id == survivor.id
        assert balance_of(session, survivor.id) == 100

    def test_pays_debt_first_and_says_so(self, session: Session, at: datetime) -> None:
        make_rule(session)
        member = make_member(session)
        first = make_purchase(member.id)
        buy(session, first)
        spend(session, member.id, 60)
        assert give_back(session, make_refund(first.order_number)).debt == 60

        outcome = buy(session, make_purchase(member.id))

        assert (outcome.points, outcome.balance_after) == (100, 40)
        assert_books_fit(session, member.id)


class TestFacts:
    def test_the_first_purchase_is_first_again_once_it_was_refunded_whole(self, session: Session) -> None:
        make_rule(session, replace(BASE, points=Fixed(200), conditions=Conditions(is_first_purchase=True)))
        member = make_member(session)
        first = make_purchase(member.id)

        points = [buy(session, first).points, buy(session, make_purchase(member.id)).points]
        assert points == [200, 0]
        another = make_member(session)
        refunded = make_purchase(another.id)
        buy(session, refunded)
        give_back(session, make_refund(refunded.order_number))
        assert balance_of(session, another.id) == 0
        assert buy(session, make_purchase(another.id)).points == 200

    def test_of_the_birthday_only_the_day_and_the_month_are_kept(self, session: Session, at: datetime) -> None:
        make_rule(session, replace(BASE, conditions=Conditions(birthday=BirthdayMatch.MONTH)))
        member = make_member(session)
        member.birthday_sealed = VAULT.seal("1990-03-02", context="members.birthday")
        session.flush()

        outcome = buy(session, make_purchase(member.id))

        assert outcome.points == 100
        kept = find_evaluation(session, member_id=member.id, reference=f"order:{outcome.order_id}")
        assert kept is not None
        assert "1990" not in str(kept.inputs)
        assert (kept.inputs["facts"]["is_birthday"], kept.inputs["facts"]["is_birthday_month"]) == (False, True)

    def test_a_rule_for_a_region_pays_in_its_stores(self, session: Session) -> None:
        region = make_region(session)
        make_rule(session, replace(BASE, conditions=Conditions(included_nodes=frozenset({region.id}))))
        member = make_member(session)
        inside, outside = make_store(session, parent=region), make_store(session)

        points = [buy(session, make_purchase(member.id, store_id=store.id)).points for store in (inside, outside)]

        assert points == [100, 0]


class TestCaps:
    def test_cut_what_is_above_them_and_say_so(self, session: Session, at: datetime) -> None:
        make_rule(session, replace(BASE, caps=Caps(member_day=150)))
        member = make_member(session)

        outcomes = [buy(session, make_purchase(member.id)) for _ in range(3)]

        assert [outcome.points for outcome in outcomes] == [100, 50, 0]
        assert [outcome.awards[0].get("capped_by") for outcome in outcomes] == [None, "member_day", "member_day"]
        assert buy(session, make_purchase(member.id, paid_at=at - timedelta(days=1))).points == 100

    def test_of_a_budget_are_shared_and_given_back_by_a_refund(self, session: Session) -> None:
        make_rule(session, replace(BASE, budgets=Budgets(rule_budget=250)))
        buyers = [make_purchase(make_member(session).id) for _ in range(3)]

        assert [buy(session, purchase).points for purchase in buyers] == [100, 100, 50]
        give_back(session, make_refund(buyers[0].order_number))
        assert buy(session, make_purchase(make_member(session).id)).points == 100

    @pytest.mark.parametrize("name", ["rule_month_budget", "store_month_budget"])
    def test_of_a_months_budget_begin_anew_with_the_month(self, session: Session, at: datetime, name: str) -> None:
        make_rule(session, replace(BASE, budgets=Budgets(**{name: 150})))
        store = make_store(session)

        outcomes = [
            buy(session, make_purchase(make_member(session).id, store_id=store.id, paid_at=paid_at))
            for paid_at in (at, at, at - timedelta(days=20))
        ]

        assert [outcome.points for outcome in outcomes] == [100, 50, 100]
        assert outcomes[1].awards[0]["capped_by"] == name


class TestCorrection:
    def test_books_the_difference_by_the_rules_of_the_first_report(self, session: Session, at: datetime) -> None:
        rule_id = make_rule(session, replace(BASE, growth=PerAmount(1, 100)))
        member = make_member(session)
        purchase = make_purchase(member.id)
        buy(session, purchase)
        end(session, rule_id=rule_id, actor=ACTOR, at=at)

        more = buy(session, replace(purchase, version=2, lines=(line(amount_fen=15_000),)))
        less = buy(session, replace(purchase, version=3, lines=(line(amount_fen=8_000),)))

        assert (more.points, more.balance_after) == (150, 150)
        assert (less.points, less.growth, less.balance_after) == (80, 80, 80)
        assert tier_of(session, member_id=member.id, at=at).growth == 80
        give_back(session, make_refund(purchase.order_number, RefundLine(1, 1, 8_000)))
        assert balance_of(session, member.id) == 0
        assert_books_fit(session, member.id)

    def test_upwards_stays_within_the_caps(self, session: Session) -> None:
        make_rule(session, replace(BASE, caps=Caps(member_day=120)))
        member = make_member(session)
        purchase = make_purchase(member.id)
        buy(session, purchase)

        corrected = buy(session, replace(purchase, version=2, lines=(line(amount_fen=30_000),)))

        assert corrected.points == 120
        assert_books_fit(session, member.id)


class TestPreview:
    def test_promises_exactly_what_the_award_pays(self, session: Session, at: datetime) -> None:
        make_rule(session, replace(BASE, growth=PerAmount(1, 500), caps=Caps(member_day=150)))
        make_rule(session, replace(BASE, points=Fixed(30), stacking=Stacking(group="gift")))
        member = make_member(session)
        earn(session, member.id, 1)
        for _ in range(3):
            purchase = make_purchase(member.id)
            basket = Basket(None, "store", purchase.lines)
            promised = service.preview(session, VAULT, member_id=member.id, basket=basket, at=at, zone=SHANGHAI)
            paid = buy(session, purchase)
            assert (promised.points, promised.growth) == (paid.points, paid.growth)
            assert promised.awards == [{k: v for k, v in each.items() if k != "entries"} for each in paid.awards]

    def test_needs_no_member_and_changes_nothing(
        self, session: Session, statements: StatementCounter, at: datetime
    ) -> None:
        make_rule(session)
        statements.clear()

        promised = service.preview(
            session, VAULT, member_id=None, basket=Basket(None, "store", (line(),)), at=at, zone=SHANGHAI
        )

        assert promised.points == 100
        assert not [sent for sent in statements.sent if not sent.lstrip().upper().startswith("SELECT")]


def test_a_purchase_sends_few_statements(session: Session, statements: StatementCounter) -> None:
    make_rule(session, replace(BASE, growth=PerAmount(1, 100), caps=Caps(member_day=1_000)))
    member = make_member(session)
    buy(session, make_purchase(member.id))
    statements.clear()

    buy(session, make_purchase(member.id))

    assert statements.count <= 5, "\n".join(statements.sent)
