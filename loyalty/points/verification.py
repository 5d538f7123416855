"""Verification (账本核验): proves every account, entry, lot, draw, hold and seal from the others.

A page of members is proved by one statement, so that it sees one state of the books while members go on earning
and spending. The statement returns only rows that do not fit, so memory stays flat at any size.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import BigInteger, cast, func, select
from sqlalchemy.orm import Session

from loyalty.kernel.sealing import list_seals, misfits
from loyalty.points.posting import ACCOUNTS
from loyalty.points.proof import PROOF
from loyalty.points.sealing import BOOK

MEMBERS_AT_A_TIME = 2_000
DISCREPANCIES_MAX = 100
_NO_MEMBER_BEYOND = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A row that does not fit (差异), and why."""

    table: str
    row: str
    member_id: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What was proved, and the first rows that do not fit, in the order of members and their entries."""

    accounts_count: int
    entries_count: int
    seals_count: int
    discrepancies: Sequence[Discrepancy]

    @property
    def is_green(self) -> bool:
        """Whether everything fits."""
        return not self.discrepancies


def verify(session: Session, *, seal_key: bytes, at: datetime, member_id: int | None = None) -> Verification:
    """Prove the books, or those of one member, whose seals cannot be proved apart.

    Balances are reckoned from entries and from lots and draws, digests and seals anew; missing sequences, accounts
    and seals are found. Stops after ``DISCREPANCIES_MAX`` rows that do not fit.
    """
    pages = _pages(session) if member_id is None else iter([(member_id - 1, member_id)])
    found = list(islice(_discrepancies(session, pages), DISCREPANCIES_MAX))
    seals = list_seals(session, BOOK) if member_id is None else ()
    for misfit in islice(misfits(session, BOOK, seals, seal_key=seal_key, at=at), DISCREPANCIES_MAX - len(found)):
        found.append(Discrepancy("ledger_seals", misfit.sealed_on.isoformat(), None, misfit.reason))
    counts = select(func.count(), func.coalesce(cast(func.sum(ACCOUNTS.c.last_sequence), BigInteger), 0))
    if member_id is not None:
        counts = counts.where(ACCOUNTS.c.member_id == member_id)
    accounts_count, entries_count = session.execute(counts.select_from(ACCOUNTS)).one()
    return Verification(accounts_count, entries_count, len(seals), found)


def _pages(session: Session) -> Iterator[tuple[int, int]]:
    """Cut all numbers into ranges, so that rows of a member without an account are seen as well."""
    after = -1
    ends = select(ACCOUNTS.c.member_id).order_by(ACCOUNTS.c.member_id).offset(MEMBERS_AT_A_TIME - 1).limit(1)
    while True:
        end = session.execute(ends.where(ACCOUNTS.c.member_id > after)).scalar()
        if end is None:
            yield after, _NO_MEMBER_BEYOND
            return
        yield after, end
        after = end


def _discrepancies(session: Session, pages: Iterator[tuple[int, int]]) -> Iterator[Discrepancy]:
    for after, until in pages:
        rows = session.execute(PROOF, {"after_id": after, "until_id": until, "row_limit": DISCREPANCIES_MAX})
        for row in rows:
            yield Discrepancy(row.table_name, row.row_name, row.member_id, row.reason)
