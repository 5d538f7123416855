"""The rows of a proof: each names a row that does not fit, says why, and where among a member's rows it comes."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    literal_column,
    select,
)

from loyalty.points.posting import constant

ZERO, ONE = (literal_column(number, BigInteger) for number in ("0", "1"))
YES, NO = (literal_column(truth, Boolean) for truth in ("true", "false"))
# A member's entries in their order, then what they moved, then what sums them up: the first row names the cause.
LATER, LAST = (literal_column(str(2**62 + number), BigInteger) for number in (0, 1))


def of_page(member_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Tell whether a member is on the page: above ``after_id``, up to ``until_id``."""
    after, until = (bindparam(name, type_=BigInteger) for name in ("after_id", "until_id"))
    return and_(member_id > after, member_id <= until)


def found(table: str, row: Any, reason: ColumnElement[str], member_id: Any, position: Any) -> Select[Any]:
    """Select rows that do not fit, by table and name of the row."""
    return select(
        member_id.label("member_id"),
        constant(table).label("table_name"),
        cast(row, Text).label("row_name"),
        reason.label("reason"),
        position.label("position"),
    )


def whole(number: int) -> ColumnElement[int]:
    """Return a number that is part of the statement."""
    return literal_column(str(number), Integer)
