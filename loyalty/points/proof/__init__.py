"""The proof of a page of members: one statement that returns the rows that do not fit, each with a reason.

It compares what accounts, entries, lots, draws and holds of a range of members say of each other. Amounts are
compared by adding up both sides in one pass, never by joining rows to rows, so that a member with a hundred
thousand entries costs no more than a thousand members with a hundred.
"""

from sqlalchemy import Integer, bindparam, select, union_all

from loyalty.points.proof.entries import broken_chains, movements_that_differ
from loyalty.points.proof.expiry import lots_that_expired_in_silence
from loyalty.points.proof.holds import captures_that_differ, holds_that_differ, lots_that_are_held_otherwise
from loyalty.points.proof.sums import accounts_that_are_missing, accounts_that_differ, lots_that_differ

_ALL = union_all(
    broken_chains(),
    movements_that_differ(),
    lots_that_differ(),
    lots_that_are_held_otherwise(),
    holds_that_differ(),
    captures_that_differ(),
    lots_that_expired_in_silence(),
    accounts_that_differ(),
    accounts_that_are_missing(),
).subquery("discrepancies")
PROOF = (
    select(_ALL.c.member_id, _ALL.c.table_name, _ALL.c.row_name, _ALL.c.reason)
    .order_by(_ALL.c.member_id, _ALL.c.position, _ALL.c.table_name, _ALL.c.row_name)
    .limit(bindparam("row_limit", type_=Integer))
)
"""Parameters: members above ``after_id`` up to ``until_id``, at most ``row_limit`` rows that do not fit."""
