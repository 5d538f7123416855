"""Grants of a page of identities at once, for messages to a great many members; by the same rules as one by one.

The balances are locked in ascending order of identity and template, as wherever there are several.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger as Big
from sqlalchemy import ColumnElement, FromClause, String, and_, cast, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.kernel.arrays import SentArray
from loyalty.notices.models import SubscriptionGrant, SubscriptionGrantEntry
from loyalty.notices.service.grants import GrantSource

_GRANT, _ENTRY = SubscriptionGrant, SubscriptionGrantEntry


@dataclass(frozen=True, slots=True)
class GrantUse:
    """One message that needs a grant, by the reference that counts once; no two on the same balance in a page."""

    identity_id: int
    template_id: str
    reference: str


def take_grants(session: Session, *, uses: Sequence[GrantUse], at: datetime) -> set[str]:
    """Take one grant for each message about to be sent; return the references of those that got one."""
    held = _locked(session, uses)
    rich = [use for use in uses if held.get((use.identity_id, use.template_id), 0) > 0]
    return _append(session, rich, change=-1, source=GrantSource.DELIVERY, at=at)


def return_grants(session: Session, *, uses: Sequence[GrantUse], at: datetime) -> None:
    """Give back the grants of messages that WeChat certainly did not send."""
    _locked(session, uses)
    _append(session, uses, change=1, source=GrantSource.RETURNED, at=at)


def _locked(session: Session, uses: Sequence[GrantUse]) -> dict[tuple[int, str], int]:
    if not uses:
        return {}
    named = tuple_(_GRANT.identity_id, _GRANT.template_id)
    rows = session.execute(
        select(_GRANT.identity_id, _GRANT.template_id, _GRANT.balance)
        .where(named.in_([(use.identity_id, use.template_id) for use in uses]))
        .order_by(_GRANT.identity_id, _GRANT.template_id)
        .with_for_update(key_share=True)
    )
    return {(row.identity_id, row.template_id): row.balance for row in rows}


def _append(session: Session, uses: Sequence[GrantUse], *, change: int, source: GrantSource, at: datetime) -> set[str]:
    """Append entries and move the balances of those that are new."""
    if not uses:
        return set()
    given = _given(uses)
    entries = (
        insert(_ENTRY)
        .from_select(
            ["identity_id", "template_id", "source", "reference", "change", "balance_after", "recorded_at"],
            select(
                given.c.identity_id, given.c.template_id, cast(source.value, String), given.c.reference,
                cast(change, Big), _GRANT.balance + change, cast(at, _ENTRY.recorded_at.type),
            ).join_from(given, _GRANT, _is_of(given)),
        )
        .on_conflict_do_nothing(index_elements=["identity_id", "template_id", "source", "reference"])
        .returning(_ENTRY.identity_id, _ENTRY.template_id, _ENTRY.reference)
        .cte("entries")
    )  # fmt: skip
    moved = session.execute(
        update(_GRANT)
        .where(_is_of(entries))
        .values(balance=_GRANT.balance + change)
        .returning(entries.c.reference)
        .execution_options(synchronize_session=False)
    )
    return {row.reference for row in moved}


def _given(uses: Sequence[GrantUse]) -> FromClause:
    columns = (
        cast([use.identity_id for use in uses], SentArray(Big())),
        cast([use.template_id for use in uses], SentArray(String())),
        cast([use.reference for use in uses], SentArray(String())),
    )
    return func.unnest(*columns).table_valued("identity_id", "template_id", "reference", name="given").render_derived()


def _is_of(named: FromClause) -> ColumnElement[bool]:
    return and_(_GRANT.identity_id == named.c.identity_id, _GRANT.template_id == named.c.template_id)
