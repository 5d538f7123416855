"""Provisional members (待确认会员): a store enrols a phone at the till, and its owner comes later, or never.

Such a member earns and cannot spend. It has no identity, so that no page of a member ever shows it. Its owner makes it
their own by proving the phone and consenting (``rules.binding``); nobody else can, and after 90 days it is erased.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.kernel.crypto import Vault
from loyalty.members.queries import find_holder
from loyalty.members.rules.phones import normalise_phone
from loyalty.members.service.enrolment import enrol_provisionally
from loyalty.members.service.locks import lock_phone


@dataclass(frozen=True, slots=True)
class EnrolledProvisionally:
    """The member of a phone; doors never tell strangers ``is_new``, which would tell who is a member already."""

    member_id: int
    is_new: bool


def enrol_provisional(
    session: Session, vault: Vault, *, phone: str, store_id: int | None, at: datetime
) -> EnrolledProvisionally:
    """Return the member who holds a phone, made provisionally when nobody does; again changes nothing.

    Raises:
        PhoneInvalid: no mobile number of the four regions.
    """
    phone = normalise_phone(phone)
    index = vault.index(phone, context="members.phone")
    lock_phone(session, index)
    holder = find_holder(session, phone_index=index)
    if holder is not None:
        return EnrolledProvisionally(holder.id, is_new=False)
    member = enrol_provisionally(session, vault=vault, phone=phone, store_id=store_id, at=at)
    return EnrolledProvisionally(member.id, is_new=True)
