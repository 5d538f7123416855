"""Levels at night: everybody is evaluated, and members read of it in plain words."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import handlers, periodic
from loyalty.container import Container
from loyalty.kernel.outbox import OutboxEvent
from loyalty.kernel.runs import JobRun
from loyalty.notices.models import InboxMessage
from tests.factories.members import make_member
from tests.factories.tiers import LADDER, changes_of, grow, make_ladder, rolling
from tests.support.containers import StandingClock


def work_off(container: Container, session: Session) -> None:
    session.commit()
    for event in session.scalars(select(OutboxEvent).order_by(OutboxEvent.id)).all():
        if event.kind.startswith("tier."):
            handlers.handle(container, event)


def inbox(session: Session, member_id: int) -> list[str]:
    return list(session.scalars(select(InboxMessage.body).where(InboxMessage.member_id == member_id).order_by("id")))


def test_a_member_hears_of_the_rise_of_the_end_to_come_and_of_the_fall(
    jobs_container: Container, session: Session, clock: StandingClock
) -> None:
    begin = clock.at
    make_ladder(session, policy=rolling(12, grace_days=30), at=begin)
    member = make_member(session)
    grow(session, member.id, 600, begin)
    work_off(jobs_container, session)

    for days in (366, 366 + 31):
        clock.at = begin + timedelta(days=days)
        periodic.perform("evaluate_tiers", clock.at.date().isoformat(), clock.at.date().isoformat())
        work_off(jobs_container, session)

    assert inbox(session, member.id) == [
        "成长值达到升级门槛，您的会员等级由普通会员变为银卡会员。",
        "您的银卡会员保留到2027年4月10日，之后将变为普通会员；在此之前再获得 500 成长值即可保级。",
        "考核周期内成长值未达到保级门槛，您的会员等级由银卡会员变为普通会员。",
    ]
    results = session.scalars(select(JobRun.result).where(JobRun.job == "evaluate_tiers").order_by(JobRun.slot)).all()
    assert [(one or {})["tiers_begin_grace"] for one in results] == [1, 0]
    assert [(one or {})["tiers_demote"] for one in results] == [0, 1]


def test_a_member_hears_nothing_of_a_fall_from_a_step_that_the_ladder_has_lost(
    jobs_container: Container, session: Session, clock: StandingClock
) -> None:
    begin = clock.at
    make_ladder(session, policy=rolling(12, grace_days=0), at=begin)
    member = make_member(session)
    grow(session, member.id, 2_000, begin)
    work_off(jobs_container, session)
    make_ladder(session, tiers=LADDER[:-1], at=begin)
    told = inbox(session, member.id)

    periodic.perform("evaluate_tiers", begin.date().isoformat(), begin.date().isoformat())
    work_off(jobs_container, session)

    assert changes_of(session, member.id)[-1] == ("demoted", 3, 2)
    assert inbox(session, member.id) == told


def test_unconfirmed_members_are_erased_page_by_page(jobs_container: Container, session: Session) -> None:
    periodic.perform("erase_unconfirmed_members", "2026-03-10", "2026-03-10")

    run = session.scalars(select(JobRun).where(JobRun.job == "erase_unconfirmed_members")).one()
    assert run.result == {"members": 0}
