"""Filling in (回填) what was there before its tables and columns were: purchases, and the index of birthdays.

Each is one bulk run, begun by the migration. What happens meanwhile is followed by events: both write the same.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from loyalty.kernel.bulk import BulkRun, PageDone
from loyalty.kernel.crypto import Vault
from loyalty.members.models import Member
from loyalty.members.queries import lock_members
from loyalty.members.rules.profile import birthday_mark
from loyalty.orders.models import Order
from loyalty.points.posting import table_of
from loyalty.segments.purchases import sum_up, write_purchases

ORDERS_PER_PAGE = 500
"""Their members are held meanwhile, so that pages are short."""
BIRTHDAYS_PER_PAGE = 1_000
_MEMBERS = table_of(Member)


def fill_purchases(session: Session, run: BulkRun, *, zone: ZoneInfo) -> PageDone:
    """Write what members bought by the next orders."""
    page = select(Order.id, Order.member_id).where(Order.id > run.cursor).order_by(Order.id).limit(ORDERS_PER_PAGE)
    rows = session.execute(page).all()
    order_ids = [row.id for row in rows]
    owner_ids = _hold_owners(session, [row.member_id for row in rows if row.member_id is not None])
    session.execute(select(Order.id).where(Order.id.in_(order_ids)).order_by(Order.id).with_for_update(key_share=True))
    write_purchases(session, order_ids=order_ids, zone=zone)
    sum_up(session, member_ids=owner_ids)
    return _page_done(run, order_ids, ORDERS_PER_PAGE)


def fill_birthdays(session: Session, run: BulkRun, *, vault: Vault) -> PageDone:
    """Write the index of the next birthdays."""
    page = (
        select(Member.id, Member.birthday_sealed)
        .where(Member.id > run.cursor, Member.birthday_sealed.is_not(None))
        .order_by(Member.id)
        .limit(BIRTHDAYS_PER_PAGE)
        .with_for_update(key_share=True)
    )
    rows = session.execute(page).all()
    marks = [{"member_id": row.id, "mark": _mark(vault, row.birthday_sealed)} for row in rows]
    if marks:
        marked = update(_MEMBERS).where(_MEMBERS.c.id == bindparam("member_id"))
        session.execute(marked.values(birthday_index=bindparam("mark")), marks)
    return _page_done(run, [row.id for row in rows], BIRTHDAYS_PER_PAGE)


def _hold_owners(session: Session, member_ids: Sequence[int]) -> list[int]:
    """Hold who orders belong to, and those merged into them, until nobody of them was merged meanwhile."""
    wanted: set[int] = set(member_ids)
    while True:
        held = lock_members(session, member_ids=wanted)
        owners = {member.merged_into_id or member.id for member in held.values()}
        if owners <= wanted:
            return sorted(owners)
        wanted |= owners


def _mark(vault: Vault, sealed: Any) -> bytes:
    birthday = date.fromisoformat(vault.open(sealed, context="members.birthday"))
    return birthday_mark(vault, birthday.month, birthday.day)


def _page_done(run: BulkRun, ids: Sequence[int], size: int) -> PageDone:
    return PageDone(cursor=ids[-1] if ids else run.cursor, rows=len(ids), is_last=len(ids) < size)
