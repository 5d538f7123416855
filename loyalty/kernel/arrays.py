"""Arrays of values for a statement about many rows, sent to PostgreSQL in its binary format.

Written as text, element by element, thousands of them cost more than what the statement does with them.
"""

from collections.abc import Callable
from typing import Any

from psycopg import adapters
from psycopg.types.array import ListBinaryDumper
from sqlalchemy import ARRAY, Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine


class _Binary(list[Any]):
    """Values that are sent in binary."""


class SentArray(TypeDecorator[list[Any]]):
    """The type of a parameter that takes a list of values of one type, or nulls."""

    impl = ARRAY
    cache_ok = True

    def __init__(self, item_type: TypeEngine[Any]) -> None:
        super().__init__(item_type)
        self.item_type = item_type  # a statement is compiled for each

    def bind_processor(self, dialect: Dialect) -> Callable[[list[Any] | None], _Binary | None]:
        """Take the values as they are: nothing is done for each of them."""
        return _binary


def _binary(values: list[Any] | None) -> _Binary | None:
    return None if values is None else _Binary(values)


adapters.register_dumper(_Binary, ListBinaryDumper)
