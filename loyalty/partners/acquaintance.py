"""Whom a key knows (是否相识): members who dealt with its stores, and nobody else.

The one condition behind every search by phone. Enrolment counts once the person has confirmed it: a store could
otherwise enrol any phone to see whether it is found afterwards.
"""

from sqlalchemy import Boolean, ColumnElement, bindparam, or_, select
from sqlalchemy.orm import aliased

from loyalty.members.models import Member
from loyalty.members.queries import LIVING
from loyalty.orders.models import Order
from loyalty.partners.models import MemberEncounter
from loyalty.partners.queries import ROOTS, stores_of


def is_known() -> ColumnElement[bool]:
    """Say in SQL that a row of members enrolled at, bought at or showed a code at one of the stores below ``roots``.

    Who confirmed a membership that belongs to no store, such as one from online, is known to a key that
    ``is_chain_wide``.
    """
    stores = stores_of(ROOTS)
    is_home = or_(bindparam("is_chain_wide", type_=Boolean), Member.enrolled_store_id.in_(stores))
    merged = aliased(Member)
    before = select(merged.id).where(merged.merged_into_id == Member.id)
    bought = select(Order.id).where(
        or_(Order.member_id == Member.id, Order.member_id.in_(before)), Order.store_id.in_(stores)
    )
    shown = select(MemberEncounter.store_id).where(
        MemberEncounter.member_id == Member.id, MemberEncounter.store_id.in_(stores)
    )
    return or_(Member.status.in_(LIVING) & is_home, bought.exists(), shown.exists())
