"""Arrays of values for a statement about many rows, sent to PostgreSQL in its binary format.

Written as text, element by element, thousands of them cost more than what the statement does with them.
"""

from collections.abc import Callable
from itertools import chain, repeat
from struct import Struct
from typing import Any

from psycopg import adapters
from psycopg.adapt import Dumper
from psycopg.pq import Format
from psycopg.types.array import ListBinaryDumper
from sqlalchemy import ARRAY, BigInteger, Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine


class _Binary(list[Any]):
    """Values that are sent in binary."""


class _Numbers(list[Any]):
    """Whole numbers, none of them missing, that are sent in binary as 64 bits each."""


class _NumbersDumper(Dumper):
    """Writes the numbers of a list at once: the driver, which calls functions for each, takes ten times as long."""

    format = Format.BINARY
    oid = adapters.types["int8"].array_oid

    def dump(self, obj: list[int]) -> bytes:
        count = len(obj)
        head = (1, 0, adapters.types["int8"].oid, count, 1)  # dimensions, nulls, type; length, first index
        items = chain.from_iterable(zip(repeat(8), obj, strict=False))
        return Struct("!5i" + "iq" * count).pack(*head, *items)


class SentArray(TypeDecorator[list[Any]]):
    """The type of a parameter that takes a list of values of one type, or nulls."""

    impl = ARRAY
    cache_ok = True

    def __init__(self, item_type: TypeEngine[Any]) -> None:
        super().__init__(item_type)
        self.item_type = item_type  # a statement is compiled for each

    def bind_processor(self, dialect: Dialect) -> Callable[[list[Any] | None], list[Any] | None]:
        """Take the values as they are: nothing is done for each of them."""
        return _numbers if isinstance(self.item_type, BigInteger) else _binary


def _numbers(values: list[int | None] | None) -> _Numbers | _Binary | None:
    return _Numbers(values) if values and None not in values else _binary(values)


def _binary(values: list[Any] | None) -> _Binary | None:
    return None if values is None else _Binary(values)


adapters.register_dumper(_Binary, ListBinaryDumper)
adapters.register_dumper(_Numbers, _NumbersDumper)
