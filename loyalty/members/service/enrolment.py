"""What a membership gains and loses: its beginning (入会), its identities, its phone.

The only code that makes a member or writes a phone; the caller holds the lock on the phone.
"""

from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from loyalty.channels.models import Scene
from loyalty.kernel import audit, outbox
from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from loyalty.members.models import Identity, Member
from loyalty.members.rules.members import PROVISIONAL_FOR, MemberStatus
from loyalty.members.rules.numbers import number_of
from loyalty.members.service.identities import join_member
from loyalty.members.service.proposals import lapse_proposals
from loyalty.stores.models import Store
from loyalty.stores.rules import StoreKind

_PHONE = "members.phone"


def enrol(
    session: Session, *, vault: Vault, identity: Identity, phone: str, store_id: int | None, at: datetime
) -> Member:
    """Make a visitor with a phone that is nobody's a member.

    Where the door names no store, it is the one by whose QR code (门店二维码) they followed last.
    """
    member = _add(session, vault, phone, store_id or _store_followed_at(session, identity), at)
    member.phone_proved_at = at
    _begin(session, member, identity, at)
    return member


def enrol_provisionally(session: Session, *, vault: Vault, phone: str, store_id: int | None, at: datetime) -> Member:
    """Make a provisional member (待确认会员) of a phone that is nobody's and that nobody proved."""
    member = _add(session, vault, phone, store_id, at)
    member.status, member.provisional_until_at = MemberStatus.PROVISIONAL, at + PROVISIONAL_FOR
    session.flush()
    return member


def confirm(session: Session, *, member: Member, identity: Identity, proved_at: datetime, at: datetime) -> None:
    """Make a provisional member one in full, now that its person proved the phone; the enrolment date stays."""
    member.status, member.provisional_until_at = MemberStatus.ACTIVE, None
    member.phone_proved_at = proved_at
    _begin(session, member, identity, at)


def _add(session: Session, vault: Vault, phone: str, store_id: int | None, at: datetime) -> Member:
    member_id: int = session.execute(text("SELECT nextval('members_id_seq')")).scalar_one()
    member = Member(
        id=member_id,
        number=number_of(member_id, key=vault.index_key),
        status=MemberStatus.ACTIVE,
        phone_sealed=vault.seal(phone, context=_PHONE),
        phone_index=vault.index(phone, context=_PHONE),
        enrolled_at=at,
        enrolled_store_id=store_id,
        last_active_at=at,
    )
    session.add(member)
    return member


def _begin(session: Session, member: Member, identity: Identity, at: datetime) -> None:
    """Tell the other modules of a member in full, once in its life."""
    session.flush()
    payload = {"member_id": member.id, "identity_id": identity.id, "store_id": member.enrolled_store_id}
    outbox.record(session, "member.enrolled", payload, at=at)
    join(session, identity=identity, member=member, at=at)


def _store_followed_at(session: Session, identity: Identity) -> int | None:
    """Return the store whose code this person scanned, whichever of their identities followed."""
    is_theirs = Identity.id == identity.id
    if identity.unionid is not None:
        is_theirs |= Identity.unionid == identity.unionid
    return session.scalar(
        select(Store.id)
        .join(Scene, (Scene.subject_id == Store.id) & (Scene.subject_kind == "store"))
        .join(Identity, (Identity.appid == Scene.appid) & (Identity.follow_scene == Scene.key))
        .where(is_theirs, Store.kind == StoreKind.STORE)
        .order_by(Identity.followed_at.desc())
        .limit(1)
    )


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
