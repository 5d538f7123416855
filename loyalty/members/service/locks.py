"""Locks on things that have no row yet: a phone, a unionid, a sender of codes.

Held to the end of the transaction; works behind a pooler in transaction mode. Order everywhere:
unionid, identity row, phone, member rows. Unique indexes stay the guarantee.
"""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

_LOCK = text(
    "SELECT pg_advisory_xact_lock(key) FROM ("
    " SELECT hashtextextended(name, 0) AS key FROM unnest(CAST(:names AS text[])) AS name ORDER BY key"
    ") AS keys"
)


def lock_names(session: Session, names: Sequence[str]) -> None:
    """Wait until nobody else holds one of these names; all in one order, so that nobody deadlocks."""
    session.execute(_LOCK, {"names": list(names)})


def lock_unionid(session: Session, unionid: str) -> None:
    """Let one transaction at a time decide whose a unionid is."""
    lock_names(session, [f"unionid:{unionid}"])


def lock_phone(session: Session, phone_index: bytes) -> None:
    """Let one transaction at a time decide whose a phone is."""
    lock_names(session, [f"phone:{phone_index.hex()}"])
