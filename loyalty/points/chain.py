"""The hash chain (哈希链) of a member's entries: one SQL expression that posting and proof share.

The digest of an entry is the SHA-256 of the digest before it and of the entry's ids, figures, references and
instants, and of its explanation as JSONB prints it. PostgreSQL's ``record_send`` writes each of them after its type
and its length, so that no two different rows read alike: integers as they are, instants in exact microseconds, texts
as UTF-8, and nulls apart from all. Explanations hold ids, figures and codes only, so that erasing a person leaves the
chain whole.
"""

from collections.abc import Mapping

from sqlalchemy import BigInteger, ColumnElement, LargeBinary, String, Text, cast, func, literal_column, null

GENESIS = literal_column("''::bytea", LargeBinary)
"""What stands before a member's first entry."""

COLUMNS = (
    "member_id",
    "id",
    "sequence",
    "kind",
    "points",
    "balance_after",
    "debt_after",
    "reference",
    "store_id",
    "actor",
    "revision_id",
    "reversed_entry_id",
    "reversed_points",
    "explanation",
    "occurred_at",
    "recorded_at",
)
"""The format of every chain ever written: neither order nor types may change."""

_UTF8 = literal_column("'UTF8'", Text)


def digest(previous: ColumnElement[bytes], entry: Mapping[str, ColumnElement[object]]) -> ColumnElement[bytes]:
    """Return the expression of an entry's digest, given the digest before it and the entry's columns by name.

    What the entry does not have is null.
    """
    written = [_written(name, entry[name]) if name in entry else cast(null(), BigInteger) for name in COLUMNS]
    return func.sha256(func.record_send(func.row(previous, *written)), type_=LargeBinary)


def _written(name: str, column: ColumnElement[object]) -> ColumnElement[object]:
    # As bytes: a text would be written in the encoding of whichever client asks.
    if name == "explanation":
        return func.convert_to(cast(column, Text), _UTF8)
    return func.convert_to(column, _UTF8) if isinstance(column.type, String) else column
