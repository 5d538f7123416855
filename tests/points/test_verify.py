from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from loyalty.members.models import Member
from loyalty.points import verification
from loyalty.points.service import seal, verify
from loyalty.points.verification import Discrepancy
from tests.factories.check_ins import SHANGHAI
from tests.factories.members import make_member
from tests.factories.points import AT, capture, earn, place, reverse, spend
from tests.support.settings import SEAL_KEY
from tests.support.tampering import superuser, tamper_with

DAY = timedelta(days=1)


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with superuser(database_url) as connection:
        yield connection


@pytest.fixture
def member(session: Session, at: datetime) -> Member:
    """A member with six entries: earned twice, spent over two lots, partly reversed, adjusted by a clamp."""
    member = make_member(session)
    first = earn(session, member.id, 50, expires_at=at + DAY, reference="order:1")
    earn(session, member.id, 40, reference="order:2")
    spent = spend(session, member.id, 70, reference="exchange:1")
    reverse(session, member.id, spent.entry_id, points=15, reference="refund:1")
    reverse(session, member.id, first.entry_id, points=10, reference="refund:2")
    earn(session, member.id, 5, reference="order:3")
    return member


@pytest.fixture
def tamper(session: Session, member: Member) -> Callable[[str], None]:
    """Change rows past the triggers and foreign keys, as somebody with the superuser's rights could."""
    return partial(tamper_with, session, member_id=member.id)


def discrepancies(session: Session, member_id: int | None = None) -> list[Discrepancy]:
    session.expire_all()
    return list(verify(session, seal_key=SEAL_KEY, at=AT + DAY, member_id=member_id).discrepancies)


