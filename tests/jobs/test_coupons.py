"""What follows from coupons, each twice without harm, and what the schedule does to them."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from jobs import coupons, handlers, periodic
from loyalty.container import Container
from loyalty.coupons.queries.wallet import get_coupon
from loyalty.coupons.rules.states import IssuePath, Standing
from loyalty.coupons.rules.terms import BonusStep, DaysFromIssue
from loyalty.coupons.service.locking import unlock
from loyalty.coupons.service.voiding import void
from loyalty.notices import queries
from tests.factories.coupon_uses import ids_of, lock_up, undo, use_up
from tests.factories.coupons import ACTOR, issue_to, make_template, terms_of
from tests.factories.members import make_member
from tests.factories.points import balance_of
from tests.jobs.test_periodic import the_run
from tests.support.containers import StandingClock
from tests.support.handling import handle_all


@pytest.fixture
def member_id(session: Session) -> int:
    return make_member(session).id


def perform(session: Session, job: str) -> object:
    periodic.perform(job, "2026-03-10T10-00", "2026-03-10")
    return the_run(session, job).result


def inbox(session: Session, member_id: int) -> list[str]:
    return [message.body for message in queries.list_inbox(session, member_id=member_id).items]


def test_a_coupon_from_others_is_told_once_and_a_claimed_or_voided_one_is_not(
    jobs_container: Container, session: Session, member_id: int
) -> None:
    template_id = make_template(session, terms_of(title="生日券"))
    for path in (IssuePath.STAFF, IssuePath.CLAIM):
        issue_to(session, member_id, template_id, path=path)
    voided_id = issue_to(session, member_id, template_id).coupon_id
    void(session, coupon_ids=[voided_id], reason="试发", actor=ACTOR, at=jobs_container.clock.now())

    handle_all(jobs_container, session, "coupon.issued")
    handle_all(jobs_container, session, "coupon.voided")

    assert inbox(session, member_id) == ["您获得优惠券「生日券」：满 100 减 20，有效期至2026年4月8日。"]


def test_early_use_brings_its_bonus_and_the_reversal_takes_it_back(
    jobs_container: Container, session: Session, member_id: int
) -> None:
    template_id = make_template(session, terms_of(bonus=(BonusStep(3, 30),)))
    redemption_id = ids_of(use_up(session, member_id, issue_to(session, member_id, template_id).coupon_id))[0]

    handle_all(jobs_container, session, "coupon.redeemed")
    assert balance_of(session, member_id) == 30
    undo(session, redemption_id)
    handle_all(jobs_container, session, "coupon.redemption_reversed")

    assert balance_of(session, member_id) == 0


def test_lapsed_coupons_are_noted_and_members_told_before(
    jobs_container: Container, session: Session, clock: StandingClock, member_id: int
) -> None:
    coupon_id = issue_to(session, member_id, make_template(session, terms_of(validity=DaysFromIssue(2)))).coupon_id
    session.commit()

    assert perform(session, "plan_coupon_reminders") == {"notices": 1}
    assert perform(session, "expire_coupons") == {"coupons": 0}
    clock.advance(days=2)
    periodic.perform("expire_coupons", "2026-03-12", "2026-03-12")

    assert len(inbox(session, member_id)) == 1
    assert get_coupon(session, coupon_id=coupon_id, at=clock.at - timedelta(days=2)).standing is Standing.LAPSED


def test_locks_that_ran_out_are_ended_and_others_stay(
    jobs_container: Container, session: Session, clock: StandingClock, member_id: int, at: datetime
) -> None:
    template_id = make_template(session)
    coupon_ids = [issue_to(session, member_id, template_id).coupon_id for _ in range(3)]
    for minutes, coupon_id in zip((5, 10, 15), coupon_ids, strict=True):
        lasts = timedelta(minutes=minutes)
        lock_up(session, member_id, coupon_id, reference=f"order:{minutes}", at=at, lasts=lasts)
    session.commit()
    clock.advance(minutes=10)

    assert perform(session, "release_run_out_locks") == {"locks": 2}

    standings = [get_coupon(session, coupon_id=one, at=at).standing for one in coupon_ids]
    assert standings == [Standing.USABLE, Standing.USABLE, Standing.LOCKED]
    unlock(session, member_id=member_id, reference="order:5", at=clock.at)


def test_who_hears_of_one_issued_coupon_hears_of_those_of_a_job_too() -> None:
    # A job records no event for each of a million coupons: it tells its members itself. Whoever else is to react to an
    # issued coupon has to be told by the job as well, before it is listed here.
    assert handlers.IN_TRANSACTION["coupon.issued"] == (coupons.tell_issued,)
