"""What was sealed cannot be rewritten, not even with a chain that fits: the seal of the day no longer does."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import Connection, func, select, update
from sqlalchemy.orm import Session

from loyalty.earnings.posting import ACCOUNTS, COLUMNS, ENTRIES
from loyalty.earnings.service import seal, verify
from loyalty.kernel import chain
from loyalty.points.verification import Discrepancy
from tests.factories.check_ins import SHANGHAI
from tests.factories.earnings import accrue
from tests.factories.members import make_member
from tests.support.settings import SEAL_KEY
from tests.support.tampering import past_triggers, superuser, tamper_with

DAY = timedelta(days=1)


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with superuser(database_url) as connection:
        yield connection


@pytest.fixture
def member_id(session: Session, at: datetime) -> int:
    """A member with an entry on each of two days, sealed with the day before and the day after."""
    member_id = make_member(session).id
    for day in (0, 1):
        accrue(session, member_id, 100 + day, at=at + day * DAY)
    seal(session, seal_key=SEAL_KEY, on=at.date() - DAY, zone=SHANGHAI, at=at)
    seal(session, seal_key=SEAL_KEY, on=at.date() + 2 * DAY, zone=SHANGHAI, at=at + 3 * DAY)
    return member_id


@pytest.fixture
def tamper(session: Session, member_id: int) -> Callable[[str], None]:
    return partial(tamper_with, session, member_id=member_id)


def found(session: Session, at: datetime, *, member_id: int | None = None) -> list[Discrepancy]:
    return list(verify(session, seal_key=SEAL_KEY, at=at + 3 * DAY, member_id=member_id).discrepancies)


def chain_anew(session: Session, member_id: int) -> None:
    """Reckon the digests of the member's entries and the head anew, as somebody who knows the code would."""
    entry = ENTRIES.c
    for sequence in (1, 2):
        before = select(entry.digest).where(entry.member_id == member_id, entry.sequence == sequence - 1)
        previous = func.coalesce(before.correlate(None).scalar_subquery(), chain.GENESIS)
        rewritten = (
            update(ENTRIES)
            .where(entry.member_id == member_id, entry.sequence == sequence)
            .values(digest=chain.digest(previous, COLUMNS, {name: entry[name] for name in COLUMNS}))
        )
        with past_triggers(session):
            session.execute(rewritten)
    head = select(entry.digest).where(entry.member_id == member_id, entry.sequence == 2).scalar_subquery()
    session.execute(update(ACCOUNTS).where(ACCOUNTS.c.member_id == member_id).values(chain_head=head))


def test_seals_that_fit_are_counted(session: Session, member_id: int, at: datetime) -> None:
    proof = verify(session, seal_key=SEAL_KEY, at=at + 3 * DAY)

    assert (proof.is_green, proof.entries_count, proof.seals_count) == (True, 2, 4)


def test_an_entry_that_was_changed_is_named_by_itself(
    session: Session, member_id: int, at: datetime, tamper: Callable[[str], None]
) -> None:
    tamper("UPDATE earnings_entries SET reference = 'commission:0' WHERE sequence = 1 AND member_id = :m")

    first = found(session, at)[0]

    assert (first.table, first.member_id) == ("earnings_entries", member_id)


def test_an_entry_rewritten_with_its_chain_is_found_by_the_seals_of_its_days(
    session: Session, member_id: int, at: datetime, tamper: Callable[[str], None]
) -> None:
    tamper("UPDATE earnings_entries SET reference = 'commission:0' WHERE sequence = 1 AND member_id = :m")
    chain_anew(session, member_id)

    assert found(session, at, member_id=member_id) == []
    assert [(each.table, each.row) for each in found(session, at)] == [
        ("earnings_seals", at.date().isoformat()),
        ("earnings_seals", (at.date() + DAY).isoformat()),
    ]


def test_an_entry_that_was_taken_away_with_its_money_is_found_by_the_seal_of_its_day(
    session: Session, member_id: int, at: datetime, tamper: Callable[[str], None]
) -> None:
    tamper("DELETE FROM earnings_entries WHERE sequence = 2 AND member_id = :m")
    tamper(
        "UPDATE earnings_accounts a SET last_sequence = 1, chain_head = e.digest, pending_fen = e.pending_after"
        " FROM earnings_entries e WHERE e.member_id = a.member_id AND a.member_id = :m"
    )

    assert found(session, at, member_id=member_id) == []
    assert [(each.table, each.row) for each in found(session, at)] == [
        ("earnings_seals", (at.date() + DAY).isoformat())
    ]


@pytest.mark.parametrize(
    ("change", "row", "reason"),
    [
        ("UPDATE earnings_seals SET mac = sha256('x') WHERE sealed_on = '2026-03-10'", "2026-03-10", "sealed"),
        ("UPDATE earnings_seals SET entries_count = 5 WHERE sealed_on = '2026-03-11'", "2026-03-11", "sealed"),
        ("DELETE FROM earnings_seals WHERE sealed_on = '2026-03-10'", "2026-03-11", "no seal between"),
    ],
)
def test_a_seal_that_was_changed_is_named(
    session: Session, at: datetime, tamper: Callable[[str], None], change: str, row: str, reason: str
) -> None:
    tamper(change)

    first = found(session, at)[0]

    assert (first.table, first.row) == ("earnings_seals", row)
    assert reason in first.reason


def test_seals_that_stopped_are_missed(session: Session, member_id: int, at: datetime) -> None:
    late = verify(session, seal_key=SEAL_KEY, at=at + 9 * DAY).discrepancies

    assert [(each.row, each.reason) for each in late] == [("2026-03-12", "no seal after this one")]


def test_seals_by_another_key_do_not_fit(session: Session, member_id: int, at: datetime) -> None:
    assert not verify(session, seal_key=b"another", at=at + 3 * DAY).is_green
