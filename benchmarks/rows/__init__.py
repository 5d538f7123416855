"""The rows of the bench, in the order in which they are measured; a new row is a module with a ``ROW``."""

from benchmarks.rounds import Row
from benchmarks.rows import (
    batch,
    check_in,
    claim,
    codes,
    commission,
    expiry,
    growth,
    home,
    issue_bulk,
    payouts,
    purchase,
    redeem,
    share_opening,
    spend,
    statement,
    verify,
    wallet,
)

ROWS: tuple[Row, ...] = (
    check_in.ROW,
    home.ROW,
    purchase.ROW,
    spend.ROW,
    claim.ROW,
    redeem.ROW,
    wallet.ROW,
    codes.ROW,
    expiry.ROW,
    batch.ROW,
    issue_bulk.ROW,
    share_opening.ROW,
    payouts.ROW,
    commission.ROW,
    statement.ROW,
    growth.ROW,
    verify.ROW,
)
