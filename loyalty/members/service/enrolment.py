"""What a membership gains and loses: its beginning (入会), its identities, its phone.

The only code that makes a member or writes a phone; the caller holds the lock on the phone.
"""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.kernel import audit, outbox
from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from loyalty.members.models import Identity, Member
from loyalty.members.rules.numbers import number_of
from loyalty.members.service.identities import join_member
from loyalty.members.service.proposals import lapse_proposals

_PHONE = "members.phone"


def enrol(
    session: Session, *, vault: Vault, identity: Identity, phone: str, store_id: int | None, at: datetime
) -> Member:
    """Make a visitor with a phone that is nobody's a member."""
    member_id: int = session.execute(text("SELECT nextval('members_id_seq')")).scalar_one()
    member = Member(
        id=member_id,
        number=number_of(member_id, key=vault.index_key),
        phone_sealed=vault.seal(phone, context=_PHONE),
        phone_index=vault.index(phone, context=_PHONE),
        phone_proved_at=at,
        enrolled_at=at,
        enrolled_store_id=store_id,
        last_active_at=at,
    )
    session.add(member)
    session.flush()
    payload = {"member_id": member_id, "identity_id": identity.id, "store_id": store_id}
    outbox.record(session, "member.enrolled", payload, at=at)
    join(session, identity=identity, member=member, at=at)
    return member


def join(session: Session, *, identity: Identity, member: Member, at: datetime) -> None:
    """Give a visitor a membership that exists, with every visitor of the same unionid."""
    join_member(session, identity_id=identity.id, member_id=member.id, at=at)
    session.refresh(identity)
    member.last_active_at = max(member.last_active_at, at)


def set_phone(session: Session, *, vault: Vault, member: Member, phone: str, at: datetime) -> None:
    """Give a member a phone that is nobody's, in place of the one they had."""
    member.phone_sealed = vault.seal(phone, context=_PHONE)
    member.phone_index = vault.index(phone, context=_PHONE)
    member.phone_proved_at = at
    session.flush()
    lapse_proposals(session, member_id=member.id)
    outbox.record(session, "member.phone_changed", {"member_id": member.id}, at=at)


def detach_phone(session: Session, *, member: Member, actor: Actor, review_id: int, at: datetime) -> None:
    """Take the phone from a member who turned out not to be its owner; all else stays theirs."""
    member.phone_sealed = member.phone_index = member.phone_proved_at = None
    session.flush()
    lapse_proposals(session, member_id=member.id)
    outbox.record(session, "member.phone_detached", {"member_id": member.id}, at=at)
    audit.write(
        session,
        actor=actor,
        action="members.detach_phone",
        subject=f"member:{member.id}",
        after={"binding_review_id": review_id},
        at=at,
    )
