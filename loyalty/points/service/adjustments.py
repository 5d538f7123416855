"""Adjusting points by hand (人工调整)."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from loyalty.kernel.database import Json
from loyalty.points.posting import Posting
from loyalty.points.rules import EntryKind
from loyalty.points.service.credits import credit
from loyalty.points.service.debits import debit


def adjust(
    session: Session,
    *,
    member_id: int,
    points: int,
    reference: str,
    explanation: Json,
    at: datetime,
    actor: str,
    store_id: int | None = None,
    expires_at: datetime | None = None,
) -> Posting:
    """Add points to a member by hand, or take them when ``points`` is negative.

    Adjusting again under the same reference returns the first posting. The explanation names its reason by code
    (``{"rule": "adjustment", "reason": "correction"}``): entries are never edited, so free text about a person may
    not enter them. ``expires_at`` is for what is added.

    Raises:
        InvalidPoints: zero, or absurdly large.
        InsufficientPoints: less is available than is to be taken.
    """
    values: dict[str, Any] = {
        "member_id": member_id,
        "points": abs(points),
        "reference": reference,
        "explanation": explanation,
        "occurred_at": at,
        "store_id": store_id,
        "actor": actor,
    }
    if points < 0:
        return debit(session, kind=EntryKind.ADJUST, at=at, values=values)
    terms = {"revision_id": None, "available_at": at, "expires_at": expires_at}
    return credit(session, kind=EntryKind.ADJUST, at=at, values={**values, **terms})
