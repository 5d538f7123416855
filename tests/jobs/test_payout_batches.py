"""Batches of payouts as the schedule plans them and bulk work pays them."""

from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from jobs import bulk
from loyalty.payouts.queries.batches import list_batches, list_misses
from loyalty.payouts.queries.payouts import list_payouts
from loyalty.payouts.rules.batches import BatchState
from loyalty.payouts.rules.states import Destination, PayoutState
from loyalty.payouts.rules.tax import Bracket, IncomeKind, TaxPeriod, TaxTable
from loyalty.payouts.service import batches
from loyalty.payouts.service.batches import Paying
from loyalty.payouts.service.configuring import save_tax_rate
from loyalty.payouts.service.rehearsing import rehearse
from loyalty.payouts.service.requesting import Wish
from loyalty.payouts.service.withdrawing import Withdrawal, withdraw
from loyalty.risk.rules.deciding import Condition, Rule
from loyalty.risk.rules.signals import Signal
from loyalty.risk.rules.subjects import Occasion, Subject, Verdict
from loyalty.risk.service import note_sighting, save_rules
from tests.factories.check_ins import SHANGHAI
from tests.factories.earnings import figures, make_available
from tests.factories.members import make_member
from tests.factories.payouts import PROGRAMME, STAFF, ask, configure, make_earner
from tests.jobs.test_payouts import perform
from tests.support.containers import NullContainer, StandingClock
from tests.support.events import recorded
from tests.support.settings import VAULT


def paying_at(clock: StandingClock) -> Paying:
    return Paying(vault=VAULT, zone=SHANGHAI, appid_first=None, is_tax_required=False, at=clock.now())


