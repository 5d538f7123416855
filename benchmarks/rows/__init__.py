"""The rows of the bench, in the order in which they are measured; a new row is a module with a ``ROW``."""

from benchmarks.rounds import Row
from benchmarks.rows import batch, check_in, expiry, growth, home, purchase, spend, statement, verify

ROWS: tuple[Row, ...] = (
    check_in.ROW,
    home.ROW,
    purchase.ROW,
    spend.ROW,
    expiry.ROW,
    batch.ROW,
    statement.ROW,
    growth.ROW,
    verify.ROW,
)
