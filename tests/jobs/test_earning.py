"""What earns beside purchases, each event twice without harm."""

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.earning import reward_birthdays
from jobs.periodic import PeriodicRun
from loyalty.container import Container
from loyalty.earning.rules import Conditions, Definition, EarningEvent, Fixed
from loyalty.kernel.timetable import Slot
from loyalty.members import service as members
from loyalty.members.rules.members import MemberStatus
from loyalty.points.models import LedgerEntry
from tests.factories.earning import make_rule
from tests.factories.members import make_identity, make_member
from tests.support.events import recorded
from tests.support.handling import handle_twice
from tests.support.settings import VAULT


def pays(event: EarningEvent, points: int, **conditions: object) -> Definition:
    return Definition(event=event, points=Fixed(points), conditions=Conditions(**conditions))  # type: ignore[arg-type]


def paid(session: Session, member_id: int) -> list[tuple[str, int]]:
    rows = session.execute(
        select(LedgerEntry.reference, LedgerEntry.points)
        .where(LedgerEntry.member_id == member_id)
        .order_by(LedgerEntry.sequence)
    )
    return [(reference, points) for reference, points in rows]


def test_a_rule_adds_to_a_check_in(jobs_container: Container, session: Session, at: datetime) -> None:
    make_rule(session, pays(EarningEvent.CHECK_IN, 3, weekdays=frozenset({2})))
    member = make_member(session)
    payload = {
        "member_id": member.id,
        "checked_in_on": "2026-03-10",
        "checked_in_at": at.isoformat(),
        "growth": 0,
        "store_id": None,
    }

    handle_twice(jobs_container, "check_in.recorded", payload)

    assert paid(session, member.id) == [("earning:check_in:2026-03-10", 3)]


def test_enrolment_is_rewarded_once(jobs_container: Container, session: Session, at: datetime) -> None:
    make_rule(session, pays(EarningEvent.ENROLLED, 50))
    member = make_member(session, enrolled_at=at)
    payload = {"member_id": member.id, "identity_id": make_identity(session, member=member).id, "store_id": None}

    handle_twice(jobs_container, "member.enrolled", payload)

    assert paid(session, member.id) == [("earning:enrolled", 50)]


def test_a_profile_is_rewarded_when_it_becomes_complete_and_never_again(
    jobs_container: Container, session: Session, at: datetime
) -> None:
    make_rule(session, pays(EarningEvent.PROFILE_COMPLETED, 20))
    member = make_member(session)
    members.set_nickname(session, vault=VAULT, member_id=member.id, nickname="小明", at=at)
    assert recorded(session, "member.profile_completed") == []
    members.set_birthday(
        session, vault=VAULT, member_id=member.id, birthday=date(1990, 3, 2), zone=jobs_container.zone, at=at
    )
    members.set_nickname(session, vault=VAULT, member_id=member.id, nickname=None, at=at)
    members.set_nickname(session, vault=VAULT, member_id=member.id, nickname="小李", at=at)

    for payload in recorded(session, "member.profile_completed"):
        handle_twice(jobs_container, "member.profile_completed", payload)

    assert len(recorded(session, "member.profile_completed")) == 2
    assert paid(session, member.id) == [("earning:profile_completed", 20)]


def test_a_reported_event_is_paid_by_its_kind_and_a_review_as_one(
    jobs_container: Container, session: Session, at: datetime
) -> None:
    make_rule(session, pays(EarningEvent.CUSTOM, 5, custom_kind="cup_returned"))
    make_rule(session, pays(EarningEvent.REVIEW, 9))
    member, gone = make_member(session), make_member(session, status=MemberStatus.CLOSED, phone=None)

    for number, (kind, owner) in enumerate(
        [("cup_returned", member), ("bag_returned", member), ("review", member), ("review", gone)]
    ):
        payload = {
            "member_id": owner.id,
            "store_id": None,
            "kind": kind,
            "reference": f"partner:7:{number}",
            "occurred_at": at.isoformat(),
        }
        handle_twice(jobs_container, "partner.event_reported", payload)

    assert paid(session, member.id) == [("earning:partner:7:0", 5), ("earning:partner:7:2", 9)]
    assert paid(session, gone.id) == []


def test_a_birthday_is_rewarded_on_its_day_once_a_year(
    jobs_container: Container, session: Session, at: datetime
) -> None:
    make_rule(session, pays(EarningEvent.BIRTHDAY, 88))
    celebrating, another = (make_member(session) for _ in range(2))
    celebrating.birthday_sealed = VAULT.seal("1990-03-10", context="members.birthday")
    another.birthday_sealed = VAULT.seal("1990-03-11", context="members.birthday")
    session.flush()

    for key in ("first", "again"):
        run = PeriodicRun(jobs_container, job="reward_birthdays", slot=Slot(key, at.date()))
        assert reward_birthdays(run) == {"members": 1}

    assert paid(session, celebrating.id) == [("earning:birthday:2026", 88)]
    assert paid(session, another.id) == []
