import hmac
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.kernel.sealing import SealTooEarly
from loyalty.points.models import LedgerSeal, PointsAccount
from loyalty.points.service import seal
from tests.factories.members import make_member
from tests.factories.points import earn
from tests.support.settings import SEAL_KEY


def seals(session: Session) -> list[tuple[date, int, int]]:
    rows = session.execute(
        select(LedgerSeal.sealed_on, LedgerSeal.entries_count, LedgerSeal.accounts_count).order_by(LedgerSeal.sealed_on)
    )
    return [(row[0], row[1], row[2]) for row in rows]


class TestSeal:
    def test_first_covers_everything_before_and_later_ones_their_day(self, session: Session, zone: ZoneInfo) -> None:
        member, other = make_member(session), make_member(session)
        for day, who in ((1, member), (5, member), (5, other), (6, member)):
            earn(session, who.id, 10, at=datetime(2026, 3, day, 23, 59, 59, 999999, zone))
        earn(session, other.id, 10, at=datetime(2026, 3, 7, tzinfo=zone))

        made = [
            seal(session, seal_key=SEAL_KEY, on=date(2026, 3, day), zone=zone, at=datetime(2026, 3, 9, tzinfo=zone))
            for day in (5, 6, 7)
        ]

        assert made == [1, 1, 1]
        assert seals(session) == [(date(2026, 3, 5), 3, 2), (date(2026, 3, 6), 1, 1), (date(2026, 3, 7), 1, 1)]

    def test_makes_up_for_days_missed(self, session: Session, zone: ZoneInfo) -> None:
        at = datetime(2026, 3, 9, tzinfo=zone)
        seal(session, seal_key=SEAL_KEY, on=date(2026, 3, 4), zone=zone, at=at)

        made = seal(session, seal_key=SEAL_KEY, on=date(2026, 3, 7), zone=zone, at=at)

        assert made == 3
        assert [on.day for on, *_ in seals(session)] == [4, 5, 6, 7]

    def test_of_a_sealed_day_does_nothing(self, session: Session, zone: ZoneInfo) -> None:
        at = datetime(2026, 3, 9, tzinfo=zone)
        first, again = (seal(session, seal_key=SEAL_KEY, on=date(2026, 3, 4), zone=zone, at=at) for _ in range(2))

        assert (first, again) == (1, 0)

    @pytest.mark.parametrize("minutes", [-1, 0, 9])
    def test_waits_until_the_day_has_surely_ended(self, session: Session, zone: ZoneInfo, minutes: int) -> None:
        at = datetime(2026, 3, 9, tzinfo=zone) + timedelta(minutes=minutes)

        with pytest.raises(SealTooEarly):
            seal(session, seal_key=SEAL_KEY, on=date(2026, 3, 8), zone=zone, at=at)

    def test_is_what_it_was_in_every_release_before(self, session: Session, zone: ZoneInfo) -> None:
        member = make_member(session)
        earn(session, member.id, 10, at=datetime(2026, 3, 5, 8, tzinfo=zone))
        seal(session, seal_key=SEAL_KEY, on=date(2026, 3, 5), zone=zone, at=datetime(2026, 3, 9, tzinfo=zone))

        head = session.scalars(select(PointsAccount.chain_head).where(PointsAccount.member_id == member.id)).one()
        until = int(datetime(2026, 3, 6, tzinfo=zone).timestamp())
        covered = f"2026-03-05 {until}\n{member.id} 1 {head.hex()}\n1 1"
        expected = hmac.digest(SEAL_KEY, covered.encode(), "sha256")
        assert session.scalars(select(LedgerSeal.mac)).one() == expected