class TestBatches:
    def test_pay_everybody_who_has_enough_once_a_second_person_agrees(
        self, jobs_container: NullContainer, session: Session, clock: StandingClock
    ) -> None:
        configure(session, programme=replace(PROGRAMME, batch_day=10, member_day_fen=60_000))
        session.execute(text("UPDATE earnings_accounts SET available_fen = 0"))
        rich, poor = make_earner(session, available_fen=60_000), make_earner(session, available_fen=99)
        faceless, greedy = make_member(session), make_earner(session, available_fen=120_001)
        ask(session, greedy, 60_000)
        make_available(session, faceless.id, 500)

        for _ in range(2):
            perform("plan_payout_batch", "2026-03-10")
        (batch,) = list_batches(session)
        assert (batch.state, batch.members_count) == (BatchState.AWAITING_APPROVAL, 3)
        batches.decide(session, batch_id=batch.id, is_approved=True, actor=STAFF, at=clock.now())
        bulk.perform(recorded(session, "bulk.wanted")[-1]["run_id"])

        (payout,) = list_payouts(session, batch_id=batch.id).items
        assert (payout.member_id, payout.net_fen, payout.state) == (rich.id, 60_000, PayoutState.NEW)
        assert {miss.member_id: miss.reason for miss in list_misses(session, batch_id=batch.id)} == {
            faceless.id: "payout_identity_required",
            greedy.id: "limit_exhausted",
        }
        assert figures(session, poor.id) == (0, 99, 0)

    def test_pay_what_was_approved_and_of_more_than_a_day_allows_as_much_as_it_does(
        self, jobs_container: NullContainer, session: Session, clock: StandingClock
    ) -> None:
        configure(session, programme=replace(PROGRAMME, batch_day=10, member_day_fen=60_000))
        session.execute(text("UPDATE earnings_accounts SET available_fen = 0"))
        growing, rich = make_earner(session, available_fen=500), make_earner(session, available_fen=90_000)
        shrinking = make_earner(session, available_fen=700)
        batch_id = self.planned(session)
        late = make_earner(session, available_fen=800)
        make_available(session, growing.id, 5_000)
        ask(session, shrinking, 200)

        self.pay(session, batch_id, clock)

        paid = {one.member_id: one.net_fen for one in list_payouts(session, batch_id=batch_id).items}
        assert paid == {growing.id: 500, rich.id: 60_000, shrinking.id: 500}
        assert list_batches(session)[0].total_fen == 500 + 60_000 + 700
        assert figures(session, late.id) == (0, 800, 0)

    @pytest.mark.parametrize(
        ("verdict", "states", "reasons"),
        [
            (Verdict.DENY, [], ["payout_blocked"]),
            (Verdict.REVIEW, [PayoutState.AWAITING_APPROVAL], []),
        ],
    )
    def test_ask_risk_about_each_member(
        self,
        jobs_container: NullContainer,
        session: Session,
        clock: StandingClock,
        verdict: Verdict,
        states: list[PayoutState],
        reasons: list[str],
    ) -> None:
        configure(session, programme=replace(PROGRAMME, batch_day=10))
        session.execute(text("UPDATE earnings_accounts SET available_fen = 0"))
        earner = make_earner(session, available_fen=60_000)
        seen = Subject(earner.id, device="farm")
        note_sighting(session, vault=VAULT, occasion=Occasion.ENROLMENT, subject=seen, at=clock.now())
        always = (Condition(Signal.MEMBERS_PER_DEVICE, 1, within_hours=1),)
        rule = Rule("doubt", "测试", frozenset({Occasion.WITHDRAWAL}), always, verdict)
        save_rules(session, rules=(rule,), actor=STAFF, at=clock.now())
        batch_id = self.planned(session)

        self.pay(session, batch_id, clock)

        assert [one.state for one in list_payouts(session, batch_id=batch_id).items] == states
        assert [miss.reason for miss in list_misses(session, batch_id=batch_id)] == reasons

    def test_pay_also_who_asked_under_a_key_that_reads_like_theirs(
        self, jobs_container: NullContainer, session: Session, clock: StandingClock
    ) -> None:
        configure(session, programme=replace(PROGRAMME, batch_day=10))
        session.execute(text("UPDATE earnings_accounts SET available_fen = 0"))
        earner = make_earner(session, available_fen=60_000)
        batch_id = self.planned(session)

        asked = [
            withdraw(
                jobs_container.database,
                vault=VAULT,
                withdrawal=Withdrawal(
                    Wish(earner.id, 100, earner.appid, earner.openid, f"batch:{batch_id}"),
                    Destination.WECHAT,
                    ip="192.0.2.1",
                    device=None,
                ),
                has_merchant=True,
                is_tax_required=False,
                zone=SHANGHAI,
                at=clock.now(),
            )
            for _ in range(2)
        ]
        self.pay(session, batch_id, clock)

        assert asked[0] == asked[1]
        paid = {one.batch_id: one.net_fen for one in list_payouts(session, member_id=earner.id).items}
        assert paid == {None: 100, batch_id: 59_900}

    def test_leave_out_who_would_have_tax_withheld_and_is_not_known(
        self, jobs_container: NullContainer, session: Session, clock: StandingClock
    ) -> None:
        configure(session, programme=replace(PROGRAMME, batch_day=10))
        session.execute(text("UPDATE earnings_accounts SET available_fen = 0"))
        taxed, free = make_earner(session, available_fen=60_000), make_earner(session, available_fen=50_000)
        table = TaxTable(TaxPeriod.PAYMENT, (Bracket(None, 20),), 50_000, 50_000, 0)
        on, kind = clock.now().date(), IncomeKind.LABOUR
        save_tax_rate(session, income_kind=kind, table=table, live_from_on=on, actor=STAFF, at=clock.now())
        batch_id = self.planned(session)

        tried = rehearse(jobs_container.database, paying=paying_at(clock))
        self.pay(session, batch_id, clock)

        assert {one.member_id: one.refusal for one in tried.largest} == {taxed.id: "payee_name_required", free.id: None}
        assert {one.member_id: one.reason for one in list_misses(session, batch_id=batch_id)} == {
            taxed.id: "payee_name_required"
        }
        assert [one.member_id for one in list_payouts(session, batch_id=batch_id).items] == [free.id]
        assert figures(session, taxed.id) == (0, 60_000, 0)

    def planned(self, session: Session) -> int:
        perform("plan_payout_batch", "2026-03-10")
        return list_batches(session)[0].id

    def pay(self, session: Session, batch_id: int, clock: StandingClock) -> None:
        batches.decide(session, batch_id=batch_id, is_approved=True, actor=STAFF, at=clock.now())
        bulk.perform(recorded(session, "bulk.wanted")[-1]["run_id"])

    def test_that_are_refused_pay_nobody(
        self, jobs_container: NullContainer, session: Session, clock: StandingClock
    ) -> None:
        configure(session, programme=replace(PROGRAMME, batch_day=10))
        make_earner(session)
        perform("plan_payout_batch", "2026-03-10")
        batch_id = list_batches(session)[0].id

        batches.decide(session, batch_id=batch_id, is_approved=False, actor=STAFF, at=clock.now())

        assert recorded(session, "bulk.wanted") == []
        assert list_payouts(session, batch_id=batch_id).items == []
