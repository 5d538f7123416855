"""The proof of expiry: ``verify`` finds every lot that was booked out without evidence about its last day."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.kernel.clock import end_of
from loyalty.points import service
from loyalty.points.rules.expiry import GRACE_DAYS, LotTerms
from tests.factories.expiry import SHANGHAI, expire, grace, open_inbox, plan, told_member
from tests.factories.members import make_member
from tests.factories.points import earn, reverse, spend
from tests.support.settings import SEAL_KEY

DAY = timedelta(days=1)
TONIGHT = end_of(date(2026, 3, 10), SHANGHAI)
EVENING = TONIGHT - timedelta(hours=4)
GRACED = end_of(date(2026, 3, 10) + GRACE_DAYS * DAY, SHANGHAI)


def tell_of_another_day(session: Session, member_id: int, days: int) -> None:
    """Let the evidence be about a day so many days later, past the trigger that refuses it."""
    session.execute(text("ALTER TABLE lot_evidence DISABLE TRIGGER USER"))
    session.execute(
        text("UPDATE lot_evidence SET expires_on = expires_on + :days WHERE member_id = :id"),
        {"id": member_id, "days": days},
    )


def silent_expiries(session: Session, member_id: int, at: datetime) -> int:
    return len(service.verify(session, seal_key=SEAL_KEY, at=at, member_id=member_id).discrepancies)


def test_finds_a_lot_that_expired_in_silence(session: Session) -> None:
    member_id = told_member(session, (100, TONIGHT))
    expire(session, TONIGHT)
    session.execute(text("ALTER TABLE lot_evidence DISABLE TRIGGER USER"))
    session.execute(text("DELETE FROM lot_evidence WHERE member_id = :id"), {"id": member_id})

    proof = service.verify(session, seal_key=SEAL_KEY, at=TONIGHT, member_id=member_id)

    assert [(found.table, found.reason) for found in proof.discrepancies] == [
        ("lots", "it expired without evidence that its member was told, and without two graces")
    ]


@pytest.mark.parametrize("days", [-30, 30])
def test_does_not_take_a_message_about_another_last_day_for_evidence(session: Session, days: int) -> None:
    member_id = told_member(session, (100, TONIGHT))
    expire(session, TONIGHT)
    tell_of_another_day(session, member_id, days)

    assert silent_expiries(session, member_id, TONIGHT) == 1


def test_knows_the_very_day_of_points_that_live_with_activity(session: Session) -> None:
    last, member = end_of(date(2026, 3, 10) + 30 * DAY, SHANGHAI), make_member(session)
    earn(session, member.id, 100, terms=LotTerms(idle_days=30, idle_zone=SHANGHAI.key))
    plan(session, last - DAY / 2)
    open_inbox(session, member.id, at=last - DAY / 2)
    expire(session, last)
    assert silent_expiries(session, member.id, last) == 0

    tell_of_another_day(session, member.id, -1)

    assert silent_expiries(session, member.id, last) == 1


def test_does_not_take_a_message_about_a_day_that_a_grace_moved_also_when_the_lot_lives_again(session: Session) -> None:
    member = make_member(session)
    earn(session, member.id, 100, expires_at=TONIGHT)
    spent = spend(session, member.id, 40)
    grace(session, EVENING)
    plan(session, GRACED - DAY)
    open_inbox(session, member.id, at=GRACED - DAY / 2)
    assert expire(session, GRACED) == 60
    reverse(session, member.id, spent.entry_id, at=GRACED)
    assert silent_expiries(session, member.id, GRACED) == 0

    tell_of_another_day(session, member.id, -GRACE_DAYS)

    assert silent_expiries(session, member.id, GRACED) == 1


@pytest.mark.parametrize("table", ["lot_evidence", "lot_graces"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET lot_id = 1", "TRUNCATE {}"])
def test_rests_on_rows_that_nobody_can_change(session: Session, table: str, change: str) -> None:
    with pytest.raises(Exception, match="append-only"):
        session.execute(text(change.format(table)))
