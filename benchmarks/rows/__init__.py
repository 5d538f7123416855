"""The rows of the bench, in the order in which they are measured; a new row is a module with a ``ROW``."""

from benchmarks.rounds import Row
from benchmarks.rows import check_in, growth, home, verify

ROWS: tuple[Row, ...] = (check_in.ROW, home.ROW, growth.ROW, verify.ROW)
