"""Identities: who a member is at WeChat, and which members one person seems to have."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.members.models import Identity, Member
from loyalty.members.queries.members import LIVING
from loyalty.members.rules.identities import IdentityNotFound


def get_identity(session: Session, *, identity_id: int) -> Identity:
    """Return an identity.

    Raises:
        IdentityNotFound: there is none with this id.
    """
    identity = session.get(Identity, identity_id)
    if identity is None:
        raise IdentityNotFound(identity_id=identity_id)
    return identity


def find_identity(session: Session, *, appid: str, openid: str) -> Identity | None:
    """Return the identity that one of our accounts sees under an openid."""
    return session.scalar(select(Identity).where(Identity.appid == appid, Identity.openid == openid))


def identities_of(session: Session, *, member_id: int) -> Sequence[Identity]:
    """Return a living member's identities, oldest first: everywhere a notice could go."""
    return session.scalars(
        select(Identity)
        .join(Member, Member.id == Identity.member_id)
        .where(Identity.member_id == member_id, Member.status.in_(LIVING))
        .order_by(Identity.id)
    ).all()


def members_by_unionid(session: Session, *, unionid: str) -> Sequence[int]:
    """Return the living members with an identity of this unionid, the earliest enrolled first."""
    return session.scalars(
        select(Member.id)
        .join(Identity, Identity.member_id == Member.id)
        .where(Identity.unionid == unionid, Member.status.in_(LIVING))
        .group_by(Member.id)
        .order_by(Member.enrolled_at, Member.id)
    ).all()


def find_merge_candidate(session: Session, *, member_id: int) -> int | None:
    """Return another living member joined to this one by unionid, the earliest enrolled."""
    unionids = select(Identity.unionid).where(Identity.member_id == member_id, Identity.unionid.is_not(None))
    return session.scalar(
        select(Member.id)
        .join(Identity, Identity.member_id == Member.id)
        .where(Identity.unionid.in_(unionids), Member.id != member_id, Member.status.in_(LIVING))
        .order_by(Member.enrolled_at, Member.id)
        .limit(1)
    )
