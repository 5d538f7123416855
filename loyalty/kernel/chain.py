"""Hash chains (哈希链): one SQL expression for the digest of a row that continues the row before it.

The digest is the SHA-256 of the digest before and of the row's columns, as PostgreSQL's ``record_send`` writes them:
each after its type and its length, so that no two different rows read alike. Integers are written as they are, instants
in exact microseconds, texts as UTF-8, documents as JSONB prints them, and nulls apart from all.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import BigInteger, ColumnElement, LargeBinary, String, Text, cast, func, literal_column, null

GENESIS = literal_column("''::bytea", LargeBinary)
"""What stands before the first row of a chain."""

_UTF8 = literal_column("'UTF8'", Text)
_DOCUMENT = "explanation"
"""The one column that holds a document, in every ledger."""


def digest(
    previous: ColumnElement[bytes], columns: Sequence[str], row: Mapping[str, ColumnElement[object]]
) -> ColumnElement[bytes]:
    """Return the expression of a row's digest, given the digest before it and its columns by name.

    What the row does not have is null. Neither the order nor the types of the columns of a ledger may ever change.
    """
    written = [_written(name, row[name]) if name in row else cast(null(), BigInteger) for name in columns]
    return func.sha256(func.record_send(func.row(previous, *written)), type_=LargeBinary)


def _written(name: str, column: ColumnElement[object]) -> ColumnElement[object]:
    # As bytes: a text would be written in the encoding of whichever client asks.
    if name == _DOCUMENT:
        return func.convert_to(cast(column, Text), _UTF8)
    return func.convert_to(column, _UTF8) if isinstance(column.type, String) else column
