"""The hash chain (哈希链) of a member's entries: one SQL expression that posting and proof share.

It covers ids, figures, references, instants and the explanation, which holds ids, figures and codes only, so that
erasing a person leaves the chain whole. How a digest is made stands in ``kernel.chain``.
"""

from collections.abc import Mapping

from sqlalchemy import ColumnElement

from loyalty.kernel import chain
from loyalty.kernel.chain import GENESIS

__all__ = ["COLUMNS", "GENESIS", "digest"]

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


def digest(previous: ColumnElement[bytes], entry: Mapping[str, ColumnElement[object]]) -> ColumnElement[bytes]:
    """Return the expression of an entry's digest, given the digest before it and the entry's columns by name."""
    return chain.digest(previous, COLUMNS, entry)
