from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from loyalty.points.service import seal
from loyalty.tiers import service as tiers
from tests.factories.members import make_member
from tests.factories.points import AT, earn, spend
from tests.support.settings import SEAL_KEY


@pytest.fixture(autouse=True)
def _rows(session: Session, zone: ZoneInfo) -> None:
    member = make_member(session)
    earn(session, member.id, 50)
    spend(session, member.id, 20)
    tiers.review(session, member_id=member.id, growth=5, reference="order:1", at=AT)
    seal(session, seal_key=SEAL_KEY, on=date(2026, 3, 10), zone=zone, at=datetime(2026, 3, 12, tzinfo=zone))


class TestAppendOnlyTables:
    @pytest.mark.parametrize(
        ("table", "column"),
        [
            ("ledger_entries", "points"),
            ("draws", "points"),
            ("ledger_seals", "entries_count"),
            ("growth_entries", "growth"),
        ],
    )
    @pytest.mark.parametrize(
        "change", ["UPDATE {table} SET {column} = {column}", "DELETE FROM {table}", "TRUNCATE {table} CASCADE"]
    )
    def test_refuse_every_change_also_by_their_owner(
        self, session: Session, table: str, column: str, change: str
    ) -> None:
        owner = session.execute(
            text("SELECT tableowner = current_user FROM pg_tables WHERE tablename = :table"), {"table": table}
        ).scalar_one()
        assert owner

        with pytest.raises(IntegrityError, match="append-only"), session.begin_nested():
            session.execute(text(change.format(table=table, column=column)))

        assert session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() > 0


class TestConstraints:
    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE points_accounts SET balance = -1",
            "UPDATE points_accounts SET held = -1",
            "UPDATE points_accounts SET held = balance + 1",
            "UPDATE points_accounts SET debt = -1",
            "UPDATE lots SET remaining = -1",
            "UPDATE lots SET remaining = points + 1",
        ],
    )
    def test_make_impossible_figures_impossible(self, session: Session, change: str) -> None:
        with pytest.raises(IntegrityError, match="check constraint"), session.begin_nested():
            session.execute(text(change))
