"""Arrays of values: what is sent in binary arrives as it was."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import BigInteger, Date, DateTime, LargeBinary, Text, bindparam, func, select
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from loyalty.kernel.arrays import SentArray


def echoed(session: Session, item_type: TypeEngine[Any], values: list[Any]) -> list[Any]:
    sent = bindparam("sent", type_=SentArray(item_type))
    return list(session.scalars(select(func.unnest(sent).column_valued("one")), {"sent": values}))


@pytest.mark.parametrize(
    ("item_type", "values"),
    [
        (BigInteger(), [1, -(2**62), None, 70_000]),
        (Text(), ["积分", 'a "quoted" \\ one', "", None, "NULL", "{,}"]),
        (LargeBinary(), [b"\x00\xff", b'"\\', None]),
        (Date(), [date(2026, 2, 28), None]),
        (DateTime(timezone=True), [datetime(2026, 3, 1, 4, 5, 6, 7, tzinfo=UTC), None]),
    ],
    ids=lambda value: type(value).__name__,
)
class TestSentArray:
    def test_arrives_as_it_was(self, session: Session, item_type: TypeEngine[Any], values: list[Any]) -> None:
        assert echoed(session, item_type, values) == values

    def test_may_be_empty_or_hold_nothing_but_nulls(
        self, session: Session, item_type: TypeEngine[Any], values: list[Any]
    ) -> None:
        assert echoed(session, item_type, []) == []
        assert echoed(session, item_type, [None] * len(values)) == [None] * len(values)


def test_arrays_of_two_types_are_told_apart_in_statements_that_read_alike(session: Session) -> None:
    assert echoed(session, BigInteger(), [1]) == [1]
    assert echoed(session, Text(), ["1"]) == ["1"]


@pytest.mark.parametrize("values", [[0], [1, -(2**63), 2**63 - 1], list(range(-500, 500))], ids=len)
def test_numbers_without_a_null_arrive_as_they_were(session: Session, values: list[int]) -> None:
    assert echoed(session, BigInteger(), values) == values