class TestVerify:
    def test_of_books_that_fit_is_green(self, session: Session, member: Member) -> None:
        result = verify(session, seal_key=SEAL_KEY, at=AT, member_id=member.id)

        assert result.is_green
        assert (result.accounts_count, result.entries_count) == (1, 6)

    @pytest.mark.parametrize(
        ("change", "table", "reason"),
        [
            ("UPDATE ledger_entries SET points = 60 WHERE sequence = 1", "ledger_entries", "continue the chain"),
            ("UPDATE ledger_entries SET points = -71 WHERE sequence = 3", "ledger_entries", "continue the chain"),
            ("UPDATE ledger_entries SET kind = 'adjust' WHERE sequence = 2", "ledger_entries", "continue the chain"),
            ("UPDATE ledger_entries SET reference = 'x' WHERE sequence = 2", "ledger_entries", "continue the chain"),
            ("UPDATE ledger_entries SET actor = 'staff:1' WHERE sequence = 2", "ledger_entries", "continue the chain"),
            ("UPDATE ledger_entries SET store_id = 1 WHERE sequence = 2", "ledger_entries", "continue the chain"),
            ("UPDATE ledger_entries SET revision_id = 1 WHERE sequence = 2", "ledger_entries", "continue the chain"),
            ("UPDATE ledger_entries SET balance_after = 91 WHERE sequence = 2", "ledger_entries", "continue the chain"),
            ("UPDATE ledger_entries SET debt_after = 1 WHERE sequence = 2", "ledger_entries", "continue the chain"),
            ("UPDATE ledger_entries SET explanation = '{}' WHERE sequence = 2", "ledger_entries", "continue the chain"),
            (
                "UPDATE ledger_entries SET reversed_points = 9 WHERE sequence = 5",
                "ledger_entries",
                "continue the chain",
            ),
            (
                "UPDATE ledger_entries SET occurred_at = occurred_at + interval '1 us' WHERE sequence = 2",
                "ledger_entries",
                "continue the chain",
            ),
            (
                "UPDATE ledger_entries SET recorded_at = recorded_at - interval '1 us' WHERE sequence = 6",
                "ledger_entries",
                "continue the chain",
            ),
            (
                "UPDATE ledger_entries SET digest = sha256('x') WHERE sequence = 2",
                "ledger_entries",
                "continue the chain",
            ),
            ("UPDATE ledger_entries SET sequence = 9 WHERE sequence = 6", "ledger_entries", "missing"),
            ("DELETE FROM ledger_entries WHERE sequence = 2", "ledger_entries", "missing"),
            ("DELETE FROM ledger_entries WHERE sequence = 1", "ledger_entries", "missing"),
            ("DELETE FROM draws WHERE points = 50", "ledger_entries", "do not add up"),
            ("UPDATE draws SET points = 49 WHERE points = 50", "ledger_entries", "do not add up"),
            ("UPDATE draws SET entry_id = 0 WHERE points = 50", "ledger_entries", "do not add up"),
            ("UPDATE lots SET remaining = remaining + 1 WHERE points = 40", "lots", "remaining"),
            ("UPDATE lots SET points = 51, remaining = remaining + 1 WHERE points = 50", "ledger_entries", "add up"),
            ("DELETE FROM lots WHERE points = 5", "ledger_entries", "do not add up"),
            ("UPDATE lots SET store_id = 1 WHERE points = 5", "ledger_entries", "another store"),
            ("UPDATE draws SET store_id = 1 WHERE points = 50", "ledger_entries", "another store"),
            ("UPDATE points_accounts SET balance = balance + 1", "points_accounts", "balance"),
            ("UPDATE points_accounts SET debt = 1", "points_accounts", "debt"),
            ("UPDATE points_accounts SET held = 1", "points_accounts", "held"),
            ("UPDATE points_accounts SET last_debt_change = 1", "points_accounts", "last_debt_change"),
            ("UPDATE points_accounts SET last_sequence = 7", "points_accounts", "last_sequence"),
            ("UPDATE points_accounts SET chain_head = sha256('x')", "points_accounts", "chain_head"),
            ("DELETE FROM points_accounts", "points_accounts", "no points account"),
        ],
    )
    def test_names_the_row_that_was_changed(
        self,
        session: Session,
        member: Member,
        tamper: Callable[[str], None],
        change: str,
        table: str,
        reason: str,
    ) -> None:
        tamper(change + (" AND" if "WHERE" in change else " WHERE") + " member_id = :m")

        found = discrepancies(session, member.id)

        assert (found[0].table, found[0].member_id) == (table, member.id)
        assert reason in found[0].reason

    def test_names_the_last_entry_missing_by_its_account(
        self, session: Session, member: Member, tamper: Callable[[str], None]
    ) -> None:
        tamper("DELETE FROM lots WHERE member_id = :m AND points = 5")
        tamper("DELETE FROM ledger_entries WHERE member_id = :m AND sequence = 6")

        assert discrepancies(session, member.id)[0].table == "points_accounts"

    def test_names_draws_and_lots_that_belong_to_nothing(
        self, session: Session, member: Member, tamper: Callable[[str], None]
    ) -> None:
        tamper("UPDATE draws SET lot_id = lot_id + 1000000 WHERE member_id = :m AND points = 50")
        tamper("INSERT INTO lots SELECT member_id, 10^9, 10^9, 1, 0, opened_at, available_at FROM lots"
               " WHERE member_id = :m LIMIT 1")  # fmt: skip

        reasons = {(each.table, each.reason) for each in discrepancies(session, member.id)}

        assert ("lots", "draws are there, but not the lot they drew on") in reasons
        assert ("ledger_entries", "lots or draws are there, but not the entry that made them") in reasons

    @pytest.mark.parametrize(
        ("change", "table", "reason"),
        [
            ("UPDATE holds SET points = 4 WHERE reference = 'cart:1'", "holds", "not what it binds"),
            ("UPDATE hold_lots SET points = 4", "holds", "not what it binds"),
            ("UPDATE hold_lots SET hold_id = hold_id + 1000000", "holds", "not by any hold"),
            ("DELETE FROM holds WHERE state = 'placed'", "holds", "not by any hold"),
            ("UPDATE lots SET held = held + 1 WHERE held > 0", "lots", "held is not what placed holds bind"),
            ("UPDATE holds SET state = 'released', closed_at = placed_at WHERE reference = 'cart:1'", "lots", "held"),
            ("UPDATE points_accounts SET held = 2", "points_accounts", "held is not what its placed holds bind"),
            ("UPDATE holds SET captured_points = 1 WHERE reference = 'cart:2'", "holds", "what it captured"),
            ("UPDATE holds SET reference = 'cart:3' WHERE reference = 'cart:2'", "holds", "what it captured"),
        ],
    )
    def test_names_the_hold_or_lot_that_was_changed(
        self,
        session: Session,
        member: Member,
        tamper: Callable[[str], None],
        change: str,
        table: str,
        reason: str,
    ) -> None:
        place(session, member.id, 3, reference="cart:1")
        place(session, member.id, 2, reference="cart:2")
        capture(session, member.id, "cart:2")
        assert discrepancies(session, member.id) == []

        tamper(change + (" AND" if "WHERE" in change else " WHERE") + " member_id = :m")

        found = discrepancies(session, member.id)
        assert any(each.table == table and reason in each.reason for each in found)

    def test_finds_the_first_row_though_a_whole_chain_was_forged_after_it(
        self, session: Session, member: Member, tamper: Callable[[str], None]
    ) -> None:
        tamper("UPDATE ledger_entries SET points = points + 1, balance_after = balance_after + 1 WHERE member_id = :m")

        first = discrepancies(session, member.id)[0]

        of_first_entry = session.execute(
            text("SELECT id FROM ledger_entries WHERE member_id = :m AND sequence = 1"), {"m": member.id}
        ).scalar_one()
        assert (first.table, first.row) == ("ledger_entries", str(of_first_entry))

    def test_sees_every_member_over_many_pages(
        self, session: Session, member: Member, tamper: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(verification, "MEMBERS_AT_A_TIME", 2)
        others = [make_member(session) for _ in range(5)]
        for other in others:
            earn(session, other.id, 10)
        tamper(f"UPDATE points_accounts SET balance = 11 WHERE member_id = {others[-1].id} AND :m > 0")

        found = discrepancies(session)

        assert [each.member_id for each in found] == [others[-1].id]

    def test_of_one_member_leaves_the_others_out(
        self, session: Session, member: Member, tamper: Callable[[str], None]
    ) -> None:
        other = make_member(session)
        earn(session, other.id, 10)
        tamper("UPDATE points_accounts SET balance = balance + 1 WHERE member_id = :m")

        assert discrepancies(session, other.id) == []
        assert discrepancies(session, member.id) != []

    def test_reads_the_same_digest_in_any_time_zone(self, session: Session, member: Member) -> None:
        session.execute(text("SET LOCAL timezone = 'Asia/Shanghai'"))
        session.execute(text("SET LOCAL datestyle = 'German'"))
        session.execute(text("SET LOCAL bytea_output = 'escape'"))

        assert discrepancies(session, member.id) == []


class TestVerifyOfSeals:
    @pytest.fixture(autouse=True)
    def sealed(self, session: Session, member: Member, at: datetime) -> None:
        seal(session, seal_key=SEAL_KEY, on=at.date() - DAY, zone=SHANGHAI, at=at)
        seal(session, seal_key=SEAL_KEY, on=at.date() + DAY, zone=SHANGHAI, at=at + 2 * DAY)

    def test_counts_those_that_fit(self, session: Session, at: datetime) -> None:
        result = verify(session, seal_key=SEAL_KEY, at=at + 2 * DAY)

        assert (result.is_green, result.seals_count) == (True, 3)

    @pytest.mark.parametrize(
        ("change", "row", "reason"),
        [
            ("UPDATE ledger_seals SET mac = sha256('x') WHERE sealed_on = '2026-03-10'", "2026-03-10", "sealed"),
            ("UPDATE ledger_seals SET entries_count = 5 WHERE sealed_on = '2026-03-10'", "2026-03-10", "sealed"),
            ("UPDATE ledger_seals SET accounts_count = 5 WHERE sealed_on = '2026-03-10'", "2026-03-10", "sealed"),
            ("DELETE FROM ledger_seals WHERE sealed_on = '2026-03-10'", "2026-03-11", "no seal between"),
        ],
    )
    def test_names_the_seal_that_was_changed(
        self, session: Session, tamper: Callable[[str], None], change: str, row: str, reason: str
    ) -> None:
        tamper(change + " AND :m > 0")

        first = discrepancies(session)[0]

        assert (first.table, first.row) == ("ledger_seals", row)
        assert reason in first.reason

    def test_names_the_day_whose_entries_were_rewritten_with_a_new_chain(
        self, session: Session, member: Member, tamper: Callable[[str], None]
    ) -> None:
        tamper("DELETE FROM lots WHERE member_id = :m AND points = 5")
        tamper("DELETE FROM ledger_entries WHERE member_id = :m AND sequence = 6")
        tamper(
            "UPDATE points_accounts a SET last_sequence = 5, chain_head = e.digest, balance = e.balance_after"
            " FROM ledger_entries e WHERE e.member_id = a.member_id AND e.sequence = 5 AND a.member_id = :m"
        )

        assert discrepancies(session, member.id) == []
        assert [(each.table, each.row) for each in discrepancies(session)] == [("ledger_seals", "2026-03-10")]

    def test_misses_the_last_seal_a_day_after_it_was_due(
        self, session: Session, at: datetime, tamper: Callable[[str], None]
    ) -> None:
        tamper("DELETE FROM ledger_seals WHERE sealed_on = '2026-03-11' AND :m > 0")

        found = verify(session, seal_key=SEAL_KEY, at=at + 2 * DAY).discrepancies

        assert [(each.row, each.reason) for each in found] == [("2026-03-10", "no seal after this one")]

    def test_by_another_key_does_not_fit(self, session: Session, at: datetime) -> None:
        assert not verify(session, seal_key=b"another", at=at + 2 * DAY).is_green

    def test_misses_seals_that_stopped(self, session: Session, at: datetime) -> None:
        found = verify(session, seal_key=SEAL_KEY, at=at + 9 * DAY).discrepancies

        assert [(each.row, each.reason) for each in found] == [("2026-03-11", "no seal after this one")]
