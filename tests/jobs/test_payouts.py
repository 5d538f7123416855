"""Payouts as the schedule and the outbox move them."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from jobs import payouts, periodic
from jobs.due_steps import STEPS_AT_A_TIME
from jobs.periodic import PeriodicFunction
from loyalty.gateways.pay_protocols import BillLine, TransferAnswer, TransferOutcome, TransferState
from loyalty.members import service as members
from loyalty.members.rules.consents import Purpose
from loyalty.members.rules.identities import Door
from loyalty.payouts.queries.bills import list_bill_days, list_discrepancies
from loyalty.payouts.queries.payouts import PayoutView, list_due
from loyalty.payouts.rules.states import PayoutState, ReturnReason
from loyalty.payouts.service import pausing, payees
from tests.factories.earnings import figures
from tests.factories.payouts import STAFF, Earner, ask, configure, make_earner, payout_of
from tests.jobs.test_periodic import the_run
from tests.support.containers import NullContainer, StandingClock
from tests.support.handling import handle_all
from tests.support.settings import VAULT


@pytest.fixture
def earner(session: Session) -> Earner:
    configure(session)
    return make_earner(session)


def perform(name: str, slot: str = "2026-03-10T10-00") -> None:
    periodic.perform(name, slot, "2026-03-10")


def test_a_payout_is_sent_once_as_soon_as_it_is_asked_for(
    jobs_container: NullContainer, session: Session, earner: Earner
) -> None:
    payout = ask(session, earner)

    handle_all(jobs_container, session, "payout.requested")

    assert payout_of(session, payout.id).state is PayoutState.WAITING_CONFIRM
    assert len(jobs_container.wechat_pay.orders) == 1


def test_a_callback_that_comes_twice_ends_it_once(
    jobs_container: NullContainer, session: Session, earner: Earner
) -> None:
    payout = ask(session, earner)
    handle_all(jobs_container, session, "payout.requested")
    session.execute(
        text("INSERT INTO outbox_events (kind, payload, recorded_at) VALUES ('payout.noticed', :payload, now())"),
        {
            "payload": f'{{"out_bill_no": "{payout.out_bill_no}", "state": "FAIL", "amount_fen": 20000,'
            f' "transfer_bill_no": "13300{payout.out_bill_no}", "fail_reason": "ACCOUNT_FROZEN"}}'
        },
    )

    handle_all(jobs_container, session, "payout.noticed")

    assert payout_of(session, payout.id).return_reason is ReturnReason.FAILED
    assert figures(session, earner.id) == (0, 100_000, 0)


def test_what_is_due_is_taken_up_by_the_schedule(
    jobs_container: NullContainer, session: Session, clock: StandingClock, earner: Earner
) -> None:
    payout = ask(session, earner)
    jobs_container.wechat_pay.create_answers.append(TransferAnswer(TransferOutcome.UNCLEAR))

    for minute in (0, 1, 2):
        perform("take_due_payout_steps", f"2026-03-10T10-0{minute}")
        clock.advance(minutes=1)

    assert payout_of(session, payout.id).state is PayoutState.WAITING_CONFIRM
    assert len(jobs_container.wechat_pay.orders) == 2
    assert len(jobs_container.wechat_pay.queried) == 1


def test_all_that_is_due_is_taken_up_by_one_run(
    jobs_container: NullContainer, session: Session, earner: Earner
) -> None:
    asked = [ask(session, earner, 100).id for _ in range(STEPS_AT_A_TIME + 1)]

    perform("take_due_payout_steps")

    assert len(jobs_container.wechat_pay.orders) == len(asked)


def test_what_is_new_is_sent_before_what_has_long_been_asked_about(
    session: Session, clock: StandingClock, earner: Earner
) -> None:
    old, new = ask(session, earner), ask(session, earner)
    asked_often = "UPDATE payouts SET state = 'waiting_confirm', polls = 9, due_at = due_at - interval '1 hour'"
    session.execute(text(f"{asked_often} WHERE id = :id"), {"id": old.id})

    assert list_due(session, at=clock.now(), limit=2, taken=[]) == [new.id, old.id]
    assert list_due(session, at=clock.now(), limit=2, taken=[new.id]) == [old.id]


class TestShortAccount:
    """The time in which the merchant's account is short is nobody's time to confirm, and no reason to give up."""

    def test_leaves_the_member_all_of_the_time_to_confirm(
        self, jobs_container: NullContainer, session: Session, clock: StandingClock, earner: Earner
    ) -> None:
        payout = self.come_out_of_a_pause(jobs_container, session, clock, earner)
        perform("take_due_payout_steps", "2026-03-13T10-01")
        assert payout_of(session, payout.id).offered_at == clock.now()

        clock.advance(hours=1)
        perform("cancel_overdue_payouts")

        assert not payout_of(session, payout.id).is_cancel_wanted
        clock.advance(hours=24)
        perform("cancel_overdue_payouts", "2026-03-14T12-00")
        assert payout_of(session, payout.id).is_cancel_wanted

    def test_does_not_make_a_payout_hopeless_or_stuck(
        self, jobs_container: NullContainer, session: Session, clock: StandingClock, earner: Earner
    ) -> None:
        payout = self.come_out_of_a_pause(jobs_container, session, clock, earner)
        jobs_container.wechat_pay.create_answers.append(TransferAnswer(TransferOutcome.UNCLEAR))
        perform("take_due_payout_steps", "2026-03-13T10-01")
        perform("watch_payouts")
        assert the_run(session, "watch_payouts").error is None
        for hours in (1, 2):
            clock.advance(hours=hours)
            perform("take_due_payout_steps", f"2026-03-13T1{hours}-00")

        assert payout_of(session, payout.id).state is PayoutState.WAITING_CONFIRM

    def come_out_of_a_pause(
        self, container: NullContainer, session: Session, clock: StandingClock, earner: Earner
    ) -> PayoutView:
        payout = ask(session, earner)
        container.wechat_pay.create_answers.append(TransferAnswer(TransferOutcome.NOT_ENOUGH))
        perform("take_due_payout_steps")
        clock.advance(hours=1)
        perform("take_due_payout_steps", "2026-03-10T11-00")
        clock.advance(days=3)
        pausing.resume(session, actor=STAFF, at=clock.now())
        return payout


def test_what_is_not_confirmed_in_time_is_called_back(
    jobs_container: NullContainer, session: Session, clock: StandingClock, earner: Earner
) -> None:
    payout = ask(session, earner)
    perform("take_due_payout_steps")
    clock.advance(hours=25)

    perform("cancel_overdue_payouts")
    perform("take_due_payout_steps", "2026-03-11T11-00")
    assert payout_of(session, payout.id).state is PayoutState.CANCELLING
    jobs_container.wechat_pay.end(payout.out_bill_no, TransferState.CANCELLED)
    clock.advance(hours=1)
    perform("take_due_payout_steps", "2026-03-11T12-00")

    assert payout_of(session, payout.id).return_reason is ReturnReason.CANCELLED
    assert figures(session, earner.id) == (0, 100_000, 0)


def test_a_short_account_is_alarmed(jobs_container: NullContainer, session: Session, earner: Earner) -> None:
    perform("watch_payouts")
    assert the_run(session, "watch_payouts").error is None
    ask(session, earner)
    jobs_container.wechat_pay.create_answers.append(TransferAnswer(TransferOutcome.NOT_ENOUGH))
    perform("take_due_payout_steps")

    session.execute(text("DELETE FROM job_runs WHERE job = 'watch_payouts'"))
    perform("watch_payouts")

    done = the_run(session, "watch_payouts")
    assert done.error == "payouts need attention"
    assert done.result == {"paused": 1, "contradicting": 0, "stuck": 0}


def test_a_bill_that_differs_is_alarmed_and_one_that_is_not_ready_is_asked_for_again(
    jobs_container: NullContainer, session: Session, clock: StandingClock, earner: Earner
) -> None:
    ask(session, earner)
    perform("take_due_payout_steps")
    clock.advance(days=1)
    periodic.perform("reconcile_payouts", "2026-03-11T10-00", "2026-03-11")
    assert the_run(session, "reconcile_payouts").result == {"days": 0, "discrepancies": 0}
    session.execute(text("DELETE FROM job_runs WHERE job = 'reconcile_payouts'"))
    stranger = BillLine("stranger", "t", 1, clock.now(), is_return=False)
    jobs_container.wechat_pay.daily_bills[clock.now().date() - timedelta(days=1)] = [stranger]

    periodic.perform("reconcile_payouts", "2026-03-11T11-00", "2026-03-11")

    done = the_run(session, "reconcile_payouts")
    assert done.result == {"days": 1, "discrepancies": 1}
    assert done.error is not None


def test_a_bill_that_stays_away_is_asked_for_each_day_and_alarmed_in_the_end(
    jobs_container: NullContainer, session: Session, clock: StandingClock, earner: Earner
) -> None:
    payout = ask(session, earner)
    perform("take_due_payout_steps")
    told = []
    for day in range(11, 16):
        clock.advance(days=1)
        periodic.perform("reconcile_payouts", f"2026-03-{day}T11-00", f"2026-03-{day}")
        done = the_run(session, "reconcile_payouts")
        told.append((done.error is not None, (done.result or {})["discrepancies"]))
        session.execute(text("DELETE FROM job_runs WHERE job = 'reconcile_payouts'"))
    assert told == [(False, 0), (False, 0), (False, 0), (True, 1), (False, 0)]
    line = BillLine(payout.out_bill_no, "t", payout.net_fen, clock.now(), is_return=False)
    jobs_container.wechat_pay.daily_bills[date(2026, 3, 10)] = [line]

    periodic.perform("reconcile_payouts", "2026-03-15T12-00", "2026-03-15")

    assert list_discrepancies(session) == []
    assert date(2026, 3, 10) in {day.bill_on for day in list_bill_days(session)}


def test_who_withdraws_the_consent_is_forgotten_as_a_payee(
    jobs_container: NullContainer, session: Session, clock: StandingClock, earner: Earner
) -> None:
    at, purpose = clock.now(), Purpose.PAYEE_IDENTITY
    members.give_consent(session, member_id=earner.id, purpose=purpose, version="1.0", door=Door.H5, at=at)
    payees.save_payee(
        session,
        vault=VAULT,
        member_id=earner.id,
        name="王小明",
        id_number="11010519491231002X",
        actor=STAFF,
        at=at,
    )
    members.withdraw_consent(session, member_id=earner.id, purpose=purpose, door=Door.H5, at=at)

    handle_all(jobs_container, session, "consent.withdrawn")

    assert session.scalar(text("SELECT count(*) FROM payees WHERE member_id = :id"), {"id": earner.id}) == 0


@pytest.mark.parametrize(
    "job", [payouts.take_due_steps, payouts.reconcile_bills], ids=lambda job: getattr(job, "__name__", "")
)
def test_without_a_merchant_account_nothing_is_tried(
    jobs_container: NullContainer, session: Session, earner: Earner, job: PeriodicFunction
) -> None:
    payout = ask(session, earner)
    without = replace(jobs_container, pay=None)

    run_of = periodic.PeriodicRun(without, job="x", slot=periodic.Slot("2026-03-10", without.clock.now().date()))
    assert set(job(run_of).values()) == {0}

    assert payout_of(session, payout.id).state is PayoutState.NEW
