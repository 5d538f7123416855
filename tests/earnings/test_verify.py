"""Every change that somebody makes past the service is named."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from loyalty.earnings.service import verify
from tests.factories.earnings import AT, accrue, give_back, make_available, reverse, withdraw
from tests.factories.members import make_member
from tests.support.settings import SEAL_KEY
from tests.support.tampering import rolled_back, superuser, tamper_with


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with superuser(database_url) as connection:
        yield connection


@pytest.fixture
def member_id(session: Session) -> int:
    """A member with eight entries of every kind but transfers."""
    member_id = make_member(session).id
    accrued = make_available(session, member_id, 1_000)
    give_back(session, member_id, 500, withdraw(session, member_id, 500, tax_fen=100))
    reverse(session, member_id, 200, accrued)
    accrue(session, member_id, 70)
    accrue(session, member_id, 30)
    return member_id


@pytest.fixture
def tamper(session: Session, member_id: int) -> Callable[[str], None]:
    def change(statement: str) -> None:
        session.execute(text("ALTER TABLE earnings_entries DROP CONSTRAINT ck_earnings_entries_changes"))
        tamper_with(session, f"{statement} AND member_id = :m", member_id=member_id)

    return change


def test_books_that_fit_are_green(session: Session, member_id: int) -> None:
    proof = verify(session, seal_key=SEAL_KEY, at=AT, member_id=member_id)

    assert (proof.is_green, proof.accounts_count, proof.entries_count) == (True, 1, 8)


@pytest.mark.parametrize(
    ("change", "table", "reason"),
    [
        ("UPDATE earnings_entries SET amount_fen = 1 WHERE sequence = 1", "earnings_entries", "chain"),
        ("UPDATE earnings_entries SET reference = 'x' WHERE sequence = 2", "earnings_entries", "chain"),
        ("UPDATE earnings_entries SET explanation = '{}' WHERE sequence = 1", "earnings_entries", "chain"),
        ("UPDATE earnings_entries SET accrual_reference = 'x' WHERE kind = 'reverse'", "earnings_entries", "chain"),
        ("UPDATE earnings_entries SET digest = sha256('x') WHERE sequence = 8", "earnings_entries", "chain"),
        ("DELETE FROM earnings_entries WHERE sequence = 3", "earnings_entries", "missing"),
        ("DELETE FROM earnings_entries WHERE sequence = 8", "earnings_accounts", "last_sequence"),
        ("UPDATE earnings_accounts SET available_fen = 801 WHERE pending_fen = 100", "earnings_accounts", "holds"),
        ("UPDATE earnings_accounts SET chain_head = '' WHERE pending_fen = 100", "earnings_accounts", "chain_head"),
    ],
)
def test_names_the_row_that_was_changed(
    session: Session, member_id: int, tamper: Callable[[str], None], change: str, table: str, reason: str
) -> None:
    tamper(change)

    first = verify(session, seal_key=SEAL_KEY, at=AT, member_id=member_id).discrepancies[0]

    assert (first.table, first.member_id) == (table, member_id)
    assert reason in first.reason


class TestOwner:
    @pytest.fixture
    def connection(self, database_url: str) -> Iterator[Connection]:
        """The role that the application uses, which owns the tables."""
        with rolled_back(database_url) as connection:
            yield connection

    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE earnings_entries SET amount_fen = amount_fen",
            "DELETE FROM earnings_entries",
            "TRUNCATE earnings_entries CASCADE",
            "UPDATE payout_moves SET code = code",
            "UPDATE earnings_seals SET mac = mac",
            "DELETE FROM earnings_seals",
        ],
    )
    def test_cannot_change_what_is_append_only(self, session: Session, member_id: int, change: str) -> None:
        with pytest.raises(IntegrityError, match="append-only"), session.begin_nested():
            session.execute(text(change))

    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE earnings_accounts SET pending_fen = -1",
            "UPDATE earnings_accounts SET available_fen = -1",
            "UPDATE earnings_accounts SET owed_fen = -1",
            "UPDATE earnings_accounts SET available_fen = 1, owed_fen = 1",
        ],
    )
    def test_cannot_write_impossible_figures(self, session: Session, member_id: int, change: str) -> None:
        with pytest.raises(IntegrityError, match="check constraint"), session.begin_nested():
            session.execute(text(change))
