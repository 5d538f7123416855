"""Whom a key knows (是否相识): members who dealt with its stores, and nobody else.

The one condition behind every search by phone. Enrolment counts once the person has confirmed it: a store could
otherwise enrol any phone to see whether it is found afterwards.
"""

from typing import Any

from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.orm import aliased

from loyalty.members.models import Member
from loyalty.members.queries import LIVING
from loyalty.orders.models import Order
from loyalty.partners.models import MemberEncounter
from loyalty.partners.queries import stores_of
from loyalty.partners.rules.keys import PartnerCaller


def is_known_to(caller: PartnerCaller) -> ColumnElement[bool]:
    """Say in SQL that a row of members enrolled at, bought at or showed a code at one of a key's stores.

    Who confirmed a membership that belongs to no store, such as one from online, is known to a key of the whole chain.
    """
    stores = stores_of(caller)
    is_home: ColumnElement[Any] = true() if caller.is_chain_wide else Member.enrolled_store_id.in_(stores)
    merged = aliased(Member)
    before = select(merged.id).where(merged.merged_into_id == Member.id)
    bought = select(Order.id).where(
        or_(Order.member_id == Member.id, Order.member_id.in_(before)), Order.store_id.in_(stores)
    )
    shown = select(MemberEncounter.store_id).where(
        MemberEncounter.member_id == Member.id, MemberEncounter.store_id.in_(stores)
    )
    return or_(Member.status.in_(LIVING) & is_home, bought.exists(), shown.exists())
