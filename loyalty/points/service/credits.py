"""Crediting points (入账): one statement when nobody else is at the account, exact when somebody is."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from loyalty.kernel.database import Json
from loyalty.points.posting import (
    ACCOUNTS,
    ENTRIES,
    IDLE_TERMS,
    TERMS,
    Posting,
    constant,
    given,
    parameter,
    parameters,
    post_credits,
)
from loyalty.points.queries import find_posting
from loyalty.points.rules import EVENT_OF_KIND, EntryKind, check_points
from loyalty.points.rules.expiry import LotTerms
from loyalty.points.service.accounts import open_and_lock_account

_FROM_THE_CALLER = (
    "points",
    "reference",
    "store_id",
    "actor",
    "revision_id",
    "explanation",
    "occurred_at",
    "recorded_at",
    *TERMS,
    *IDLE_TERMS,
)


def _statement(kind: EntryKind) -> Select[Any]:
    # Reads as they were when the statement began, hence ``seen_sequence``: should another posting come in between,
    # nothing is written, rather than the same reference twice.
    is_known = exists().where(
        ENTRIES.c.member_id == ACCOUNTS.c.member_id,
        ENTRIES.c.kind == constant(kind),
        ENTRIES.c.reference == parameter("reference"),
    )
    values = {name: parameter(name) for name in _FROM_THE_CALLER}
    source = select(
        *given(member_id=ACCOUNTS.c.member_id, kind=constant(kind), **values),
        ACCOUNTS.c.last_sequence.label("seen_sequence"),
    ).where(ACCOUNTS.c.member_id == parameter("member_id"), ~is_known)
    return post_credits(source.cte("source"), event=EVENT_OF_KIND[kind]).rows()


_NOT_IDLE = dict.fromkeys(IDLE_TERMS)
_STATEMENTS = {kind: _statement(kind) for kind in (EntryKind.EARN, EntryKind.ADJUST)}


def earn(  # noqa: PLR0913 - a fact of each is kept in the entry; all but the session are named
    session: Session,
    *,
    member_id: int,
    points: int,
    reference: str,
    explanation: Json,
    occurred_at: datetime,
    at: datetime,
    store_id: int | None = None,
    actor: str = "system",
    revision_id: int | None = None,
    available_at: datetime | None = None,
    terms: LotTerms | None = None,
) -> Posting:
    """Give points to a member (获得), opening the account if there is none yet.

    Earning again under the same reference returns the first posting and gives nothing, also when both come at
    once. Zero is refused: whoever reckons nothing posts nothing. ``available_at`` is ``at`` unless given; without
    ``terms`` the points never expire. The explanation holds codes and figures, never personal data.

    Raises:
        InvalidPoints: ``points`` is below one or absurdly large.
    """
    values = {
        "member_id": member_id,
        "points": points,
        "reference": reference,
        "explanation": explanation,
        "occurred_at": occurred_at,
        "store_id": store_id,
        "actor": actor,
        "revision_id": revision_id,
        "available_at": available_at or at,
        **asdict(terms or LotTerms()),
    }
    return credit(session, kind=EntryKind.EARN, at=at, values=values)


def credit(session: Session, *, kind: EntryKind, at: datetime, values: Mapping[str, Any]) -> Posting:
    """Post one credit with one lot; the first posting again when the reference is known.

    Raises:
        InvalidPoints: the points are below one or absurdly large.
    """
    check_points(values["points"])
    statement = _STATEMENTS[kind]
    named = parameters({**_NOT_IDLE, **values, "recorded_at": at, "opened_at": values["occurred_at"]})
    row = session.execute(statement, named).first()
    if row is not None:
        return Posting(*row)
    # Known, or without an account, or overtaken: under the lock it is certain which.
    member_id = values["member_id"]
    open_and_lock_account(session, member_id=member_id, at=at)
    known = find_posting(session, member_id=member_id, kind=kind, reference=values["reference"])
    return known or Posting(*session.execute(statement, named).one())
